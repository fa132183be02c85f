"""Progress of the inferencer on the terminal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    ProgressColumn as RichColumn,
)
from rich.text import Text

from mmvis.inference import TestCfg
from mmvis.terminal import printable

__all__ = ['describe_clips', 'frame_bar', 'on_first_interrupt', 'say']


class _RateColumn(RichColumn):
    """Frames per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text('- frames/s' if speed is None else f'{speed:.1f} frames/s')


def say(message: str) -> None:
    """Show a line on stderr, where it does not mix with results on stdout."""
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    console.print(printable(message))


@contextmanager
def frame_bar(
    what: str, num_frames: int | None, show: bool
) -> Iterator[Callable[[int], None]]:
    """Show a bar of frames: their number, frames per second, the time that is left.

    Args:
        what (str): What is done with the frames.
        num_frames (int | None): Total number of frames; None if it is unknown.
        show (bool): Whether to show the bar.

    Yields:
        Callable: Takes the number of frames that are done since the last call.
    """
    if not show:
        yield lambda num_done: None
        return
    columns = (
        TextColumn('{task.description}', markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=num_frames)
        yield lambda num_done: progress.advance(task, num_done)


def describe_clips(cfg: TestCfg, num_frames: int | None) -> str:
    """Describe how a video is cut into clips.

    Args:
        cfg (TestCfg): ``test_cfg`` of the model.
        num_frames (int | None): Frames of the video, if they are known.
    """
    stride = f', one frame in {cfg.frame_stride}' if cfg.frame_stride > 1 else ''
    clip_len, clip_stride = cfg.clip_len, cfg.clip_stride
    if clip_len is None:
        limit = cfg.max_offline_frames
        seen = None if num_frames is None else -(-num_frames // cfg.frame_stride)
        if seen is not None and seen <= limit:
            return f'one clip{stride}'
        clip_len, clip_stride = limit, clip_stride or max(limit // 2, 1)
        if seen is None:
            return f'one clip up to {limit} frames, then clips of {limit}{stride}'
    if clip_len == 1:
        return f'frame by frame{stride}'
    return f'clips of {clip_len} frames, one every {clip_stride or 1}{stride}'


@contextmanager
def on_first_interrupt(stop: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl-C call ``stop``; the next one interrupts as usual.

    Elsewhere than in the main thread, which alone gets signals, it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = signal.getsignal(signal.SIGINT)

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGINT, usual)
        say('interrupted: finishing with the frames so far (Ctrl-C again to give up)')
        stop()

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
