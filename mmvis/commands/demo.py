"""Serve a page on this computer: drop a video, watch its objects being found."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mmvis.engine.command_line import ToolArgumentParser
from mmvis.engine.user_errors import user_errors

__all__ = ['main']

EXAMPLES = """examples:
  the trainings in work_dirs/, and the models with published weights:
    mmvis demo
  weights of your own:
    mmvis demo configs/ifc_r50.py --checkpoint ifc_r50.pth
  a training of yours, and a published model to compare with:
    mmvis demo work_dirs/quickstart tevit_msgshift

Only this computer can open the page. For a server without a screen, forward the port
from yours: ssh -L 7860:127.0.0.1:7860 SERVER
"""


def main(args: Sequence[str] | None = None) -> None:
    """Serve the page.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With status 2 and one message, after a mistake of the user.
    """
    parser = ToolArgumentParser(__doc__, EXAMPLES)
    parser.add_argument(
        'models',
        nargs='*',
        metavar='MODEL',
        help='name of a published model, work directory of a training, or a config '
        'file with --checkpoint (default: all in work_dirs/ and all published ones)',
    )
    parser.add_argument('--checkpoint', help='weights of the config file')
    parser.add_argument('--device', help='e.g. cpu or cuda:1 (default: a GPU if any)')
    parser.add_argument(
        '--fast',
        action='store_true',
        help='rewrite networks for inference; outputs differ by rounding, on a GPU '
        'and on a CPU with AMX by that of half precision',
    )
    parser.add_argument(
        '--port', type=int, help='of the page (default: the first free from 7860)'
    )
    options = parser.parse_args(args)
    with user_errors(), tempfile.TemporaryDirectory(prefix='mmvis-demo-') as folder:
        # Videos that are dropped and files to download: all is removed at the end.
        os.environ['GRADIO_TEMP_DIR'] = str(Path(folder, 'page'))
        from mmvis.demo_page import VideoSearch, build_page, find_choices, serve

        choices = find_choices(options.models, options.checkpoint)
        search = VideoSearch(choices, folder, device=options.device, fast=options.fast)
        serve(build_page(search), options.port)
