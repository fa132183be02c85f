"""MMEngine's visualizer for clips and videos."""

from collections.abc import Sequence

import numpy as np
from mmdet.structures import TrackDataSample
from mmengine.dist import master_only
from mmengine.visualization import Visualizer

from mmvis.errors import UserValueError
from mmvis.registry import VISUALIZERS
from mmvis.visualization.ground_truth import gt_tracks
from mmvis.visualization.strip import draw_strip, write_image

__all__ = ['VISVisualizer']


@VISUALIZERS.register_module()
class VISVisualizer(Visualizer):
    """Show clips and videos as strips of frames with their tracks.

    The arguments are those of MMEngine's ``Visualizer``. The class names come from
    ``dataset_meta['classes']``, which the runner sets.
    """

    @master_only
    def add_datasample(
        self,
        name: str,
        image: Sequence[np.ndarray],
        data_sample: TrackDataSample,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
        pred_score_thr: float = 0.3,
        step: int = 0,
        num_frames: int = 6,
    ) -> None:
        """Draw a strip of the ground truth, and below it one of the predictions.

        Args:
            name (str): Name of the image.
            image (Sequence[np.ndarray]): The T frames, each BGR, uint8, shape
                (H, W, 3).
            data_sample (TrackDataSample): The ground truth of the same T frames in
                ``video_data_samples``, or predicted tracks in
                ``pred_track_instances``, or both.
            draw_gt (bool): Whether to draw the ground truth, if there is one.
            draw_pred (bool): Whether to draw the predictions, if there are any.
            show (bool): Whether to open a window instead of storing the image.
            wait_time (float): Seconds that the window stays; 0 waits for a key.
            out_file (str | None): File to write instead of the backends'.
            pred_score_thr (float): Predictions with a lower score are left out.
                Defaults to 0.3.
            step (int): Step under which the backends store the image.
            num_frames (int): Frames in a strip, at most. Defaults to 6.

        Raises:
            ValueError: If there is nothing to draw, or the class names are not set.
        """
        classes = (self.dataset_meta or {}).get('classes')
        if classes is None:
            raise UserValueError(
                "set the visualizer's dataset_meta = dict(classes=...)"
            )
        records = []
        if draw_gt and _has_ground_truth(data_sample):
            records.append(gt_tracks(data_sample))
        if draw_pred and 'pred_track_instances' in data_sample:
            records.append(data_sample.pred_track_instances)
        if not records:
            raise UserValueError(
                f'the data sample of {name} has neither ground truth nor predictions '
                f'that are to be drawn (draw_gt={draw_gt}, draw_pred={draw_pred})'
            )
        strips = [
            draw_strip(image, record, classes, num_frames, pred_score_thr)
            for record in records
        ]
        picture = np.concatenate(strips)
        if show:
            self.show(picture[..., ::-1], win_name=name, wait_time=wait_time)
        elif out_file is not None:
            write_image(out_file, picture)
        else:
            self.add_image(name, np.ascontiguousarray(picture[..., ::-1]), step)


def _has_ground_truth(data_sample: TrackDataSample) -> bool:
    return 'video_data_samples' in data_sample and all(
        'gt_instances' in sample for sample in data_sample.video_data_samples
    )
