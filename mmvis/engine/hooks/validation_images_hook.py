"""Hook that draws predictions of validation videos during training."""

from __future__ import annotations

from collections.abc import Sequence

from mmdet.structures import TrackDataSample
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvis.registry import HOOKS
from mmvis.sources import FrameFiles
from mmvis.visualization import draw_strip

__all__ = ['ValidationImagesHook']


@HOOKS.register_module()
class ValidationImagesHook(Hook):
    """Give the visualizer a strip of frames of some videos in each validation.

    All its backends get them: files below vis_data/vis_image, TensorBoard, Weights &
    Biases. In a distributed run the videos are those of the first process.

    Args:
        num_videos (int): How many videos, the first ones. Defaults to 4.
        score_thr (float): Tracks with a lower score are left out. Defaults to 0.3.
    """

    def __init__(self, num_videos: int = 4, score_thr: float = 0.3) -> None:
        self.num_videos = num_videos
        self.score_thr = score_thr
        self._records: dict[int, dict] = {}

    def before_val_epoch(self, runner: Runner) -> None:
        """Choose the videos."""
        loader = runner.val_loop.dataloader
        chosen = list(loader.sampler.video_lens)[: self.num_videos]
        records = [loader.dataset.get_data_info(video_idx) for video_idx in chosen]
        self._records = {record['video_id']: record for record in records}

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[TrackDataSample] | None = None,
    ) -> None:
        """Draw a chosen video that ended."""
        if not is_main_process():
            return
        dataset = runner.val_loop.dataloader.dataset
        for sample in outputs or ():
            record = self._records.get(sample.video_id)
            if record is None or 'pred_track_instances' not in sample:
                continue
            strip = draw_strip(
                FrameFiles(record['img_paths'], dataset.backend_args),
                sample.pred_track_instances,
                dataset.metainfo['classes'],
                score_thr=self.score_thr,
            )
            name = f'validation_video_{sample.video_id}'
            runner.visualizer.add_image(name, strip[..., ::-1], step=runner.iter)
