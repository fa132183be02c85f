"""List the models of the toolbox and the weights that are published for them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from mmvis.engine.command_line import ToolArgumentParser
from mmvis.zoo import list_models

__all__ = ['main']

EXAMPLES = """examples:
  all models:
    mmvis models
  those with published weights whose name has "tevit" in it:
    mmvis models tevit --published

AP is what the authors report for YouTube-VIS 2019 valid; it was not re-measured.
"""


def main(args: Sequence[str] | None = None) -> None:
    """List models.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.
    """
    parser = ToolArgumentParser(__doc__, EXAMPLES)
    parser.add_argument(
        'part', nargs='?', default='', help='only models with this in their name'
    )
    parser.add_argument(
        '--published', action='store_true', help='only models with published weights'
    )
    options = parser.parse_args(args)
    table = Table('name', 'method', 'trained on', 'AP', 'weights', 'licence')
    for model in list_models().values():
        if options.part not in model.name:
            continue
        if options.published and not model.is_published:
            continue
        table.add_row(
            model.name,
            model.collection,
            model.training_data,
            f'{model.metrics["AP"]:.1f}' if 'AP' in model.metrics else '',
            (model.size or 'published') if model.is_published else '',
            model.licence or '',
        )
    Console().print(table)
