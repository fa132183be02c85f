"""Run a trained model on videos: tracks as json, an overlay video and an image."""

from __future__ import annotations

from mmvis.apis import VISInferencer
from mmvis.engine.command_line import ToolArgumentParser
from mmvis.engine.user_errors import user_errors
from mmvis.outputs import DEFAULT_FORMATS, FORMATS, VideoResult

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
    parser.add_argument(
        'video',
        help='video file, folder or glob of frames or of videos, URL, or the number of '
        'a webcam',
    )
    parser.add_argument('config', help='config file of the model')
    parser.add_argument('checkpoint', help='its checkpoint (.pth)')
    parser.add_argument(
        '--out-dir', default='outputs', help='output folder (default: outputs)'
    )
    parser.add_argument('--device', help='e.g. cpu or cuda:1 (default: a GPU if any)')
    parser.add_argument(
        '--score-thr',
        type=float,
        default=0.3,
        help='draw tracks with at least this score (default: 0.3)',
    )
    parser.add_argument(
        '--formats',
        nargs='+',
        choices=tuple(FORMATS),
        default=DEFAULT_FORMATS,
        help=f'what to write (default: {" ".join(DEFAULT_FORMATS)})',
    )
    parser.add_argument(
        '--fps', type=float, help='frames per second (default: those of the video)'
    )
    parser.add_argument(
        '--on-damage',
        choices=('warn', 'stop'),
        default='warn',
        help='a damaged video: use all readable frames and warn, or stop '
        '(default: warn)',
    )
    parser.add_cfg_options('model.test_cfg.clip_stride=3')
    args = parser.parse_args()
    with user_errors(args.config):
        inferencer = VISInferencer(
            args.config, args.checkpoint, args.device, args.cfg_options
        )
        results = inferencer(
            args.video,
            out_dir=args.out_dir,
            score_thr=args.score_thr,
            formats=args.formats,
            fps=args.fps,
            on_damage=args.on_damage,
        )
    for result in results if isinstance(results, list) else [results]:
        print_tracks(result)


def print_tracks(result: VideoResult) -> None:
    """List the best tracks of a video."""
    print(f'\n{result.name}: {len(result)} tracks in {result.video_len} frames')
    for track in sorted(result, key=lambda track: -track.score)[:10]:
        print(f'  {track.name:16s} {track.score:.3f}  in {len(track.frames)} frames')


if __name__ == '__main__':
    main()
