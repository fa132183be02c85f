# VidEoMT's: 40,000 iterations of 8 clips (8 GPUs x 1); 0.6 times the learning rate with
# each block towards the input; masked attention is annealed.
max_iters = 40000
optim_wrapper = dict(
    type='AmpOptimWrapper',
    loss_scale='dynamic',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.05),
    constructor='BlockDecayConstructor',
    paramwise_cfg=dict(block_decay=0.6),
    # Far below usual norms, so that every step is scaled: part of the recipe.
    clip_grad=dict(max_norm=0.01, norm_type=2),
)
train_cfg = dict(type='ResumableTrainLoop', max_iters=max_iters, val_interval=5000)
param_scheduler = [
    dict(
        type='TwoStageWarmupPolyLR',
        by_epoch=False,
        warmups=(500, 1000),
        power=0.9,
        end=max_iters,
    ),
]
custom_hooks = [dict(type='MaskAnnealingHook')]
# The learning rate follows the total batch size.
auto_scale_lr = dict(enable=True, base_batch_size=8)
