# TeViT's backbone, PVTv2-B1 with messenger tokens; it sees clips, not single frames.
_base_ = 'pvtv2_b1.py'

backbone = dict(type='MsgShifT', num_messenger_tokens=32)
