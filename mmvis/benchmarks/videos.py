"""Videos to measure with."""

from __future__ import annotations

import json
from pathlib import Path

from mmengine.config import ConfigDict

from mmvis.datasets.categories import DATASET_CLASSES
from mmvis.datasets.shapes_vis import ShapesVISSpec, generate_shapes_vis

__all__ = ['find_video_dataset', 'frame_folder', 'make_data']


def make_data(
    folder: Path, num_frames: int, size: tuple[int, int], dataset: ConfigDict
) -> dict[str, str]:
    """Make a data set of one video of moving shapes, in the categories of a config.

    Args:
        folder (Path): Where to; what is there already is kept.
        num_frames (int): Length of the video.
        size (tuple[int, int]): Height and width in pixels.
        dataset (ConfigDict): A data set, of which ``dataset_version`` is read.

    Returns:
        dict[str, str]: Keys of the data set's config to read this one instead.
    """
    spec = ShapesVISSpec(
        num_train=0,
        num_valid=1,
        num_train_frames=1,
        num_valid_frames=num_frames,
        height=size[0],
        width=size[1],
    )
    generate_shapes_vis(str(folder), spec)
    content = json.loads((folder / 'valid.json').read_text())
    version = dataset.get('dataset_version')
    if version is not None:
        names = DATASET_CLASSES[version]
        content['categories'] = [dict(id=i + 1, name=n) for i, n in enumerate(names)]
    (folder / 'annotated.json').write_text(json.dumps(content))
    del content['annotations']
    (folder / 'frames.json').write_text(json.dumps(content))
    return {
        'data_root': str(folder),
        'ann_file': 'annotated.json',
        'data_prefix.img': 'valid/JPEGImages/',
    }


def frame_folder(folder: Path) -> Path:
    """Folder of the frames of the video that :func:`make_data` made."""
    (frames,) = (folder / 'valid' / 'JPEGImages').iterdir()
    return frames


def find_video_dataset(dataset: ConfigDict) -> ConfigDict:
    """The data set of videos within one that mixes several."""
    while 'datasets' in dataset:
        dataset = dataset['datasets'][-1]
    return dataset
