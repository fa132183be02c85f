"""Recorder of the tracks of a video."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.inference.frame_tracks import FrameTracks
from mmvis.inference.test_cfg import TestCfg
from mmvis.inference.track_rows import select_rows
from mmvis.structures import EncodedMask

__all__ = ['TrackRecorder']


class TrackRecorder:
    """Collect the masks of one video as RLE, and create its record at the end.

    Memory: the RLE bytes and a box of each track on the frames where it has
    foreground, until :meth:`forget`.

    Args:
        ori_shape (tuple[int, int]): Height and width of the video, pixels.
        cfg (TestCfg): Chooses the result rows.
    """

    def __init__(self, ori_shape: tuple[int, int], cfg: TestCfg) -> None:
        self._size = (int(ori_shape[0]), int(ori_shape[1]))
        self._cfg = cfg
        self._encoded: dict[int, dict[int, EncodedMask]] = {}  # track -> frame

    def add(self, frame: FrameTracks) -> None:
        """Add a frame."""
        for track_id, encoded in zip(frame.track_ids, frame.encoded):
            if encoded is not None:
                self._encoded.setdefault(track_id, {})[frame.frame_id] = encoded

    def forget(self, track_ids: Iterable[int]) -> None:
        """Drop tracks that will get no result row."""
        for track_id in track_ids:
            self._encoded.pop(track_id, None)

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
            frames = self._encoded.get(track_id, {})
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
