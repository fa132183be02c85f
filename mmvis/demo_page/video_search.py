"""What the page does with a video."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mmvis.apis import VISInferencer
from mmvis.demo_page.model_choices import ModelChoice
from mmvis.errors import UserValueError
from mmvis.outputs import FrameResult, VideoResult
from mmvis.visualization import OVERLAY_MIN_SIDE, LabelLayout, enlargement

__all__ = ['Search', 'VideoSearch']

_SECONDS_BETWEEN_PICTURES = 0.15  # a browser shows no more, and each is a file


@dataclass
class Search:
    """State of a search.

    Attributes:
        status (str): What is done now.
        picture (np.ndarray | None): The newest frame that is final, with its tracks:
            RGB, uint8, shape (H, W, 3).
        result (VideoResult | None): All tracks, once the video is done.
        files (dict[str, Path]): The files that were written, by format.
    """

    status: str
    picture: np.ndarray | None = None
    result: VideoResult | None = None
    files: dict[str, Path] = field(default_factory=dict)


class VideoSearch:
    """Find the objects of videos with one of several models.

    Only the models that were given can be run. The one used last stays in memory.

    Args:
        choices (Mapping[str, ModelChoice]): The models by name.
        out_dir (str | Path): Folder for the outputs; each video gets one of its own.
        device (str, optional): Defaults to None: a GPU where there is one.
        fast (bool): Whether networks are rewritten for inference. Defaults to False.
    """

    def __init__(
        self,
        choices: Mapping[str, ModelChoice],
        out_dir: str | Path,
        *,
        device: str | None = None,
        fast: bool = False,
    ) -> None:
        self.choices = dict(choices)
        self._out_dir = Path(out_dir)
        self._device = device
        self._fast = fast
        self._loaded: tuple[str, VISInferencer] | None = None

    def __call__(
        self,
        video: str | Path | None,
        model: str,
        score_thr: float,
        formats: Sequence[str],
        on_read: Callable[[int], None] = lambda num_frames: None,
    ) -> Iterator[Search]:
        """Search one video.

        Args:
            video (str | Path | None): The video file.
            model (str): Name of the model.
            score_thr (float): Tracks with a lower score are not drawn.
            formats (Sequence[str]): What to write, see :data:`mmvis.outputs.FORMATS`.
            on_read (Callable): Called with the number of frames that were read and
                passed to the model. Defaults to nothing.

        Yields:
            Search: After each step; the last one has result and files.

        Raises:
            UserValueError: If there is no video, no such model, or no format.
        """
        if video is None:
            raise UserValueError('There is no video yet: drop one, or click to choose.')
        if model not in self.choices:
            raise UserValueError(
                f'There is no model {model!r}. Choose one of: '
                f'{", ".join(self.choices)}.'
            )
        note = self.choices[model].note
        yield Search(f'Loading {model}{note and f": {note}"} …')
        inferencer = self._inferencer(model)
        frames = inferencer.watch(video, on_read=on_read)
        search = Search('Reading the video …')
        yield search
        result = yield from self._draw(frames, score_thr, search)
        search.status = f'{result.video_len} frames done. Writing the results …'
        yield search
        folder = tempfile.mkdtemp(prefix='video-', dir=self._out_dir)
        files = result.save(folder, formats, score_thr)
        num_tracks = sum(track.score >= score_thr for track in result)
        tracks = 'one track' if num_tracks == 1 else f'{num_tracks} tracks'
        damage = f' Damaged: {result.damage}.' if result.damage else ''
        yield Search(
            f'Done: {tracks} in {result.video_len} frames.{damage}',
            search.picture,
            result,
            files,
        )

    def _draw(
        self,
        frames: Generator[FrameResult, None, VideoResult],
        score_thr: float,
        search: Search,
    ) -> Generator[Search, None, VideoResult]:
        """Draw the frames that are final; return the result of the video."""
        layout = LabelLayout()
        start = time.monotonic()
        last_drawn = -np.inf
        while True:
            try:
                frame = next(frames).above(score_thr)
            except StopIteration as end:
                return end.value
            now = time.monotonic()
            if now - last_drawn < _SECONDS_BETWEEN_PICTURES:
                continue
            last_drawn = now
            scale = enlargement(frame.image, OVERLAY_MIN_SIDE)
            search.picture = frame.plot(scale, layout)[:, :, ::-1]
            rate = (frame.frame_id + 1) / (now - start)
            objects = 'one object' if len(frame) == 1 else f'{len(frame)} objects'
            search.status = (
                f'Frame {frame.frame_id + 1}: {objects} ({rate:.1f} frames a second)'
            )
            yield search

    def _inferencer(self, model: str) -> VISInferencer:
        if self._loaded is None or self._loaded[0] != model:
            self._loaded = None  # frees its memory before the next one is loaded
            choice = self.choices[model]
            inferencer = VISInferencer(
                choice.config,
                choice.checkpoint,
                self._device,
                chunk_len=1,  # frames are shown one by one
                fast=self._fast,
            )
            self._loaded = model, inferencer
        return self._loaded[1]
