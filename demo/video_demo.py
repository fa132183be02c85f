"""Run a trained model on videos: tracks as json, an overlay video and an image."""

from __future__ import annotations

from mmvis.commands.predict import VIDEO_HELP, add_options, predict
from mmvis.engine.command_line import ToolArgumentParser

EXAMPLES = """examples:
  python demo/video_demo.py dog.mp4 configs/ifc_r50.py ifc_r50.pth
  python demo/video_demo.py folder_of_frames configs/ifc_r50.py ifc_r50.pth --fps 6
  python demo/video_demo.py 0 CONFIG CKPT --formats video jsonl   (webcam, until Ctrl-C)
  every third frame, with interpolated masks between:
    python demo/video_demo.py dog.mp4 CONFIG CKPT \\
        --cfg-options model.test_cfg.frame_stride=3
"""


def main() -> None:
    """Run the demo."""
    parser = ToolArgumentParser(__doc__, EXAMPLES)
    parser.add_argument('video', help=VIDEO_HELP)
    parser.add_argument('config', help='config file of the model')
    parser.add_argument('checkpoint', help='its checkpoint (.pth)')
    add_options(parser)
    predict(parser.parse_args())


if __name__ == '__main__':
    main()
