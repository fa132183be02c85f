"""Hook that draws the tracks of tested videos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmdet.structures import TrackDataSample
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvis.registry import HOOKS
from mmvis.sources import FrameFiles
from mmvis.visualization import write_overlay_video, write_strip

__all__ = ['OverlayHook']


@HOOKS.register_module()
class OverlayHook(Hook):
    """Write an ``.mp4`` and a strip of frames (``.png``) of each video when it ends.

    Args:
        out_dir (str): Their folder; the files are named by video id.
        score_thr (float): Tracks with a lower score are left out. Defaults to 0.3.
        fps (float): Frames per second of the videos. Defaults to 6.
    """

    def __init__(
        self,
        out_dir: str,
        score_thr: float = 0.3,
        fps: float = 6.0,
    ) -> None:
        self.out_dir = Path(out_dir)
        self.score_thr = score_thr
        self.fps = fps
        self._video_inds: dict[int, int] = {}

    def before_test_epoch(self, runner: Runner) -> None:
        """Note where each video's record lies in the data set."""
        dataset = runner.test_loop.dataloader.dataset
        for video_idx in runner.test_loop.dataloader.sampler.video_lens:
            video_id = dataset.get_data_info(video_idx)['video_id']
            self._video_inds[video_id] = video_idx

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[TrackDataSample] | None = None,
    ) -> None:
        """Draw a video that ended."""
        dataset = runner.test_loop.dataloader.dataset
        classes = dataset.metainfo['classes']
        for sample in outputs or ():
            if 'pred_track_instances' not in sample:
                continue
            tracks = sample.pred_track_instances
            record = dataset.get_data_info(self._video_inds[sample.video_id])
            frames = FrameFiles(record['img_paths'], dataset.backend_args)
            path = self.out_dir / f'video_{sample.video_id}'
            options = dict(classes=classes, score_thr=self.score_thr)
            write_strip(path.with_suffix('.png'), frames, tracks, **options)
            write_overlay_video(
                path.with_suffix('.mp4'),
                frames,
                tracks,
                fps=self.fps,
                **options,
            )
