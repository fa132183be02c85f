# Offline testing as published: one clip of 36 frames holds a whole 2019 video.
_base_ = 'ifc_r101.py'

model = dict(test_cfg=dict(clip_len=36))
