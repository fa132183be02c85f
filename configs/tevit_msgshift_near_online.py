# The weights of tevit_msgshift.py, near-online: clips of five frames, two shared.
_base_ = 'tevit_msgshift.py'

model = dict(
    test_cfg=dict(
        clip_len=5,
        clip_stride=3,
        score_thr=0.01,
        # Every video has many clips: scores grow with the clips of a track.
        merger=dict(_delete_=True, type='TrackClipMerger'),
    ),
)
