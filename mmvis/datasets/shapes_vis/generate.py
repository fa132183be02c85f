"""Generation of a ShapesVIS set."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from .contours import CATEGORIES
from .spec import ShapesVISSpec
from .video_writer import VideoJob, write_video

STAMP_NAME = 'meta.json'


def generate_shapes_vis(
    out_dir: str | os.PathLike,
    spec: ShapesVISSpec,
    num_workers: int = 1,
    on_video: Callable[[], None] | None = None,
) -> bool:
    """Write a ShapesVIS set unless it exists already.

    ``<out_dir>/{train,valid}.json`` are in the official YouTube-VIS format, their
    frames lie in ``<out_dir>/{train,valid}/JPEGImages``. The set is made in a
    hidden folder beside and then renamed: where ``out_dir`` exists, it is complete.
    The bytes depend on the spec alone, neither on the machine nor on the workers.

    Args:
        out_dir (str | os.PathLike): Where the set shall be.
        spec (ShapesVISSpec): Its sizes and seed.
        num_workers (int): Processes that render. Defaults to 1.
        on_video (Callable[[], None] | None): Called after each finished video.

    Returns:
        bool: Whether the set was made; False if it existed already.

    Raises:
        FileExistsError: If ``out_dir`` holds anything else.
    """
    out_dir = Path(out_dir).absolute()
    if is_finished(out_dir, spec):
        return False
    partial = out_dir.with_name(f'.{out_dir.name}.partial')
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    for split_index, (split, size) in enumerate(spec.split_sizes().items()):
        num_videos, video_len = size
        jobs = [
            VideoJob(
                folder=partial / split / 'JPEGImages',
                index=index,
                key=(spec.seed, split_index, index),
                video_len=video_len,
                height=spec.height,
                width=spec.width,
            )
            for index in range(num_videos)
        ]
        _write_split(partial / f'{split}.json', jobs, num_workers, on_video)
    _write_json(partial / STAMP_NAME, spec.stamp())
    os.replace(partial, out_dir)
    return True


def is_finished(out_dir: str | os.PathLike, spec: ShapesVISSpec) -> bool:
    """Tell whether a folder holds exactly this set.

    Args:
        out_dir (str | os.PathLike): The folder.
        spec (ShapesVISSpec): Sizes and seed of the set.

    Returns:
        bool: False if the folder is absent or empty.

    Raises:
        FileExistsError: If it holds anything else.
    """
    out_dir = Path(out_dir)
    if not out_dir.exists() or (out_dir.is_dir() and not any(out_dir.iterdir())):
        return False
    stamp = out_dir / STAMP_NAME
    if not stamp.is_file():
        raise FileExistsError(
            f'{out_dir} holds something that is not a ShapesVIS set; '
            'give a folder that is empty or absent'
        )
    found = json.loads(stamp.read_text())
    if found == spec.stamp():
        return True
    differing = {
        key: (found.get(key), value)
        for key, value in spec.stamp().items()
        if found.get(key) != value
    }
    raise FileExistsError(
        f'{out_dir} holds a ShapesVIS set made with other arguments (found, wanted): '
        f'{differing}; remove it or give another folder'
    )


def _write_split(
    path: Path,
    jobs: list[VideoJob],
    num_workers: int,
    on_video: Callable[[], None] | None,
) -> None:
    videos: list[dict] = []
    annotations: list[dict] = []
    for video, tracks in _run(jobs, num_workers):
        videos.append(video)
        for track in tracks:
            annotations.append(dict(id=len(annotations) + 1) | track)
        if on_video is not None:
            on_video()
    categories = [
        dict(id=i, name=name, supercategory='shape')
        for i, name in enumerate(CATEGORIES, start=1)
    ]
    _write_json(
        path,
        dict(
            info=dict(description='ShapesVIS, synthetic videos of moving shapes'),
            licenses=[],
            videos=videos,
            categories=categories,
            annotations=annotations,
        ),
    )


def _run(jobs: list[VideoJob], num_workers: int) -> Iterator[tuple[dict, list[dict]]]:
    """Write the videos, in order whatever the number of workers."""
    if num_workers <= 1:
        yield from map(write_video, jobs)
        return
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context('fork' if 'fork' in methods else 'spawn')
    with context.Pool(num_workers) as pool:
        yield from pool.imap(write_video, jobs)


def _write_json(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, separators=(',', ':')), encoding='utf-8')
