"""Run a trained model on videos: tracks as json, an overlay video and a picture."""

from __future__ import annotations

from mmvis.apis import VISInferencer
from mmvis.engine.command_line import ToolArgumentParser
from mmvis.engine.user_errors import user_errors

EXAMPLES = """examples:
  python demo/video_demo.py dog.mp4 configs/ifc_r50.py ifc_r50.pth
  python demo/video_demo.py folder_of_frames configs/ifc_r50.py ifc_r50.pth --fps 6
  every third frame seen, the masks between interpolated:
    python demo/video_demo.py dog.mp4 CONFIG CKPT \\
        --cfg-options model.test_cfg.frame_stride=3
"""


def main() -> None:
    """Run the demo."""
    parser = ToolArgumentParser(__doc__, EXAMPLES)
    parser.add_argument('video', help='video file, or folder of frames')
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
        '--fps', type=float, help="of the overlay (default: the video's)"
    )
    parser.add_argument(
        '--codec',
        default='mp4v',
        help='of the overlay: mp4v (default, fast) or vp09 (plays in browsers, slow)',
    )
    parser.add_cfg_options('model.test_cfg.clip_stride=3')
    args = parser.parse_args()
    with user_errors(args.config):
        inferencer = VISInferencer(
            args.config, args.checkpoint, args.device, args.cfg_options
        )
        record = inferencer(
            args.video,
            out_dir=args.out_dir,
            score_thr=args.score_thr,
            fps=args.fps,
            codec=args.codec,
        )
    tracks = record.pred_track_instances
    print(f'\n{len(tracks)} tracks in {record.video_len} frames; the best:')
    for i in tracks.scores.argsort(descending=True)[:10].tolist():
        name = inferencer.classes[tracks.labels[i]]
        num_frames = sum(mask is not None for mask in tracks.masks[i])
        print(f'  {name:16s} {tracks.scores[i]:.3f}  in {num_frames} frames')
    print(f'written to {args.out_dir}')


if __name__ == '__main__':
    main()
