"""Write the page of the model zoo from the metafile of the configs."""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from mmvis.atomic_file import atomic_file
from mmvis.engine.command_line import ToolArgumentParser

ROOT = Path(__file__).resolve().parents[2]
METRICS = ('AP', 'AP50', 'AP75', 'AR1', 'AR10')
HEAD = """# Model zoo

<!-- Written by tools/docs/write_model_zoo.py from configs/metafile.yml: edit that. -->

Each model has the name of its config in `configs/`. All figures are in percent.

## Published figures

What the authors report for YouTube-VIS 2019 valid, with their weights. **These figures
have not been re-measured with mmvis yet**: the annotations of that set are not public.
The parity pages of [IFC](parity_ifc.md), [VisTR](parity_vistr.md) and
[TeViT](parity_tevit.md) compare them with their original implementations on the same
weights, that of [VidEoMT](parity_videomt.md) with its copy in `transformers`.
"""
WEIGHTS = """
## Published weights

The files are their authors', under the licence of the repository that publishes them;
the licences of the training data are apart from it. mmvis downloads, checks and
converts a file when it is [first needed](inference.md#weights-by-name), or converts
[your copy](inference.md#published-checkpoints).
"""
MEASURED = """
## Measured figures

Small models, trained and tested with mmvis on a CPU; see
[the benchmarks](benchmarks.md#small-models-from-scratch-on-a-cpu) for the commands.
There are no weights to download: the trainings take minutes.
"""
OTHERS = """
## Models without figures

These configs have no published or measured figure here.
"""
FOOT = """
## This page

```bash
python tools/docs/write_model_zoo.py
```

updates this page after a change of `configs/metafile.yml`.
"""


def make_page(metafile: str) -> str:
    """Make the page of the model zoo.

    Args:
        metafile (str): Content of the metafile.

    Returns:
        str: Markdown.
    """
    content = yaml.safe_load(metafile)
    models = content['Models']
    published = [model for model in models if 'Results' in model]
    weights = [model for model in models if 'Weights' in model]
    measured = [model for model in models if 'Measured' in model]
    others = [m for m in models if not m.keys() & {'Results', 'Weights', 'Measured'}]
    return ''.join(
        [
            HEAD,
            _table(('model', 'method', *METRICS), map(_published, published)),
            WEIGHTS,
            _table(('model', 'trained on', 'file', 'licence'), map(_weights, weights)),
            *map(_licence_note, content.get('Collections', ())),
            MEASURED,
            _table(
                ('model', 'tested on', 'training', *METRICS[:3]),
                map(_measured, measured),
            ),
            OTHERS,
            _table(('model', 'method', 'trained on'), map(_other, others)),
            FOOT,
        ]
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (head, ['---'] * len(head), *rows)
    return '\n' + ''.join(f'| {" | ".join(line)} |\n' for line in lines)


def _name(model: dict) -> str:
    return f'[`{model["Name"]}`](../{model["Config"]})'


def _figures(metrics: dict[str, float], names: Sequence[str] = METRICS) -> list[str]:
    return [f'{metrics[name]:.1f}' if name in metrics else '-' for name in names]


def _published(model: dict) -> list[str]:
    metrics = model['Results'][0]['Metrics']
    return [_name(model), model['In Collection'], *_figures(metrics)]


def _weights(model: dict) -> list[str]:
    published = model['Published']
    size = f', {published["Size"]}' if 'Size' in published else ''
    return [
        _name(model),
        model['Metadata']['Training Data'],
        f'[file]({model["Weights"]}){size}',
        f'[{published["License"]}]({published["Source"]})',
    ]


def _licence_note(collection: dict) -> str:
    note = collection.get('License Note')
    return '' if note is None else f'\nLicence of {collection["Name"]}: {note}\n'


def _measured(model: dict) -> list[str]:
    measured = model['Measured']
    figures = _figures(measured['Metrics'], METRICS[:3])
    return [_name(model), measured['Dataset'], measured['Training'], *figures]


def _other(model: dict) -> list[str]:
    return [_name(model), model['In Collection'], model['Metadata']['Training Data']]


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ToolArgumentParser(
        __doc__, 'examples:\n  python tools/docs/write_model_zoo.py\n'
    )
    parser.add_argument(
        '--out', default=ROOT / 'docs' / 'model_zoo.md', help='page to write'
    )
    return parser.parse_args()


def main() -> None:
    """Write the page."""
    args = parse_args()
    metafile = (ROOT / 'configs' / 'metafile.yml').read_text('utf-8')
    with atomic_file(args.out) as partial:
        partial.write_text(make_page(metafile), 'utf-8')


if __name__ == '__main__':
    main()
