default_scope = 'mmvis'
custom_imports = dict(
    imports=[
        'mmvis.models',
        'mmvis.datasets',
        'mmvis.evaluation.vis_metric',
        'mmvis.engine.hooks',
        'mmvis.engine.loops',
        'mmvis.engine.optimizers',
        'mmvis.engine.schedulers',
        'mmvis.visualization',
    ],
)
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    # The trainings count iterations, so that the epoch of every validation is 0.
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    # At least two are kept: one is complete whenever a training is killed.
    checkpoint=dict(
        type='CheckpointHook', by_epoch=False, interval=1000, max_keep_ckpts=3
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    # Of weights for other classes, only the class heads are replaced by random ones.
    strict_load=dict(
        type='StrictLoadHook',
        new_heads=[
            r'head\.class_embed\..*',
            r'head\.roi_head\.bbox_head\.\d+\.fc_cls\..*',
            r'head\.roi_head\.mask_head\.\d+\.conv_logits\..*',
        ],
        new_parameters=[r'backbone\.msg_tokens', r'head\.query_updater\..*'],
    ),
    reproducible_training=dict(type='ReproducibleTrainingHook'),
    finite_loss=dict(type='FiniteLossHook'),
    data_check=dict(type='DataCheckHook'),
    config_resume=dict(type='ConfigResumeHook'),
)
env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    # The tools take gloo where there is no GPU.
    dist_cfg=dict(backend='nccl'),
)
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='Visualizer', vis_backends=vis_backends)
log_processor = dict(type='LogProcessor', window_size=50, by_epoch=False)
log_level = 'INFO'
# None draws a seed, which the checkpoint keeps.
randomness = dict(seed=None)
load_from = None
resume = False
