"""Inference on videos: files, folders, arrays, cameras, ..."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from mmvis.apis.init_model import init_model
from mmvis.apis.progress import (
    describe_clips,
    frame_bar,
    on_first_interrupt,
    say,
)
from mmvis.apis.video_prediction import Seconds, VideoPrediction, array_pipeline
from mmvis.errors import UserTypeError, UserValueError
from mmvis.outputs import (
    DEFAULT_FORMATS,
    FORMATS,
    FrameResult,
    OutputFiles,
    VideoFacts,
    VideoResult,
    endings_of,
    write_frames,
)
from mmvis.sources import FrameSource, ImageSource, open_source, open_sources
from mmvis.terminal import print_warning

__all__ = ['VISInferencer']


class VISInferencer:
    """Find the objects of videos with a trained model.

    Frames pass through the config's test pipeline and the model, a few at a time,
    exactly as in ``tools/test.py``; memory does not grow with the video but for its
    masks as RLE.

    Args:
        config (str | Path | Config): Config of the model, or the name of a shipped
            one, e.g. 'tevit_msgshift'.
        checkpoint (str | Path, optional): Its weights. Defaults to None: those that
            are published under the name, if ``config`` is one; else random ones, with
            a warning.
        device (str, optional): Defaults to None: a GPU where there is one.
        cfg_options (dict, optional): Values that override those of the config.
        chunk_len (int): Frames that are decoded and passed at once. Defaults to 8.
        fast (bool): Rewrite the network for inference, see
            :func:`mmvis.models.vis.make_fast`; outputs differ by rounding, on a GPU and
            on a CPU with AMX by that of half precision. Defaults to False.

    Attributes:
        model (ClipVISModel): The model.
        classes (tuple[str, ...]): Category names in the order of the labels.
        seconds (Seconds): Where the time of the last call went.

    Example:
        >>> inferencer = VISInferencer('configs/ifc_r50.py', 'ifc_r50.pth')
        >>> result = inferencer('dog.mp4', out_dir='out')
        >>> for track in result:
        ...     print(track.name, track.score, len(track.frames))
        >>> for frame in inferencer.stream('rtsp://camera/1'):
        ...     print(frame.time, frame.ids, frame.boxes)
    """

    def __init__(
        self,
        config: str | Path | Config,
        checkpoint: str | Path | None = None,
        device: str | None = None,
        cfg_options: dict | None = None,
        chunk_len: int = 8,
        *,
        fast: bool = False,
    ) -> None:
        if device is None:
            device = 'cuda' if torch.cuda.is_available() else 'cpu'
        pretrained = checkpoint is None and _is_name(config)
        self.model = init_model(
            config,
            checkpoint,
            device,
            cfg_options,
            pretrained=pretrained,
            fast=fast,
        )
        if checkpoint is None and not pretrained:
            print_warning(
                'no checkpoint was given: the weights are random and the tracks are '
                'meaningless. Pass the checkpoint of a trained model.'
            )
        meta = self.model.dataset_meta
        self.classes: tuple[str, ...] = meta['classes']
        self._cat_ids = meta.get('cat_ids') or range(1, len(self.classes) + 1)
        self.chunk_len = chunk_len
        self.seconds = Seconds()
        self._pipeline = array_pipeline(self.model.cfg)

    def __call__(
        self,
        inputs: Any,
        out_dir: str | os.PathLike | None = None,
        score_thr: float = 0.3,
        *,
        formats: Sequence[str] = DEFAULT_FORMATS,
        fps: float | None = None,
        on_damage: str = 'warn',
        show_progress: bool = True,
    ) -> VideoResult | list[VideoResult]:
        """Find the objects of one video, or of several.

        The first Ctrl-C ends the video after the frames so far, with all outputs.

        Args:
            inputs (Any): A video file, a folder or glob of frames or videos, paths of
                frames or of videos, a URL, the index of a webcam, an array or tensor of
                frames, a list or generator of them: see
                :func:`mmvis.sources.open_sources`.
            out_dir (str | os.PathLike, optional): Folder for the outputs, whose names
                are free before inference begins: ``NAME.json``, ``NAME.mp4``, ..., or
                ``NAME-2.json``, ... Defaults to None: none written.
            score_thr (float): Tracks with a lower score are left out of the outputs;
                the json has all. Defaults to 0.3.
            formats (Sequence[str]): What to write, see :data:`mmvis.outputs.FORMATS`.
                Defaults to the record, the overlay video and a strip of frames.
            fps (float, optional): Frames per second. Defaults to None: the times of
                the source; 6 for images and arrays, which have none.
            on_damage (str): Where frames of a video file are missing or corrupted,
                'warn' uses all readable frames and reports what is missing; 'stop'
                raises an error. Defaults to 'warn'.
            show_progress (bool): Show bars. Defaults to True.

        Returns:
            VideoResult | list[VideoResult]: The tracks; a list for several videos.

        Raises:
            FileNotFoundError: If there is no such file or folder.
            OSError: If outputs cannot be written.
            ValueError: If there are no frames, or they differ in size.
        """
        _check_score_thr(score_thr)
        _check_out_dir(out_dir)
        endings = endings_of(formats, len(self.classes))
        sources = open_sources(inputs, fps, on_damage)
        self.seconds = Seconds()

        def run(source: FrameSource) -> VideoResult:
            if show_progress:
                self._announce(source)
            if out_dir is None:
                return self._predict(source, show_progress)
            _check_is_no_input(out_dir, source)
            files = OutputFiles(out_dir, source.name, endings)
            try:
                return self._predict_to_files(source, files, score_thr, show_progress)
            finally:
                files.release()

        if isinstance(sources, FrameSource):
            return run(sources)
        return [run(source) for source in sources]

    def stream(
        self,
        inputs: Any,
        out_dir: str | os.PathLike | None = None,
        score_thr: float = 0.3,
        *,
        formats: Sequence[str] = ('video', 'jsonl'),
        fps: float | None = None,
        on_damage: str = 'warn',
    ) -> Iterator[FrameResult]:
        """Yield each frame of one video as soon as its tracks are final.

        That is at once for online methods, after one clip for near-online ones, and at
        the end (or after ``test_cfg.max_offline_frames``) for offline ones. The source
        may be endless: memory is that of a clip. Labels and scores are those so far.
        Outputs are complete when the iteration ends, in whatever way: the source ends,
        the loop is left, or Ctrl-C.

        Args:
            inputs (Any): One video, see :meth:`__call__`.
            out_dir (str | os.PathLike, optional): Folder for the outputs. Defaults to
                None: none written.
            score_thr (float): Tracks with a lower score so far are left out. Defaults
                to 0.3.
            formats (Sequence[str]): What to write: 'video', 'strip', 'masks', 'csv',
                'jsonl'. Defaults to the overlay video and json lines.
            fps (float, optional): See :meth:`__call__`.
            on_damage (str): See :meth:`__call__`.

        Yields:
            FrameResult: A frame with its tracks.

        Raises:
            OSError: If outputs cannot be written.
            ValueError: If there are no frames, they differ in size, or ``inputs`` are
                several videos.
        """
        _check_score_thr(score_thr)
        _check_out_dir(out_dir)
        endings = endings_of(formats, len(self.classes))
        late = [key for key in endings if FORMATS[key].needs_record]
        if out_dir is not None and late:
            raise UserValueError(
                f'`formats` has {", ".join(late)}, which need the whole video. Use '
                'inferencer(...) instead of stream(...), or other formats.'
            )
        source = open_source(inputs, fps, on_damage)
        # A separate generator, so that errors are raised by this call.
        return self._stream(source, out_dir, score_thr, endings)

    def watch(
        self,
        inputs: Any,
        *,
        fps: float | None = None,
        on_damage: str = 'warn',
        on_read: Callable[[int], None] = lambda num_frames: None,
    ) -> Generator[FrameResult, None, VideoResult]:
        """Yield each frame as soon as its tracks are final; return the whole result.

        Unlike :meth:`stream` it keeps the tracks of the whole video.

        Args:
            inputs (Any): One video, see :meth:`__call__`.
            fps (float, optional): See :meth:`__call__`.
            on_damage (str): See :meth:`__call__`.
            on_read (Callable): Called with the number of frames that were read and
                passed to the model since the last call. Defaults to nothing.

        Yields:
            FrameResult: A frame with its tracks; scores are those so far.

        Returns:
            VideoResult: The tracks, see :meth:`__call__`.

        Raises:
            ValueError: If there are no frames, they differ in size, or ``inputs`` are
                several videos.

        Example:
            >>> frames = inferencer.watch('dog.mp4')
            >>> result = yield from frames  # in a generator
        """
        source = open_source(inputs, fps, on_damage)
        # A separate generator, so that errors are raised by this call.
        return self._watch(source, on_read)

    def _watch(
        self, source: FrameSource, on_read: Callable[[int], None]
    ) -> Generator[FrameResult, None, VideoResult]:
        prediction = VideoPrediction(
            self.model,
            self._pipeline,
            source,
            chunk_len=self.chunk_len,
            keep_record=True,
            keep_images=True,
            on_read=on_read,
        )
        yield from prediction
        return self._result(prediction, source)

    def _stream(
        self,
        source: FrameSource,
        out_dir: str | os.PathLike | None,
        score_thr: float,
        endings: dict[str, str],
    ) -> Iterator[FrameResult]:
        prediction = VideoPrediction(
            self.model,
            self._pipeline,
            source,
            chunk_len=1,  # larger ones would keep frames waiting
            keep_record=False,
            keep_images=True,
        )
        frames = (frame.above(score_thr) for frame in prediction)
        if out_dir is None:
            return frames
        _check_is_no_input(out_dir, source)
        files = OutputFiles(out_dir, source.name, endings)
        return self._write_stream(frames, source, files, score_thr)

    def _write_stream(
        self,
        frames: Iterator[FrameResult],
        source: FrameSource,
        files: OutputFiles,
        score_thr: float,
    ) -> Iterator[FrameResult]:
        try:
            yield from write_frames(frames, files.paths, self._facts(source), score_thr)
        finally:
            files.release()

    def _facts(self, source: FrameSource) -> VideoFacts:
        return VideoFacts(source.name, self.classes, self._cat_ids, source.paths)

    def _predict(
        self,
        source: FrameSource,
        show_progress: bool,
        paths: dict[str, Path] | None = None,
        score_thr: float = 0.0,
    ) -> VideoResult:
        """Run the model and write ``paths`` during it, with the scores so far."""
        with frame_bar('model', source.num_frames, show_progress) as advance:
            prediction = VideoPrediction(
                self.model,
                self._pipeline,
                source,
                chunk_len=self.chunk_len,
                keep_record=True,
                keep_images=bool(paths),
                on_read=advance,
            )
            frames = write_frames(
                prediction, paths or {}, self._facts(source), score_thr
            )
            with on_first_interrupt(prediction.stop):
                for _ in frames:
                    pass
        self.seconds.reading += prediction.seconds.reading
        self.seconds.model += prediction.seconds.model
        return self._result(prediction, source)

    def _result(self, prediction: VideoPrediction, source: FrameSource) -> VideoResult:
        return VideoResult(
            prediction.record(),
            ori_shape=prediction.ori_shape,
            times=prediction.times,
            classes=self.classes,
            cat_ids=self._cat_ids,
            source=source,
            damage=source.damage,
        )

    def _predict_to_files(
        self,
        source: FrameSource,
        files: OutputFiles,
        score_thr: float,
        show_progress: bool,
    ) -> VideoResult:
        """Draw with the final scores, or during inference if frames come only once."""
        paths = dict(files.paths)
        meanwhile = {}
        if not source.can_restart:
            drawn = [key for key in paths if FORMATS[key].needs_images]
            meanwhile = {key: paths.pop(key) for key in drawn}
        result = self._predict(source, show_progress, meanwhile, score_thr)
        result.files.update(meanwhile)
        frames = result.write(paths, score_thr)
        with (
            self.seconds.count('writing'),
            frame_bar('outputs', result.video_len, show_progress) as advance,
        ):
            for _ in frames:
                advance(1)
        if show_progress:
            say(f'written: {", ".join(map(str, result.files.values()))}')
            say(f'time: {self.seconds.shares()}')
        return result

    def _announce(self, source: FrameSource) -> None:
        """Report how a video is cut, before inference starts."""
        number = source.num_frames
        length = 'frames until it ends' if number is None else f'{number} frames'
        clips = describe_clips(self.model.test_cfg, number)
        say(f'{source.name}: {length}, {source.fps:.3g} a second; {clips}')


def _is_name(config: str | Path | Config) -> bool:
    """Whether a config is named, e.g. 'ifc_r50', and not a file."""
    return isinstance(config, str) and not Path(config).suffix


def _check_score_thr(score_thr: float) -> None:
    if isinstance(score_thr, bool) or not isinstance(score_thr, (int, float)):
        raise UserTypeError(f'`score_thr` must be a number, got {score_thr!r}.')
    if not abs(score_thr) <= sys.float_info.max:  # NaN is not
        raise UserValueError(f'`score_thr` must be finite, got {score_thr!r:.60}.')


def _check_out_dir(out_dir: str | os.PathLike | None) -> None:
    is_path = out_dir is None or isinstance(out_dir, (str, os.PathLike))
    if not is_path or '\0' in str(out_dir):
        error = UserValueError if is_path else UserTypeError
        raise error(f'`out_dir` must be the path of a folder, got {out_dir!r:.60}.')


def _check_is_no_input(out_dir: str | os.PathLike, source: FrameSource) -> None:
    """Refuse the folder of the frames: outputs would be read as frames next time."""
    if not isinstance(source, ImageSource):
        return
    folders = {path.parent.resolve() for path in source.paths}
    if Path(out_dir).resolve() in folders:
        raise UserValueError(
            f'`out_dir` {out_dir} is the folder of the frames themselves. Choose '
            'another one.'
        )
