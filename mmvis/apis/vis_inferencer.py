"""Tracks of any video, from a file, a folder or arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from mmcv.transforms import Compose
from mmdet.structures import TrackDataSample
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.utils import track_iter_progress

from mmvis.apis.init_model import init_model
from mmvis.apis.video_file import VideoFile
from mmvis.errors import UserValueError
from mmvis.registry import TRANSFORMS
from mmvis.sources import FrameFiles
from mmvis.structures import write_video_record
from mmvis.visualization import write_overlay_video, write_strip

__all__ = ['VISInferencer']

_IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp')


class VISInferencer:
    """Find the objects of videos with a trained model.

    Frames pass through the config's test pipeline and the model's ``predict``, a few
    at a time, exactly as in ``tools/test.py``; memory does not grow with the video
    but for its masks as RLE.

    Args:
        config (str | Path | Config): Config of the model.
        checkpoint (str | Path, optional): Its weights. Defaults to None: random.
        device (str, optional): Defaults to None: a GPU where there is one.
        cfg_options (dict, optional): Values that override those of the config.
        chunk_len (int): Frames that are decoded and passed at once. Defaults to 8.

    Example:
        >>> inferencer = VISInferencer('configs/ifc_r50.py', 'ifc_r50.pth')
        >>> record = inferencer('dog.mp4', out_dir='out')
        >>> record.pred_track_instances.scores
    """

    def __init__(
        self,
        config: str | Path | Config,
        checkpoint: str | Path | None = None,
        device: str | None = None,
        cfg_options: dict | None = None,
        chunk_len: int = 8,
    ) -> None:
        if device is None:
            device = 'cuda' if torch.cuda.is_available() else 'cpu'
        self.model = init_model(config, checkpoint, device, cfg_options)
        self.classes: tuple[str, ...] = self.model.dataset_meta['classes']
        self.chunk_len = chunk_len
        self._pipeline = _array_pipeline(self.model.cfg)

    def __call__(
        self,
        inputs: str | Path | Sequence[np.ndarray] | Sequence[str],
        out_dir: str | Path | None = None,
        score_thr: float = 0.3,
        fps: float | None = None,
        codec: str = 'mp4v',
        show_progress: bool = True,
    ) -> TrackDataSample:
        """Find the objects of one video.

        Args:
            inputs (str | Path | Sequence): A video file, a folder of frames in the
                order of their names, paths of frames, or frames as arrays (BGR,
                uint8, shape (H, W, 3)).
            out_dir (str | Path, optional): Folder for ``NAME.json`` (see
                :func:`mmvis.structures.write_video_record`), ``NAME.mp4`` and
                ``NAME.png`` with the tracks drawn. Defaults to None: none written.
            score_thr (float): Tracks with a lower score are not drawn; the json has
                all. Defaults to 0.3.
            fps (float, optional): Frames per second of the overlay. Defaults to
                None: that of the video file, else 6.
            codec (str): Four letters, of the overlay. Defaults to 'mp4v', which is
                fast; 'vp09' is what browsers play, and takes most of a second for
                each frame of 720 x 1280.
            show_progress (bool): Show a bar. Defaults to True.

        Returns:
            TrackDataSample: The record of the video as ``pred_track_instances``
            (``labels``, ``scores``, ``instances_id``, and per frame ``masks`` as RLE
            and ``bboxes``).

        Raises:
            FileNotFoundError: If there is no such file or folder.
            ValueError: If there are no frames, or they differ in size.
        """
        frames, name = _open_frames(inputs)
        record = self._predict(frames, show_progress)
        if out_dir is not None:
            stem = Path(out_dir, name)
            stem.parent.mkdir(parents=True, exist_ok=True)
            tracks = record.pred_track_instances
            write_video_record(record, f'{stem}.json', self.classes)
            write_strip(
                f'{stem}.png', frames, tracks, self.classes, score_thr=score_thr
            )
            write_overlay_video(
                f'{stem}.mp4',
                frames,
                tracks,
                self.classes,
                fps=fps or getattr(frames, 'fps', 6.0),
                score_thr=score_thr,
                codecs=(codec,),
            )
        return record

    @torch.no_grad()
    def _predict(
        self, frames: Sequence[np.ndarray], show_progress: bool
    ) -> TrackDataSample:
        chunks = self._chunks(len(frames))
        for frame_inds in track_iter_progress(chunks) if show_progress else chunks:
            clip = self._load(frames, frame_inds)
            (sample,) = self.model.test_step(pseudo_collate([clip]))
        return sample

    def _chunks(self, video_len: int) -> list[list[int]]:
        """Share the frames that the model sees among chunks."""
        seen = self.model.test_cfg.seen_frames(video_len)
        step = self.chunk_len
        return [seen[start : start + step] for start in range(0, len(seen), step)]

    def _load(self, frames: Sequence[np.ndarray], frame_inds: list[int]) -> dict:
        """Pass frames through the test pipeline."""
        images = [frames[i] for i in frame_inds]
        T = len(images)
        return self._pipeline(
            dict(
                img=images,
                frame_id=list(frame_inds),
                video_id=[0] * T,
                video_len=[len(frames)] * T,
                height=[image.shape[0] for image in images],
                width=[image.shape[1] for image in images],
            )
        )


def _array_pipeline(cfg: Config) -> Compose:
    """Build the test pipeline of a config, for frames that are there already.

    Raises:
        ValueError: If it does not begin by sampling and loading frames.
    """
    sampling, broadcast, *others = cfg.test_dataloader.dataset.pipeline
    loads_frames = broadcast.get('transforms', [{}])[0].get('type')
    if sampling.type != 'SampleAllFrames' or loads_frames != 'LoadFrameFromFile':
        raise UserValueError(
            '`test_dataloader.dataset.pipeline` has to begin with SampleAllFrames and '
            'a TransformBroadcaster whose first transform is LoadFrameFromFile, got '
            f'{sampling.type}, then {loads_frames}.'
        )
    given = dict(type='LoadImageFromNDArray')
    broadcast = dict(broadcast, transforms=[given, *broadcast.transforms[1:]])
    return Compose([TRANSFORMS.build(step) for step in (broadcast, *others)])


def _open_frames(
    inputs: str | Path | Sequence[np.ndarray] | Sequence[str],
) -> tuple[Sequence[np.ndarray], str]:
    """Frames of a video, and a name for it."""
    if isinstance(inputs, (str, Path)):
        path = Path(inputs)
        if not path.is_dir():
            return VideoFile(path), path.stem
        paths = sorted(_images(path))
        if not paths:
            raise UserValueError(
                f'{path} has no frames. Expected are files that end with '
                f'{", ".join(_IMAGE_SUFFIXES)}.'
            )
        return FrameFiles(paths), path.resolve().name
    if len(inputs) == 0:
        raise UserValueError('`inputs` has no frames.')
    if isinstance(inputs[0], (str, Path)):
        return FrameFiles([str(path) for path in inputs]), 'video'
    return inputs, 'video'


def _images(folder: Path) -> Iterator[str]:
    for path in folder.iterdir():
        if path.suffix.lower() in _IMAGE_SUFFIXES:
            yield str(path)
