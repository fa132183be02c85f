# TeViT with MsgShifT, PVTv2-B1 with 32 messenger tokens per frame.
_base_ = 'tevit_r50.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='MsgShifT',
        embed_dims=64,
        num_layers=(2, 2, 2, 2),
        num_messenger_tokens=32,
        drop_path_rate=0.1,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://github.com/whai362/PVT/releases/download/v2/pvt_v2_b1.pth',
        ),
    ),
    neck=dict(in_channels=[64, 128, 320, 512]),
)
