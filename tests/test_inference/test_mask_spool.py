import tempfile
import tracemalloc

import pytest
import torch

from mmvis import memory_limits
from mmvis.inference.mask_spool import MaskSpool
from mmvis.structures import FrameMasks

SIZE = (20, 30)


def packed_masks(num_masks):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(num_masks, 10, 15, generator=generator)
    return FrameMasks(logits).pack()


@pytest.mark.parametrize('limit', [1, 1_000_000])
def test_masks_come_back_by_track(monkeypatch, limit):
    monkeypatch.setattr(memory_limits, 'SPOOLED_BYTES', limit)
    masks, spool = packed_masks(6), MaskSpool()
    for (track_id, frame_id), mask in zip(
        [(4, 0), (0, 0), (4, 1), (0, 2), (7, 2), (4, 5)], masks
    ):
        spool.add(track_id, frame_id, mask)
    for track_id, frames in {4: {0: 0, 1: 2, 5: 5}, 0: {0: 1, 2: 3}, 7: {2: 4}}.items():
        given = dict(spool.masks_of(track_id))
        assert list(given) == list(frames)
        for frame_id, i in frames.items():
            assert given[frame_id].encode(SIZE) == masks[i].encode(SIZE)
    spool.forget([4, 99])
    assert list(spool.masks_of(4)) == []
    assert dict(spool.masks_of(7))[2].encode(SIZE) == masks[4].encode(SIZE)


def test_memory_is_limited(monkeypatch, tmp_path):
    monkeypatch.setattr(memory_limits, 'SPOOLED_BYTES', 100_000)
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    (mask,) = packed_masks(1)
    spool = MaskSpool()
    tracemalloc.start()
    for frame_id in range(5000):
        spool.add(0, frame_id, mask)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 5000 * len(mask.to_bytes()) > 2_000_000
    assert peak < 400_000
    assert list(tmp_path.iterdir()) == []  # no file has a name
