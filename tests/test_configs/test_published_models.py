"""Every published number of a model, read from the built parts.

Sources: golden/{ifc,vistr,tevit}/notes.md and the papers. A later pattern overrules an
earlier one.
"""

from pathlib import Path

import pytest
from mmengine.utils.dl_utils.parrots_wrapper import _BatchNorm

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
METHODS = ('ifc_', 'vistr_', 'tevit_', 'queryinst_')
OURS = (
    '_small_',
    '_custom',
    '_lite0_photos',
    'ifc_swin-t_messenger',
)  # nothing about them is published
PUBLISHED = sorted(
    path.stem
    for path in CONFIGS.glob('*.py')
    if path.stem.startswith(METHODS) and not any(name in path.stem for name in OURS)
)
RESNETS = [n for n in PUBLISHED if '_r50' in n or '_r101' in n]
SWINS = [n for n in PUBLISHED if '_swin-l' in n]
PVTS = [n for n in PUBLISHED if '_msgshift' in n or '_pvtv2' in n]
DETR_LIKE = [n for n in PUBLISHED if n.startswith(('ifc_', 'vistr_'))]
BOX_LIKE = [n for n in PUBLISHED if n.startswith(('tevit_', 'queryinst_'))]
IMAGENET = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], channels='RGB'
)

# ifc/notes.md, 2; vistr/notes.md, 0; tevit/notes.md, 5
PIXELS = {
    '*': IMAGENET,
    'ifc_*': dict(pad_size_divisor=1),
    'ifc_r101*': dict(
        mean=[103.53, 116.28, 123.675], std=[1.0, 1.0, 1.0], channels='BGR'
    ),
    'vistr_*': dict(pad_size_divisor=1),
    'tevit_*': dict(pad_size_divisor=32),
    'queryinst_*': dict(pad_size_divisor=32),
}
BACKBONES = {
    '*': dict(
        blocks=(3, 4, 6, 3),
        # Of each stage's first block: 'pytorch' in the 3x3 convolution, 'caffe' in
        # the first 1x1 convolution.
        strided_kernel=3,
        frozen=['conv1', 'layer1'],
        trained_norms=False,
        norms_in_eval_mode=True,
    ),
    '*_r101*': dict(blocks=(3, 4, 23, 3)),
    'ifc_r101*': dict(strided_kernel=1),
    # Affine parameters of its norms learn; tevit/optim.json counts them.
    'tevit_r50*': dict(trained_norms=True),
    'queryinst_r50*': dict(trained_norms=True),
}
# ifc/notes.md, 2; vistr/notes.md, 2
TRANSFORMERS = {
    '*': dict(heads=8, feedforward=2048, dropout=0.1),
    'ifc_*': dict(width=256, encoder_layers=6, decoder_layers=3, queries=100),
    'vistr_*': dict(width=384, encoder_layers=6, decoder_layers=6, queries=360),
    'vistr_*_ovis': dict(queries=720),  # 20 instances in each of 36 frames
}
# ifc/notes.md, 3; vistr/notes.md, 3; tevit/notes.md, 4
FOCAL = dict(alpha=0.25, gamma=2.0)
LOSSES = {
    'ifc_*': dict(
        loss_cls=dict(type='CrossEntropyLoss', weight=1.0),
        loss_mask=dict(type='FocalLoss', weight=3.0, **FOCAL),
        loss_dice=dict(type='DiceLoss', weight=3.0, eps=1.0, naive_dice=True),
    ),
    'vistr_*': dict(
        loss_cls=dict(type='CrossEntropyLoss', weight=1.0),
        loss_bbox=dict(type='L1Loss', weight=5.0),
        loss_iou=dict(type='GIoULoss', weight=2.0, eps=1e-6),
        loss_mask=dict(type='FocalLoss', weight=1.0, **FOCAL),
        loss_dice=dict(type='DiceLoss', weight=1.0, eps=1.0, naive_dice=True),
    ),
    '[tq]*': dict(
        loss_cls=dict(type='FocalLoss', weight=2.0, **FOCAL),
        loss_bbox=dict(type='L1Loss', weight=5.0),
        loss_iou=dict(type='GIoULoss', weight=2.0, eps=1e-6),
        loss_mask=dict(type='DiceLoss', weight=8.0, eps=1e-5, naive_dice=False),
    ),
}
COSTS = {
    'ifc_*': [
        dict(type='ClassificationCost', weight=1.0),
        dict(type='DiceCost', weight=3.0, eps=1.0, naive_dice=True, pred_act=True),
    ],
    'vistr_*': [
        dict(type='ClassificationCost', weight=1.0, per_frame=True),
        # 5 for the mean over four coordinates, which MMDetection sums
        dict(type='BBoxL1Cost', weight=5 / 4, box_format='xywh', per_frame=True),
        dict(type='IoUCost', weight=2.0, iou_mode='iou', per_frame=True),
    ],
    '[tq]*': [
        dict(type='FocalLossCost', weight=2.0, eps=1e-12, per_frame=True, **FOCAL),
        dict(type='BBoxL1Cost', weight=5.0, box_format='xyxy', per_frame=True),
        dict(type='IoUCost', weight=2.0, iou_mode='giou', per_frame=True),
    ],
}
# tevit/notes.md, 1 to 3
STAGES = dict(
    num_stages=6,
    stage_loss_weights=[1] * 6,
    heads=8,
    feedforward=2048,
    dynamic_conv=(256, 64, 256),
    class_layers=1,
    box_layers=3,
    mask_convs=4,
    mask_norm='BatchNorm2d',
    mask_logits=28,
    box_stds=[0.5, 0.5, 1.0, 1.0],
    box_means=[0.0, 0.0, 0.0, 0.0],
    clips_boxes=False,
    roi_sizes=(7, 14),
    sampling_ratio=2,
    feat_strides=[4, 8, 16, 32],
    finest_scale=56,
)
NUM_PROPOSALS = {'*': 100, '*swin-l*': 300}


@pytest.mark.parametrize('name', PUBLISHED)
def test_pixels(built, look_up, name):
    preprocessor = built(name).model.data_preprocessor
    numbers = dict(
        mean=pytest.approx(preprocessor.mean.flatten().tolist()),
        std=pytest.approx(preprocessor.std.flatten().tolist()),
        # MMDetection loads BGR.
        channels='RGB' if preprocessor._channel_conversion else 'BGR',
        pad_size_divisor=preprocessor.pad_size_divisor,
    )
    assert numbers == look_up(PIXELS, name)


@pytest.mark.parametrize('name', RESNETS)
def test_resnet(built, look_up, the_one, name):
    backbone = built(name).model.backbone
    norms = [m for m in backbone.modules() if isinstance(m, _BatchNorm)]
    stages = [getattr(backbone, f'layer{i}') for i in range(1, 5)]
    learning = {
        n.split('.')[0] for n, p in backbone.named_parameters() if p.requires_grad
    }
    strided = [
        conv.kernel_size[0]
        for stage in stages[1:]
        for conv in (stage[0].conv1, stage[0].conv2)
        if conv.stride == (2, 2)
    ]
    parts = ['conv1', 'layer1', 'layer2', 'layer3', 'layer4']
    numbers = dict(
        blocks=tuple(len(stage) for stage in stages),
        strided_kernel=the_one(strided),
        frozen=[part for part in parts if part not in learning],
        trained_norms=any(p.requires_grad for m in norms for p in m.parameters()),
        norms_in_eval_mode=not any(m.training for m in norms),
    )
    assert len(strided) == 3
    assert numbers == look_up(BACKBONES, name)


@pytest.mark.parametrize('name', PVTS)
def test_pvt(built, the_one, name):
    """Paper of PVTv2, Table 1; tevit/notes.md, 2."""
    backbone = built(name).model.backbone
    blocks = [[*stage[1]] for stage in backbone.layers]
    dims = [stage[0].projection.out_channels for stage in backbone.layers]
    assert dims == [64, 128, 320, 512]
    assert [len(stage) for stage in blocks] == [2, 2, 2, 2]
    assert [stage[0].attn.num_heads for stage in blocks] == [1, 2, 5, 8]
    assert [stage[0].attn.sr_ratio for stage in blocks] == [8, 4, 2, 1]
    ratios = [b[0].ffn.feedforward_channels / d for b, d in zip(blocks, dims)]
    assert ratios == [8, 8, 4, 4]
    drop_paths = [drop_path_of(b.ffn) for stage in blocks for b in stage]
    assert drop_paths == pytest.approx([0.1 * i / 7 for i in range(8)])
    assert the_one(b.norm1.eps for stage in blocks for b in stage) == 1e-6
    if 'msgshift' in name:
        assert backbone.msg_tokens.shape == (1, 32, 3)
        assert backbone.shift_strides == (1, -1, 2, -2)


def drop_path_of(ffn):
    return getattr(ffn.dropout_layer, 'drop_prob', 0.0)


@pytest.mark.parametrize('name', SWINS)
def test_swin(built, the_one, name):
    """Paper of Swin, Sec. 3.3; tevit/notes.md, 6; the config of QueryInst."""
    backbone = built(name).model.backbone
    assert [len(stage.blocks) for stage in backbone.stages] == [2, 2, 18, 2]
    blocks = [block for stage in backbone.stages for block in stage.blocks]
    attention = [stage.blocks[0].attn.w_msa for stage in backbone.stages]
    assert [a.num_heads for a in attention] == [6, 12, 24, 48]
    assert [a.embed_dims for a in attention] == [192, 384, 768, 1536]
    assert the_one(a.window_size for a in attention) == (7, 7)
    rate = 0.3 if name.startswith('queryinst') else 0.2
    drop_paths = [drop_path_of(block.ffn) for block in blocks]
    assert drop_paths == pytest.approx([rate * i / 23 for i in range(24)], abs=1e-6)
    assert all(block.with_cp for block in blocks)


@pytest.mark.parametrize('name', DETR_LIKE)
def test_transformer(built, look_up, the_one, name):
    config = built(name)
    encoder = config.find('neck', 'EncoderLayer')
    decoder = config.find('head', 'DecoderLayer')
    attention = [
        module for part in ('neck', 'head') for module in config.find(part, 'Attention')
    ]
    feedforward = [
        module
        for part in ('neck', 'head')
        for module in config.find(part, 'FeedForward')
    ]
    numbers = dict(
        width=the_one(a.embed_dim for a in attention),
        heads=the_one(a.num_heads for a in attention),
        feedforward=the_one(f.linear1.out_features for f in feedforward),
        dropout=the_one(
            [a.dropout for a in attention] + [f.dropout.p for f in feedforward]
        ),
        # IFC has three that work on frames and three between frames.
        encoder_layers=len(encoder),
        decoder_layers=len(decoder),
        queries=config.model.head.decoder.query_embed.num_embeddings,
    )
    assert len(attention) == len(encoder) + 2 * len(decoder)
    assert numbers == look_up(TRANSFORMERS, name)
    if name.startswith('ifc_'):
        assert config.model.neck.memory_tokens.shape == (8, 256)


@pytest.mark.parametrize('name', [n for n in PUBLISHED if n.startswith('vistr_')])
def test_vistr_head(built, name):
    """vistr/notes.md, 1 and 6."""
    head = built(name).model.head
    assert head.clip_len == 36
    assert head.num_instances == (20 if name.endswith('_ovis') else 10)
    # Class 0 is in the published checkpoints and no category.
    assert head.class_embed.out_features == head.num_classes + 2
    assert head.min_frame_score == 0.001
    assert [c.out_channels for c in head.mask_head.convs] == [392, 192, 96, 48]
    assert head.mask_head.dcn.out_channels == 24


@pytest.mark.parametrize('name', PUBLISHED)
def test_losses(built, look_up, the_one, name):
    losses = {}
    for path, module in built(name).model.head.named_modules():
        if hasattr(module, 'loss_weight'):
            numbers = dict(type=type(module).__name__, weight=module.loss_weight)
            numbers |= {
                key: getattr(module, key)
                for key in ('alpha', 'gamma', 'eps', 'naive_dice')
                if hasattr(module, key)
            }
            losses.setdefault(path.rpartition('.')[2], []).append(numbers)
    unused = ('loss_rpn_cls', 'loss_rpn_bbox')
    merged = {key: the_one(v) for key, v in losses.items() if key not in unused}
    assert merged == look_up(LOSSES, name)


@pytest.mark.parametrize('name', DETR_LIKE)
def test_weights_of_classes(built, name):
    """A tenth for "no object", the last one."""
    criterion = built(name).model.head.criterion
    *others, no_object = criterion.class_weight
    assert no_object == 0.1
    assert set(others) == {1.0}


@pytest.mark.parametrize('name', PUBLISHED)
def test_matching_costs(built, look_up, name):
    costs = []
    for cost in built(name).model.head.criterion.assigner.match_costs:
        per_frame = dict(per_frame=True) if hasattr(cost, 'cost') else {}
        cost = getattr(cost, 'cost', cost)
        keys = ('alpha', 'gamma', 'eps', 'naive_dice', 'pred_act')
        keys += ('box_format', 'iou_mode', 'weight')
        numbers = {key: getattr(cost, key) for key in keys if hasattr(cost, key)}
        costs.append(dict(type=type(cost).__name__, **numbers, **per_frame))
    assert costs == look_up(COSTS, name)


@pytest.mark.parametrize('name', BOX_LIKE)
def test_stages(built, look_up, the_one, name):
    head = built(name).model.head
    roi_head = head.roi_head
    boxes, masks = roi_head.bbox_head, roi_head.mask_head
    extractors = [*roi_head.bbox_roi_extractor, *roi_head.mask_roi_extractor]
    layers = [layer for extractor in extractors for layer in extractor.roi_layers]
    convs = [h.instance_interactive_conv for h in [*boxes, *masks]]
    numbers = dict(
        num_stages=roi_head.num_stages,
        stage_loss_weights=roi_head.stage_loss_weights,
        heads=the_one(h.attention.num_heads for h in boxes),
        feedforward=the_one(h.ffn.feedforward_channels for h in boxes),
        dynamic_conv=the_one(
            (c.in_channels, c.feat_channels, c.out_channels) for c in convs
        ),
        class_layers=the_one(count_linear(h.cls_fcs) for h in boxes),
        box_layers=the_one(count_linear(h.reg_fcs) for h in boxes),
        mask_convs=the_one(len(h.convs) for h in masks),
        mask_norm=the_one(type(h.convs[0].norm).__name__ for h in masks),
        mask_logits=the_one(14 * h.upsample.stride[0] for h in masks),
        box_stds=the_one(list(h.bbox_coder.stds) for h in boxes),
        box_means=the_one(list(h.bbox_coder.means) for h in boxes),
        clips_boxes=the_one(h.bbox_coder.clip_border for h in boxes),
        roi_sizes=(
            the_one(e.roi_layers[0].output_size[0] for e in extractors[:6]),
            the_one(e.roi_layers[0].output_size[0] for e in extractors[6:]),
        ),
        sampling_ratio=the_one(layer.sampling_ratio for layer in layers),
        feat_strides=the_one(list(e.featmap_strides) for e in extractors),
        finest_scale=the_one(e.finest_scale for e in extractors),
    )
    assert numbers == STAGES
    assert head.rpn_head.num_proposals == look_up(NUM_PROPOSALS, name)
    # QueryInst is the same without attention along time.
    temporal = the_one(h.temporal_attention for h in boxes)
    assert temporal == name.startswith('tevit_')


def count_linear(layers):
    return sum(type(layer).__name__ == 'Linear' for layer in layers)
