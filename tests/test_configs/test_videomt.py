"""Published numbers of VidEoMT and EoMT, read from what is built.

Sources: the papers; the configs of the authors' repositories (MIT): tue-mps/videomt,
configs/*/videomt/dinov2/vit-*, and tue-mps/eomt, configs/coco/instance.
"""

from pathlib import Path

import pytest

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
VIDEOMT = sorted(p.stem for p in CONFIGS.glob('videomt_vit-*.py'))
EOMT = sorted(p.stem for p in CONFIGS.glob('eomt_vit-*.py'))
# Width, heads, blocks for frames, blocks for queries.
SIZES = {'s': (384, 6, 9, 3), 'b': (768, 12, 9, 3), 'l': (1024, 16, 20, 4)}
CLASSES = {'ytvis2021': ('2021', 40), 'ytvis2022': ('2022', 40), 'ovis': ('ovis', 25)}
SIDES = '[320, 352, 392, 416, 448, 480, 512, 544, 576, 608, 640]'
CROP = ['crop, sides 384 to 600']
RESIZE = [f'clip: resize, short one of {SIDES}, long <= 768, pillow']
FLIP = ['clip: flip horizontal 0.5']
CLIP = ['5 frames within 2 of a reference, in order']


@pytest.mark.parametrize('name', VIDEOMT + EOMT)
def test_network(built, the_one, name):
    width, num_heads, num_frame_blocks, num_query_blocks = SIZES[name.split('-')[1][0]]
    model = built(name).model
    backbone, head = model.backbone, model.head
    blocks = [*backbone.blocks, *head.blocks]
    assert len(backbone.blocks) == num_frame_blocks
    assert len(head.blocks) == num_query_blocks
    assert the_one(b.attn.num_heads for b in blocks) == num_heads
    assert the_one(b.mlp.fc1.out_features for b in blocks) == 4 * width
    assert backbone.patch_embed.weight.shape == (width, 3, 16, 16)
    assert backbone.pos_embed.shape == (1, 40 * 40, width)  # 640 / 16
    assert backbone.reg_token.shape == (1, 4, width)
    assert head.query_feat.weight.shape == (200, width)
    assert len(head.upscaler.steps) == 2
    assert head.propagation == ('linear' if name in VIDEOMT else None)
    preprocessor = model.data_preprocessor
    assert preprocessor.mean.flatten().tolist() == pytest.approx(
        [123.675, 116.28, 103.53]
    )
    assert preprocessor.std.flatten().tolist() == pytest.approx([58.395, 57.12, 57.375])
    assert preprocessor._channel_conversion  # RGB
    assert preprocessor.pad_size_divisor == (32 if name in VIDEOMT else 640)


@pytest.mark.parametrize('name', VIDEOMT + EOMT)
def test_losses(built, name):
    criterion = built(name).model.head.criterion
    costs = criterion.assigner.match_costs
    assert [(type(c).__name__, c.weight) for c in costs] == [
        ('ClassificationCost', 2.0),
        ('CrossEntropyLossCost', 5.0),
        ('DiceCost', 5.0),
    ]
    losses = criterion.loss_cls, criterion.loss_mask, criterion.loss_dice
    assert [loss.loss_weight for loss in losses] == [2.0, 5.0, 5.0]
    assert (criterion.loss_dice.eps, costs[2].eps) == (1.0, 1.0)
    assert criterion.class_weight[-1] == 0.1
    points = criterion.masks
    numbers = points.num_points, points.oversample_ratio, points.importance_sample_ratio
    assert numbers == (12544, 3.0, 0.75)


@pytest.mark.parametrize('name', VIDEOMT + EOMT)
def test_training(built, the_one, name):
    config = built(name)
    optimizer = config.optim_wrapper.optimizer
    decay, num_blocks = (
        (0.6 if name in VIDEOMT else 0.8),
        sum(SIZES[name.split('-')[1][0]][2:]),
    )
    rates = {group['lr'] for group in optimizer.param_groups}
    assert sorted(rates) == pytest.approx(
        sorted({1e-4 * decay**i for i in range(num_blocks)})
    )
    assert type(optimizer).__name__ == 'AdamW'
    assert the_one(g['weight_decay'] for g in optimizer.param_groups) == 0.05
    assert config.optim_wrapper.clip_grad_kwargs['max_norm'] == 0.01
    cfg = config.cfg
    max_iters = cfg.train_cfg.max_iters
    if name in EOMT:
        assert max_iters == 12 * 7391
    elif name.count('_') > 1:
        assert max_iters == 160000
    else:
        assert max_iters == (60000 if name.endswith('-l') else 40000)
    (schedule,) = cfg.param_scheduler
    assert (schedule.warmups, schedule.power, schedule.end) == (
        (500, 1000),
        0.9,
        max_iters,
    )
    assert cfg.auto_scale_lr.base_batch_size == (8 if name in VIDEOMT else 16)
    assert 8 * cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size


@pytest.mark.parametrize('name', VIDEOMT)
def test_data(built, describe_steps, name):
    cfg = built(name).cfg
    version, num_classes = CLASSES.get(name.split('_')[-1], ('2019', 40))
    assert built(name).model.head.num_classes == num_classes
    coco, videos = cfg.train_dataloader.dataset.datasets
    assert (coco.type, videos.type) == ('CocoClipDataset', 'YouTubeVISDataset')
    assert coco.dataset_version == videos.dataset_version == version
    assert describe_steps(videos.pipeline) == CLIP + CROP + RESIZE + FLIP
    assert describe_steps(coco.pipeline) == CROP + RESIZE + FLIP
    (views,) = [step for step in coco.pipeline if step.type == 'MakePseudoClip']
    assert (views.clip_len, views.max_rotate_degree) == (5, 15.0)
    assert cfg.test_dataloader.dataset.dataset_version == version
    side = 544 if version == 'ovis' else 448
    steps = describe_steps(cfg.test_dataloader.dataset.pipeline)
    assert steps == [f'frame: resize, short <= {side}, long <= 1333, pillow']


@pytest.mark.parametrize('name', VIDEOMT)
def test_online_inference(built, name):
    test_cfg, merger = built(name).test_cfg, built(name).merger
    assert (test_cfg.clip_len, test_cfg.frame_stride) == (1, 1)
    assert (test_cfg.max_per_video, test_cfg.score_thr) == (10, 0.0)
    assert type(merger).__name__ == 'QueryIndexMerger'
    assert merger.average_logits


@pytest.mark.parametrize('name', EOMT)
def test_images(built, name):
    cfg = built(name).cfg
    assert built(name).model.head.num_classes == 80
    *_, geometry, crop, _ = cfg.train_dataloader.dataset.pipeline
    resize, flip = geometry.transforms
    assert (resize.type, resize.scale, resize.ratio_range, resize.keep_ratio) == (
        'RandomResize',
        (640, 640),
        (0.1, 2.0),
        True,
    )
    assert (flip.type, flip.prob) == ('RandomFlip', 0.5)
    assert (crop.type, crop.min_size, crop.max_size) == ('RandomClipCrop', 640, 640)
