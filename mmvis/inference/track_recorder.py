"""Masks of a video's tracks as RLE, their boxes, and the record made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from mmengine.structures import InstanceData
from pycocotools import mask as mask_util
from torch import Tensor

from mmvis.inference.clip_mergers import FinalFrame
from mmvis.inference.mask_encoding import encode_masks
from mmvis.inference.roi_mask_encoding import encode_roi_masks
from mmvis.inference.test_cfg import TestCfg
from mmvis.inference.track_rows import select_rows

__all__ = ['TrackRecorder']


class TrackRecorder:
    """Turn final frames of one video into RLE, and at its end into one record.

    Frames arrive in order. Frames that lie between two of them, which the model did
    not see, get the linear interpolation in time of both neighbours' logits; where a
    track has a mask in one neighbour only, it keeps that mask on the frames that are
    at most as far from this neighbour as from the other one.

    Memory: the RLE bytes and a box of each track on the frames where it has
    foreground. A track that ended is dropped as soon as it is certain to get no
    result row.

    Args:
        ori_shape (tuple[int, int]): Height and width of the video, pixels.
        video_len (int): Number of frames of the video.
        cfg (TestCfg): Chooses the result rows.
    """

    def __init__(
        self, ori_shape: tuple[int, int], video_len: int, cfg: TestCfg
    ) -> None:
        self._size = (int(ori_shape[0]), int(ori_shape[1]))
        self._video_len = video_len
        self._cfg = cfg
        self._seen: dict[int, dict[int, _SeenTrack]] = {}  # slot -> frame
        self._last: FinalFrame | None = None
        self._num_slots = 0
        self._open: set[int] = set()
        self._ended: list[int] = []
        self._dropped: set[int] = set()
        self._num_kept = 0

    def add(self, frame: FinalFrame) -> None:
        """Add the next final frame, and those between it and the one before."""
        if self._last is not None:
            for frame_id in range(self._last.frame_id + 1, frame.frame_id):
                self._encode(_interpolate(self._last, frame, frame_id))
        self._encode(frame)
        self._last = frame

    def end_tracks(
        self,
        open_slots: set[int],
        num_slots: int,
        cls_probs: Callable[[Sequence[int]], Tensor],
    ) -> None:
        """Drop tracks that can no longer change and will get no result row.

        Args:
            open_slots (set[int]): Slots that later clips may still join.
            num_slots (int): Number of slots opened so far.
            cls_probs (Callable): Gives the class probabilities (n, K+1) of n slots.
        """
        candidates = self._open | set(range(self._num_slots, num_slots))
        self._ended += sorted(candidates - open_slots)
        self._open, self._num_slots = open_slots, num_slots
        # Only when their number has doubled: the cost stays linear in the video.
        if len(self._ended) <= 2 * self._num_kept:
            return
        self._ended.sort()  # rows of equal score are kept in the order of slots
        tracks, _, _ = select_rows(cls_probs(self._ended), self._cfg)
        with_row = set(tracks.tolist())
        for i, slot in enumerate(self._ended):
            if i not in with_row:
                self._seen.pop(slot, None)
                self._dropped.add(slot)
        self._ended = [self._ended[i] for i in sorted(with_row)]
        self._num_kept = len(self._ended)

    def record(self, cls_probs: Tensor) -> InstanceData:
        """Make the record of the whole video.

        Args:
            cls_probs (Tensor): Class probabilities of all slots, shape (S, K+1).

        Returns:
            InstanceData: N rows, ordered by track, then by class.

            - labels (Tensor): Shape (N,), long.
            - scores (Tensor): Class probabilities, shape (N,).
            - instances_id (Tensor): Slot of each row's track, shape (N,), long.
            - masks (list[list[dict | None]]): Compressed RLE of every frame of the
              video, None where the track has no foreground. Rows of one track share
              one list.
            - bboxes (list[list[list[float] | None]]): Box of the track wherever it
              has a mask, xyxy in pixels of the video, to a hundredth: where the head
              predicts boxes and the video was one clip the predicted one, clipped
              to the picture, otherwise the extent of the mask. Shared as ``masks``.
        """
        slots, labels, scores = select_rows(cls_probs, self._cfg)
        size = list(self._size)  # one for all, there are many masks
        masks, bboxes = {}, {}
        for slot in set(slots.tolist()):
            track = self._expand(slot)
            masks[slot] = [x and dict(size=size, counts=x.counts) for x in track]
            bboxes[slot] = [x and x.bbox for x in track]
        return InstanceData(
            labels=labels,
            scores=scores,
            instances_id=slots,
            masks=[masks[slot] for slot in slots.tolist()],
            bboxes=[bboxes[slot] for slot in slots.tolist()],
        )

    def _encode(self, frame: FinalFrame) -> None:
        kept = [n for n, slot in enumerate(frame.slots) if slot not in self._dropped]
        if not kept:
            return
        for n, seen in zip(kept, _encode_frame(frame, kept, self._size)):
            if seen is not None:
                self._seen.setdefault(frame.slots[n], {})[frame.frame_id] = seen

    def _expand(self, slot: int) -> list[_SeenTrack | None]:
        frames = self._seen.get(slot, {})
        return [frames.get(frame_id) for frame_id in range(self._video_len)]


class _SeenTrack(NamedTuple):
    """A track in a frame where it has foreground."""

    counts: bytes  # of its RLE
    bbox: list[float]  # xyxy, pixels


def _encode_frame(
    frame: FinalFrame, kept: list[int], size: tuple[int, int]
) -> list[_SeenTrack | None]:
    """RLE and box of the tracks ``kept``, None for one without foreground."""
    if frame.bboxes is None:
        all_counts = encode_masks(frame.mask_logits[kept], size)
        bboxes = [counts and _mask_extent(counts, size) for counts in all_counts]
    else:
        all_counts = encode_roi_masks(frame.mask_logits[kept], frame.bboxes[kept], size)
        bboxes = _clip_to_picture(frame.bboxes[kept], size)
    return [
        counts and _SeenTrack(counts, [round(x, 2) for x in bbox])
        for counts, bbox in zip(all_counts, bboxes)
    ]


def _mask_extent(counts: bytes, size: tuple[int, int]) -> list[float]:
    x, y, w, h = mask_util.toBbox(dict(size=list(size), counts=counts)).tolist()
    return [x, y, x + w, y + h]


def _clip_to_picture(bboxes: Tensor, size: tuple[int, int]) -> list[list[float]]:
    """Shares of width and height to pixels."""
    h, w = size
    bboxes = bboxes.detach().float().clamp(0, 1)
    return (bboxes * bboxes.new_tensor([w, h, w, h])).tolist()


def _interpolate(before: FinalFrame, after: FinalFrame, frame_id: int) -> FinalFrame:
    """Masks of a frame between two others, see :class:`TrackRecorder`."""
    fraction = (frame_id - before.frame_id) / (after.frame_id - before.frame_id)
    if before.bboxes is not None:  # of one clip: the same tracks in each frame
        return FinalFrame(
            frame_id,
            before.slots,
            torch.lerp(before.mask_logits, after.mask_logits, fraction),
            torch.lerp(before.bboxes, after.bboxes, fraction),
        )
    logits_before = dict(zip(before.slots, before.mask_logits))
    logits_after = dict(zip(after.slots, after.mask_logits))
    masks: dict[int, Tensor] = {}
    for slot in sorted(logits_before.keys() | logits_after.keys()):
        if slot in logits_before and slot in logits_after:
            masks[slot] = torch.lerp(logits_before[slot], logits_after[slot], fraction)
        elif slot in logits_before and fraction <= 0.5:
            masks[slot] = logits_before[slot]
        elif slot in logits_after and fraction >= 0.5:
            masks[slot] = logits_after[slot]
    stacked = torch.stack(list(masks.values())) if masks else torch.zeros(0, 0, 0)
    return FinalFrame(frame_id, list(masks), stacked)
