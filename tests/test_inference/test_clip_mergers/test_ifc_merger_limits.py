"""Videos for which the original runs out of track slots or memory."""

import json
import re

import pytest
import torch

from mmvis.inference.clip_mergers import IFCClipMerger
from mmvis.structures import ClipPrediction
from mmvis.testing import find_golden

T, H, W = 5, 45, 80  # a clip, and a map of stride 8 of a 360x640 frame


def read_golden(name):
    return json.loads(find_golden(f'ifc/{name}').read_text())


def distinct(num_instances):
    """Predictions of one cell each, none of which looks like another."""
    logits = torch.full((num_instances, T, 6, 10), -9.0)
    logits.flatten(2)[range(num_instances), :, range(num_instances)] = 9.0
    return ClipPrediction(torch.full((num_instances, 3), 1 / 3), logits)


@pytest.mark.parametrize('counts', ['50+0', '51+0', '30+20', '30+21'])
def test_tracks_are_not_limited_to_fifty(counts):
    """New instances in a clip, and in a clip that shares no frame with it."""
    original = read_golden('merge_capacity.json')['results'][counts]
    merger = IFCClipMerger()
    for k, count in enumerate(int(x) for x in counts.split('+')):
        merger.pop_final(k * T)
        merger.update(range(k * T, k * T + T), distinct(count))
    total = sum(int(x) for x in counts.split('+'))
    assert len(merger.track_ids) == total
    slots = re.match(r'ok, (\d+) slots', original)
    assert slots is not None if total <= 50 else 'RuntimeError' in original
    assert slots is None or int(slots[1]) == total


def held_bytes(merger):
    """Of all distinct tensors that a merger keeps."""
    tensors, seen, todo = {}, set(), [vars(merger)]
    while todo:
        value = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, torch.Tensor):
            storage = value.untyped_storage()
            tensors[storage.data_ptr()] = storage.nbytes()
        elif isinstance(value, dict):
            todo += value.values()
        elif isinstance(value, (list, tuple)):
            todo += value
        elif hasattr(value, '__dict__'):
            todo.append(vars(value))
    return sum(tensors.values())


def peak_bytes(video_len, num_instances):
    torch.manual_seed(0)
    merger, peak = IFCClipMerger(), 0
    logits = torch.full((num_instances, T, H, W), -9.0)
    for n in range(num_instances):  # a row of the map for each
        logits[n, :, 4 * n : 4 * n + 3] = 9.0
    for start in range(video_len - T + 1):
        merger.pop_final(start)
        prediction = ClipPrediction(torch.rand(num_instances, 41), logits.clone())
        merger.update(range(start, start + T), prediction)
        peak = max(peak, held_bytes(merger))
    assert len(merger.track_ids) == num_instances
    return peak


def test_memory_does_not_grow_with_the_video():
    """The original zero-fills 400 bytes for each cell and pair of frames."""
    num_instances = 10
    costs = {
        cost['L']: cost['alloc_MiB'] * 2**20
        for cost in read_golden('merge_cost.json')['merger_cpu_time']
        if cost['N'] == num_instances
    }
    for L in (20, 40):
        assert costs[L] == pytest.approx(400 * L**2 * H * W, rel=2e-3)
    peaks = {L: peak_bytes(L, num_instances) for L in (20, 40)}
    assert peaks[40] == peaks[20]
    # float32 maps: of each of the last T clips those that it shares with later ones,
    # as probabilities, and at most as many sums of logits.
    assert peaks[20] <= 2 * num_instances * (5 + 4 + 3 + 2 + 1) * H * W * 4
    assert costs[20] / peaks[20] > 100
