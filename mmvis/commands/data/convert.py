"""Convert labels from one format to another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmvis.atomic_file import check_output
from mmvis.engine.command_line import ToolArgumentParser
from mmvis.engine.user_errors import user_errors
from mmvis.labels import READERS, WRITERS, convert_labels
from mmvis.labels.yolo import SPLITS
from mmvis.terminal import printable

__all__ = ['main']

EXAMPLES = """examples:
  a folder of id images for each video, with the frames beside it:
    mmvis data convert masks train.json --from davis --frames JPEGImages
  an export of CVAT:
    mmvis data convert annotations.xml train.json --from cvat --frames JPEGImages
  to id images, for another program:
    mmvis data convert train.json masks --from ytvis --to davis

formats:
  ytvis    one json: videos, tracks with a mask per frame; what mmvis trains on
  coco     one json of single images: each is a video of one frame
  cocovid  one json: images of videos, objects with an instance_id
  cvat     XML of "CVAT for video 1.1" or "CVAT for images 1.1", only read
  davis    a folder of PNG images for each video, pixels are ids
  labelme  a folder of json files for each video, only read
  mots     a text file, or a folder of 16-bit PNG images, for each video
  yolo     data.yaml with images and polygons in text files, each image a video of one
           frame; needs labelformat: pip install 'mmvis[labels]'

With --frames the frames are looked up, DIR/VIDEO/FRAME.jpg, and their size is checked.
All faults are listed; nothing is written if there is one.
"""


def main(args: Sequence[str] | None = None) -> None:
    """Convert labels.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With status 2 and one message, after a mistake of the user.
    """
    parser = ToolArgumentParser(__doc__, EXAMPLES)
    parser.add_argument('src', metavar='SRC', type=Path, help='file or folder')
    parser.add_argument('dst', metavar='DST', type=Path, help='json, or folder')
    parser.add_argument(
        '--from', dest='source', choices=READERS, required=True, help='format of SRC'
    )
    parser.add_argument(
        '--to',
        dest='target',
        choices=WRITERS,
        default='ytvis',
        help='format of DST (default: ytvis)',
    )
    parser.add_argument(
        '--frames', metavar='DIR', type=Path, help='folder with a folder for each video'
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        default=[],
        metavar='NAME',
        help='names of the classes, in the order of their ids (default: those of the '
        'labels)',
    )
    parser.add_argument(
        '--split',
        choices=SPLITS,
        default='train',
        help='which images of a data.yaml of YOLO are read (default: train)',
    )
    options = parser.parse_args(args)
    with user_errors():
        if not options.dst.is_dir():
            check_output(options.dst, options.src)
        labels = convert_labels(
            options.src,
            options.dst,
            source_format=options.source,
            target_format=options.target,
            frames=options.frames,
            classes=options.classes,
            split=options.split,
        )
    names = ', '.join(printable(category['name']) for category in labels['categories'])
    print(
        f'Wrote {options.dst}: {len(labels["videos"])} videos, '
        f'{len(labels["annotations"])} objects, classes {names}'
    )
