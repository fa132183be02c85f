"""The command `mmvis benchmark`: time and memory of everything."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmvis.commands.command_group import CommandGroup
from mmvis.engine.command_line import ToolArgumentParser, positive_int, seed
from mmvis.engine.user_errors import user_errors

__all__ = ['MINUTES', 'PARTS', 'SUITE', 'Part', 'main', 'parse']

_AXES = ('clip-len', 'frame-size', 'video-length', 'objects')
_ARGUMENTS: dict[str, dict[str, Any]] = {
    'config': dict(help='config file, or the name of a shipped one'),
    'checkpoint': dict(nargs='?', help='its weights (default: random)'),
    '--clip-len': dict(type=positive_int, help="T (default: the config's, else 5)"),
    '--size': dict(
        type=positive_int, nargs=2, metavar=('H', 'W'), help='of the frames, pixels'
    ),
    '--fast': dict(action='store_true', help='rewrite the network for inference'),
    '--amp': dict(action='store_true', help='mixed precision'),
    '--objects': dict(type=positive_int, help='objects in the video'),
    '--num-frames': dict(type=positive_int, help='length of the video'),
    '--model-fps': dict(
        type=positive_int, help='frames/s of the model, to count the workers for it'
    ),
    '--clip-stride': dict(type=positive_int, help='frames between clips'),
    '--merger': dict(help='IFCClipMerger, TrackClipMerger or QueryIndexMerger'),
    '--video': dict(help='a video to use (default: one of moving shapes)'),
    '--formats': dict(nargs='+', help='outputs, as of `mmvis predict`'),
    '--videos': dict(type=positive_int, help='videos in the case'),
    '--tracks': dict(type=positive_int, help='predictions per video'),
    '--seed': dict(type=seed, help='of the case'),
    '--no-official': dict(action='store_true', help='only mmvis'),
    '--lengths': dict(type=positive_int, nargs='+', help='frames of the videos'),
    '--no-test': dict(action='store_true', help='only streams, no `mmvis test`'),
    '--steps': dict(nargs='+', choices=('forward', 'training'), help='what to run'),
    '--recompute': dict(action='store_true', help='recompute activations'),
    '--against': dict(nargs='+', choices=_AXES, help='what grows'),
    '--points': dict(type=positive_int, help='points; the value doubles at each'),
    '--dropout': dict(type=float, help="instead of the config's, e.g. 0"),
}


@dataclass(frozen=True)
class Part:
    """One of the benchmarks.

    Attributes:
        module (str): In :mod:`mmvis.benchmarks`; has ``workloads(options)``.
        what (str): What is measured.
        arguments (str): Names of its arguments.
        defaults (dict): Their default values.
    """

    module: str
    what: str
    arguments: str
    defaults: dict

    @property
    def has_model(self) -> bool:
        """Whether it takes a config."""
        return 'config' in self.arguments.split()


#: The command that runs the parts with fixed settings.
SUITE = 'suite'
#: After these the suite begins no part.
MINUTES = 8
#: Name -> part.
PARTS = {
    'forward': Part(
        'forward', 'a model on one clip',
        'config checkpoint --clip-len --size --fast --amp', dict(size=[360, 640]),
    ),
    'end-to-end': Part(
        'end_to_end', 'a video in files to tracks as RLE, beside the model alone',
        'config checkpoint --clip-len --size --num-frames --video --formats --fast',
        dict(size=[720, 1280], num_frames=12, formats=['json']),
    ),
    'training': Part(
        'training', 'a step of a training',
        'config checkpoint --clip-len --size --objects --amp',
        dict(size=[360, 640], objects=5),
    ),
    'loader': Part(
        'loader', 'decoding and transforms of frames, for testing and training',
        'config --size --num-frames --model-fps',
        dict(size=[720, 1280], num_frames=12),
    ),
    'merging': Part(
        'merging', 'clips to tracks to RLE, without a network',
        '--merger --num-frames --objects --clip-len --clip-stride --size',
        dict(merger='IFCClipMerger', num_frames=20, objects=10, clip_len=5,
             clip_stride=1, size=[720, 1280]),
    ),
    'evaluation': Part(
        'evaluation', 'scoring of a results file, beside the official algorithm',
        '--videos --tracks --size --seed --no-official',
        dict(videos=300, tracks=100, size=[36, 48], seed=0),
    ),
    'video-io': Part(
        'video_io', 'reading, drawing and writing of a video file',
        '--video --num-frames --size', dict(size=[720, 1280], num_frames=50),
    ),
    'long-video': Part(
        'long_video', 'latency, time and memory per frame as videos grow',
        'config checkpoint --clip-len --size --lengths --no-test --fast',
        dict(size=[96, 160], lengths=[100, 2000]),
    ),
    'growth': Part(
        'growth', 'how time and memory grow with clips, frames, videos and objects',
        'config checkpoint --against --points --clip-len --size --num-frames --objects '
        '--fast',
        dict(against=[*_AXES], points=4, clip_len=2, size=[96, 160], num_frames=16,
             objects=5),
    ),
    'online': Part(
        'online', 'a model with a state, frame by frame, beside transformers',
        'config checkpoint --size --num-frames --fast --no-official',
        dict(size=[448, 448], num_frames=32),
    ),
    'attention': Part(
        'attention', 'memory-efficient against plain attention, in VisTR',
        'config checkpoint --clip-len --size --objects --steps --recompute --dropout '
        '--amp',
        dict(size=[300, 540], objects=5, steps=['forward', 'training']),
    ),
}  # fmt: skip

_GROUP = CommandGroup(
    'mmvis benchmark',
    'Measure time and memory, with medians and spread.',
    {name: ('', part.what) for name, part in PARTS.items()}
    | {SUITE: ('', 'all of this in one command, as one page with plots')},
    '\n\nexamples:\n'
    '  mmvis benchmark forward ifc_r50 --clip-len 5\n'
    '  mmvis benchmark forward ifc_r50 --compare default fast\n'
    '  mmvis benchmark suite --device cuda --out gpu',
)

_EXAMPLES = """examples:
  mmvis benchmark {name} {first}--repeats 5 --out work_dirs/benchmarks
  two settings in turn; a setting is `default`, or words as NAME or NAME=VALUE, for the
  options above and for values of the config:
    mmvis benchmark {name} {first}--compare default {setting}
"""


_SUITE_EXAMPLES = """examples:
  mmvis benchmark suite
  mmvis benchmark suite --device cuda --out gpu
"""


def main(args: Sequence[str] | None = None) -> None:
    """Run a benchmark.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With status 2 and one message, after a mistake of the user.
    """
    words = list(sys.argv[1:] if args is None else args)
    if words and words[0] in (SUITE, f'--{SUITE}'):
        _run_suite(words[1:])
        return
    if not words or words[0] not in PARTS:
        _GROUP(words)
        return
    name, *rest = words
    options = parse(name, rest)
    with user_errors(getattr(options, 'config', name)):
        from mmvis.benchmarks.run import run_part

        settings = [
            (label, parse(name, rest, label))
            for label in options.compare or ['default']
        ]
        report = run_part(name, settings, words=rest)
        print(report.to_markdown())
        if options.out is not None:
            for path in report.write(options.out):
                print(f'written: {path}')


def _run_suite(words: Sequence[str]) -> None:
    """Run the suite of the device, and write its page."""
    parser = ToolArgumentParser(
        'Run the parts with fixed settings, and write one page with tables and plots: '
        'published models on a GPU, small ones on a CPU.',
        _SUITE_EXAMPLES,
    )
    parser.prog = f'mmvis benchmark {SUITE}'
    parser.add_argument('--device', default='cpu', help='cpu or cuda (default: cpu)')
    parser.add_argument(
        '--out',
        metavar='FOLDER',
        default='work_dirs/performance',
        help='write index.md, the plots and suite.json (default: %(default)s)',
    )
    parser.add_argument(
        '--minutes',
        type=positive_int,
        default=MINUTES,
        help='begin no further part after these (default: %(default)s)',
    )
    options = parser.parse_args(words)
    with user_errors(SUITE):
        from mmvis.benchmarks.suite import run_suite

        for path in run_suite(options.device, options.out, minutes=options.minutes):
            print(f'written: {path}')


def parse(name: str, words: Sequence[str], setting: str = 'default') -> Namespace:
    """Read the command line of a part.

    Args:
        name (str): The part.
        words (Sequence[str]): The words behind its name.
        setting (str): A setting of ``--compare``, which overrides them. Defaults to
            'default', which overrides nothing.

    Returns:
        Namespace: The options.
    """
    parser = _parser(name)
    options = parser.parse_args(words)
    for word in setting.split():
        if word != 'default':
            _override(parser, options, word)
    return options


def _override(parser: ToolArgumentParser, options: Namespace, word: str) -> None:
    """Set an option, or a value of the config, as a word of a setting says."""
    key, has_value, value = word.partition('=')
    if key == 'config':
        options.config = value
        return
    if hasattr(options, key.replace('-', '_')):
        values = value.split(',') if has_value else []
        given = parser.parse_args(
            [*_required(options), f'--{key.replace("_", "-")}', *values]
        )
        name = key.replace('-', '_')
        setattr(options, name, getattr(given, name))
        return
    if not hasattr(options, 'cfg_options') or not has_value:
        parser.error(f'--compare: there is no option {key!r} to set, in {word!r}.')
    changed = parser.parse_args([*_required(options), '--cfg-options', word])
    options.cfg_options = (options.cfg_options or {}) | changed.cfg_options


def _required(options: Namespace) -> list[str]:
    return [options.config] if hasattr(options, 'config') else []


def _parser(name: str) -> ToolArgumentParser:
    part = PARTS[name]
    first = 'ifc_r50 ' if part.has_model else ''
    setting = 'fast' if '--fast' in part.arguments else 'size=360,640'
    examples = _EXAMPLES.format(name=name, first=first, setting=setting)
    parser = ToolArgumentParser(f'Measure {part.what}.', examples)
    parser.prog = f'mmvis benchmark {name}'
    for argument in part.arguments.split():
        details = dict(_ARGUMENTS[argument])
        default = part.defaults.get(argument.strip('-').replace('-', '_'))
        if default is not None:
            shown = ' '.join(map(str, default)) if type(default) is list else default
            details |= dict(default=default)
            details['help'] = f'{details["help"]} (default: {shown})'
        parser.add_argument(argument, **details)
    if part.has_model:
        parser.add_cfg_options('model.test_cfg.clip_stride=3')
    parser.add_argument('--device', default='cpu', help='cpu or cuda (default: cpu)')
    parser.add_argument(
        '--repeats', type=positive_int, default=5, help='repetitions (default: 5)'
    )
    parser.add_argument(
        '--threads', type=positive_int, default=1, help='CPU threads (default: 1)'
    )
    parser.add_argument(
        '--compare', nargs='+', metavar='SETTING', help='settings to run in turn'
    )
    parser.add_argument('--out', metavar='FOLDER', help='write PART.md and PART.json')
    return parser
