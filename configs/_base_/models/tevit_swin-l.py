# TeViT with Swin-L (windows of 7, pre-trained on ImageNet-22K), 300 queries.
_base_ = 'tevit_r50.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='SwinTransformer',
        embed_dims=192,
        depths=(2, 2, 18, 2),
        num_heads=(6, 12, 24, 48),
        window_size=7,
        drop_path_rate=0.2,
        out_indices=(0, 1, 2, 3),
        with_cp=True,
        convert_weights=True,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://github.com/SwinTransformer/storage/releases/download/v1.0.0/swin_large_patch4_window7_224_22k.pth',
        ),
    ),
    neck=dict(in_channels=[192, 384, 768, 1536]),
    head=dict(rpn_head=dict(num_proposals=300)),
)
