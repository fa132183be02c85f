"""Recorder of the tracks of a video."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.inference.frame_tracks import FrameTracks
from mmvis.inference.mask_spool import MaskSpool
from mmvis.inference.test_cfg import TestCfg
from mmvis.inference.track_rows import select_rows
from mmvis.structures import AnyFrameMasks, EncodedMask, PackedMask

__all__ = ['TrackRecorder']

_OneMask = EncodedMask | PackedMask | AnyFrameMasks


class TrackRecorder:
    """Collect the masks of one video, and create its record at the end.

    A mask is encoded at once if its track would get a result row now, as most of those
    that get one in the end. The others are packed, which costs less, and encoded in
    the end if their track made it: the record does not depend on the guess.

    Memory: RLE bytes and a box of each track that seemed to get a row on the frames
    where it did and has foreground, until :meth:`forget`, and a :class:`MaskSpool`.

    Args:
        ori_shape (tuple[int, int]): Height and width of the video, pixels.
        cfg (TestCfg): Chooses the result rows.
    """

    def __init__(self, ori_shape: tuple[int, int], cfg: TestCfg) -> None:
        self._size = (int(ori_shape[0]), int(ori_shape[1]))
        self._cfg = cfg
        self._masks: dict[int, dict[int, _OneMask]] = {}  # track -> frame
        self._spool = MaskSpool()

    def add(self, frame: FrameTracks, cls_probs: Tensor) -> None:
        """Add a frame.

        Args:
            frame (FrameTracks): Its n tracks.
            cls_probs (Tensor): Their class probabilities so far, shape (n, K+1).
        """
        chosen, _, _ = select_rows(cls_probs, self._cfg)
        has_row = torch.zeros(len(frame), dtype=torch.bool)
        has_row[chosen] = True
        likely, others = (
            frame.select(rows.nonzero()[:, 0].tolist()) for rows in (has_row, ~has_row)
        )
        self._keep(likely, likely.encoded)
        self._keep(others, others.frame_masks.pack())

    def forget(self, track_ids: Iterable[int]) -> None:
        """Drop tracks that will get no result row."""
        track_ids = list(track_ids)
        self._spool.forget(track_ids)
        for track_id in track_ids:
            self._masks.pop(track_id, None)

    def record(
        self, video_len: int, track_ids: Sequence[int], cls_probs: Tensor
    ) -> InstanceData:
        """Make the record of the whole video.

        Args:
            video_len (int): Number of frames of the video.
            track_ids (Sequence[int]): The S tracks that were not forgotten.
            cls_probs (Tensor): Their class probabilities, shape (S, K+1).

        Returns:
            InstanceData: N rows, ordered by track, then by class.

            - labels (Tensor): Shape (N,), long.
            - scores (Tensor): Class probabilities, shape (N,).
            - instances_id (Tensor): Id of each row's track, shape (N,), long.
            - masks (list[list[dict | None]]): Compressed RLE of every frame of the
              video, None where the track has no foreground. Rows of one track share
              one list.
            - bboxes (list[list[list[float] | None]]): Box of the track where it
              has a mask, xyxy in pixels of the video, to a hundredth: where the head
              predicts boxes and the video was one clip the predicted one, clipped
              to the frame, otherwise the extent of the mask. Shared as ``masks``.
        """
        rows, labels, scores = select_rows(cls_probs, self._cfg)
        instances_id = rows.new_tensor([track_ids[row] for row in rows.tolist()])
        size = list(self._size)  # one for all, there are many masks
        masks, bboxes = {}, {}
        for track_id in set(instances_id.tolist()):
            frames = self._encode_track(track_id)
            track = [frames.get(frame_id) for frame_id in range(video_len)]
            masks[track_id] = [x and dict(size=size, counts=x.counts) for x in track]
            bboxes[track_id] = [x and x.bbox for x in track]
        return InstanceData(
            labels=labels,
            scores=scores,
            instances_id=instances_id,
            masks=[masks[i] for i in instances_id.tolist()],
            bboxes=[bboxes[i] for i in instances_id.tolist()],
        )

    def _keep(self, frame: FrameTracks, masks: Sequence[_OneMask | None]) -> None:
        for track_id, mask in zip(frame.track_ids, masks):
            if isinstance(mask, PackedMask):
                self._spool.add(track_id, frame.frame_id, mask)
            elif mask is not None:
                self._masks.setdefault(track_id, {})[frame.frame_id] = mask

    def _encode_track(self, track_id: int) -> dict[int, EncodedMask | None]:
        """All masks of a track, by frame."""
        frames = self._masks.get(track_id, {}) | dict(self._spool.masks_of(track_id))
        return {
            frame_id: mask
            if isinstance(mask, EncodedMask)
            else mask.encode(self._size)[0]
            for frame_id, mask in frames.items()
        }
