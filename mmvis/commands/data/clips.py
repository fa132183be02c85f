"""Make annotated videos of annotated photos: the camera moves over each of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmvis.atomic_file import check_output
from mmvis.engine.command_line import ToolArgumentParser, positive_int, seed
from mmvis.engine.user_errors import user_errors
from mmvis.progress import Progress

__all__ = ['main']

EXAMPLES = """examples:
  COCO's validation photos as videos of six frames, to test a model of videos on scenes
  that it never saw; writes data/clips/valid.json and data/clips/JPEGImages:
    mmvis data clips instances_val2017.json val2017 data/clips

Tracks of the same object have one id in all frames. Crowds stay crowds. What the camera
shows beyond the border of a photo has one colour.
"""


def main(args: Sequence[str] | None = None) -> None:
    """Make the videos.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With status 2 and one message, after a mistake of the user.
    """
    parser = ToolArgumentParser(__doc__, EXAMPLES)
    parser.add_argument('ann', metavar='JSON', type=Path, help="photos, COCO's format")
    parser.add_argument('photos', metavar='DIR', type=Path, help='folder of the photos')
    parser.add_argument('out', metavar='OUT', type=Path, help='folder of the new set')
    parser.add_argument(
        '--num-frames', type=positive_int, default=6, help='of a video (default: 6)'
    )
    parser.add_argument(
        '--seed', type=seed, default=0, help="of the camera's motion (default: 0)"
    )
    options = parser.parse_args(args)

    from mmvis.datasets.photo_clips import PhotoClips
    from mmvis.labels.json_labels import write_ytvis

    with user_errors():
        target = options.out / 'valid.json'
        check_output(target, options.ann)
        clips = PhotoClips(
            options.ann, options.photos, options.num_frames, options.seed
        )
        with Progress('clips', len(clips), 'video') as progress:
            labels = clips.write(options.out / 'JPEGImages', progress.advance)
        write_ytvis(labels, target)
    print(
        f'Wrote {target}: {len(labels["videos"])} videos, '
        f'{len(labels["annotations"])} objects'
    )
