"""Command of a converter that works both ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mmvis.engine.command_line import ConverterArgumentParser

if TYPE_CHECKING:
    from torch import Tensor

    Weights = dict[str, Tensor]

__all__ = ['Converter']


class Converter:
    """Convert a published checkpoint to mmvis, or back with ``--reverse``.

    Args:
        description (str): What the command does.
        examples (str): Printed as it is below the options.
        default_config (str): How the config is chosen where none is given.
        convert (Callable): Turns published weights, and a config or None, into those
            of mmvis.
        export (Callable): Turns weights of mmvis into published ones.
        export_key (str): Under which a published ``.pth`` file holds its weights.
            Defaults to 'state_dict'.
    """

    def __init__(
        self,
        description: str,
        *,
        examples: str,
        default_config: str,
        convert: Callable[[Weights, str | None], Weights],
        export: Callable[[Weights], Weights],
        export_key: str = 'state_dict',
    ) -> None:
        self._description = description
        self._examples = examples
        self._default_config = default_config
        self._convert = convert
        self._export = export
        self._export_key = export_key

    def __call__(self, args: Sequence[str] | None = None) -> None:
        """Convert one file.

        Args:
            args (Sequence[str], optional): Words of the command line. Defaults to
                those of this process.

        Raises:
            SystemExit: With status 2 and one message, after a mistake of the user.
        """
        parser = ConverterArgumentParser(
            self._description,
            examples=self._examples,
            src_help='published checkpoint',
            default_config=self._default_config,
        )
        options = parser.parse_args(args)

        from mmvis.converters.convert_file import convert_file

        src, dst, config = options.src, options.dst, options.config
        if options.reverse:
            convert_file(src, dst, self._export, key=self._export_key)
        else:
            convert_file(src, dst, lambda weights: self._convert(weights, config))
