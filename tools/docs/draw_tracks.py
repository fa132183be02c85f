"""Draw the moving picture of the first page: tracks over one annotated video.

With --results the tracks are predicted ones, without it those of the annotation.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from mmvis.atomic_file import atomic_file
from mmvis.engine.command_line import ToolArgumentParser
from mmvis.engine.user_errors import user_errors
from mmvis.errors import UserValueError
from mmvis.structures.results_json import read_results
from mmvis.structures.rle import compress
from mmvis.structures.ytvis_json import read_ytvis_json

if TYPE_CHECKING:
    from mmengine.structures import InstanceData

EXAMPLES = """examples:
  python tools/docs/draw_tracks.py data/shapes_vis --video-id 51
  python tools/docs/draw_tracks.py data/shapes_vis --video-id 51 \\
      --results work_dirs/quickstart/results.json
"""
CONTENTS = ('categories', 'annotations')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ToolArgumentParser(__doc__, EXAMPLES)
    parser.add_argument('data', type=Path, help='folder of a ShapesVIS set')
    parser.add_argument('--video-id', type=int, default=1, help='id (default: 1)')
    parser.add_argument('--results', help='results file whose tracks are drawn')
    parser.add_argument(
        '--score-thr', type=float, default=0.5, help='least score (default: 0.5)'
    )
    parser.add_argument(
        '--out', default='docs/pictures/tracks.webp', help='animated WebP to write'
    )
    parser.add_argument('--fps', type=float, default=10, help='default: 10')
    parser.add_argument(
        '--quality', type=int, default=45, help='of WebP, 0 to 100 (default: 45)'
    )
    return parser.parse_args()


def tracks_of_video(gt: dict, video: dict, results: str | None) -> InstanceData:
    """Read the tracks of one video, predicted ones or those of the annotation.

    Args:
        gt (dict): Content of the annotation file.
        video (dict): Entry of the video in it.
        results (str | None): Path of a results file, or None for the annotation.

    Returns:
        InstanceData: N tracks, see :func:`mmvis.visualization.draw_tracks`.
    """
    from mmengine.structures import InstanceData

    entries = gt['annotations'] if results is None else read_results(results, gt)
    entries = [entry for entry in entries if entry['video_id'] == video['id']]
    labels = {category['id']: n for n, category in enumerate(gt['categories'])}
    size = (video['height'], video['width'])
    tracks = InstanceData(
        labels=np.array([labels[entry['category_id']] for entry in entries]),
        instances_id=np.arange(1, len(entries) + 1),
        masks=[
            [None if mask is None else compress(mask, *size) for mask in masks]
            for masks in (entry['segmentations'] for entry in entries)
        ],
    )
    if results is not None:
        tracks.scores = np.array([entry['score'] for entry in entries])
    return tracks


def draw_frames(
    data: Path, video: dict, tracks: InstanceData, classes: list, score_thr: float
) -> Iterator[Image.Image]:
    """Draw the frames of a video one after the other."""
    from mmvis.visualization import LabelLayout, draw_tracks, enlargement

    layout = LabelLayout()
    for frame_id, name in enumerate(video['file_names']):
        frame = cv2.imread(str(data / 'valid' / 'JPEGImages' / name))
        if frame is None:
            raise FileNotFoundError(2, 'No such image', name)
        picture = draw_tracks(
            frame,
            tracks,
            frame_id,
            classes,
            score_thr,
            scale=enlargement(frame, 360),
            layout=layout,
        )
        yield Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))


def main() -> None:
    """Draw and write the picture."""
    args = parse_args()
    with user_errors():
        gt = read_ytvis_json(args.data / 'valid.json', required=CONTENTS)
        videos = {video['id']: video for video in gt['videos']}
        if args.video_id not in videos:
            raise UserValueError(
                f'--video-id {args.video_id} is not in {args.data / "valid.json"}; '
                f'choose one of {sorted(videos)}.'
            )
        video = videos[args.video_id]
        tracks = tracks_of_video(gt, video, args.results)
        classes = [category['name'] for category in gt['categories']]
        first, *others = draw_frames(args.data, video, tracks, classes, args.score_thr)
        with atomic_file(args.out) as partial:
            first.save(
                partial,
                format='WebP',
                save_all=True,
                append_images=others,
                duration=round(1000 / args.fps),
                loop=0,
                quality=args.quality,
                method=6,
            )
    print(f'{args.out}: {Path(args.out).stat().st_size / 1000:.0f} kB')


if __name__ == '__main__':
    main()
