"""Command lines of the tools."""

from __future__ import annotations

import argparse
import ast
import contextlib
import math
import os
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

__all__ = [
    'ConfigOptions',
    'ConverterArgumentParser',
    'RunArgumentParser',
    'ToolArgumentParser',
    'parse_config_value',
    'positive_int',
    'probability',
    'seed',
]

_N = TypeVar('_N', int, float)

_BRACKETS = {'(': ')', '[': ']', '{': '}'}
_NUMBERS = re.compile(r'[-+.\deE_]+(,[-+.\deE_]+)+')


def parse_config_value(text: str) -> Any:
    """Read the value of KEY=VALUE.

    Numbers, true, false and None, quoted text, lists, tuples and dicts are read as
    such; the texts in a list need no quotes. Whatever else is text, exactly as it is
    given, with its spaces and commas.

    Args:
        text (str): The value.

    Returns:
        Any: What it says.

    Example:
        >>> parse_config_value('[a b,(1,2)]'), parse_config_value('1,2')
        (['a b', (1, 2)], [1, 2])
        >>> parse_config_value('/my data/a, b'), parse_config_value('1e-4')
        ('/my data/a, b', 0.0001)
    """
    stripped = text.strip()
    if stripped[:1] in ('(', '[') and _end_of_bracket(stripped) == len(stripped) - 1:
        items = [parse_config_value(item) for item in _split_commas(stripped[1:-1])]
        return items if stripped[0] == '[' else tuple(items)
    if stripped[:1] in ('"', "'", '{'):
        return _read_literal(stripped, text)
    if _NUMBERS.fullmatch(stripped):
        return [parse_config_value(item) for item in stripped.split(',')]
    for read in (int, float):
        with contextlib.suppress(ValueError):
            return read(stripped)
    words = {'true': True, 'false': False, 'none': None}
    return words.get(stripped.lower(), text)


def positive_int(text: str) -> int:
    """Read an integer of at least 1, as the type of an argument."""
    return _number(text, int, (1, math.inf), 'an integer of at least 1')


def seed(text: str) -> int:
    """Read a seed, as the type of an argument."""
    return _number(text, int, (0, 2**32 - 1), 'an integer in [0, 2**32)')


def probability(text: str) -> float:
    """Read a number in [0, 1], as the type of an argument."""
    return _number(text, float, (0, 1), 'a number in [0, 1]')


def _number(
    text: str, kind: Callable[[str], _N], bounds: tuple[float, float], expected: str
) -> _N:
    try:
        number = kind(text)
    except ValueError:
        number = None
    if number is None or not bounds[0] <= number <= bounds[1]:  # NaN is not
        raise argparse.ArgumentTypeError(f'must be {expected}, got {text!r:.60}')
    return number


class ConfigOptions(argparse.Action):
    """Action that collects KEY=VALUE in a dict, for ``Config.merge_from_dict``."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[str] | None,
        option_string: str | None = None,
    ) -> None:
        """Add the values that follow one ``--cfg-options``."""
        options = dict(getattr(namespace, self.dest) or {})
        for value in values or ():
            key, is_pair, text = value.partition('=')
            if not key or not is_pair:
                parser.error(
                    f'{option_string}: expected KEY=VALUE, got {value!r}. Put quotes '
                    'around a value with spaces: "KEY=my data".'
                )
            options[key] = parse_config_value(text)
        setattr(namespace, self.dest, options)


class ToolArgumentParser(argparse.ArgumentParser):
    """Parser of a tool, with examples below its options.

    Args:
        description (str): What the tool does.
        examples (str): Printed as it is below the options. Defaults to none.
    """

    def __init__(self, description: str, examples: str = '') -> None:
        super().__init__(
            description=description,
            epilog=examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def add_cfg_options(self, examples: str) -> None:
        """Add ``--cfg-options``.

        Args:
            examples (str): A config value to override, or more.
        """
        self.add_argument(
            '--cfg-options',
            nargs='+',
            action=ConfigOptions,
            metavar='KEY=VALUE',
            help=f'override values of the config, e.g. {examples}',
        )


class RunArgumentParser(ToolArgumentParser):
    """Parser of a tool that runs a config, with the arguments of every run.

    These are ``config``, ``--work-dir``, ``--cfg-options``, ``--launcher`` and
    ``--verbose``; the tool adds its own. What
    :func:`~mmvis.engine.run_config.read_run_config` needs is then in the parsed
    arguments.

    Args:
        description (str): What the tool does.
        examples (str): Printed as it is below the options.
        work_dir_help (str): What is written to the work directory.
        cfg_options_help (str): An example of a config value to override, or more.
    """

    def __init__(
        self,
        description: str,
        examples: str,
        work_dir_help: str,
        cfg_options_help: str,
    ) -> None:
        super().__init__(description, examples)
        self.add_argument(
            'config', help='config file, or the name of a shipped one, e.g. ifc_r50'
        )
        self.add_argument(
            '--work-dir',
            help=f'{work_dir_help} (default: work_dirs/NAME for NAME.py)',
        )
        self.add_cfg_options(cfg_options_help)
        self.add_argument(
            '--launcher',
            choices=['none', 'pytorch', 'slurm', 'mpi'],
            default='none',
            help='set by tools/dist_*.sh and tools/slurm_*.sh',
        )
        self.add_argument(
            '--verbose',
            action='store_true',
            help='show on the console everything that the log file gets',
        )
        # torchrun's predecessor passes it; MMEngine reads the variable.
        self.add_argument(
            '--local_rank', '--local-rank', default='0', help=argparse.SUPPRESS
        )

    # argparse states it as overloads.
    def parse_args(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        namespace: argparse.Namespace | None = None,
    ) -> argparse.Namespace:
        """Read the command line, and tell MMEngine the rank on this machine."""
        parsed = super().parse_args(args, namespace)
        os.environ.setdefault('LOCAL_RANK', parsed.local_rank)
        return parsed


class ConverterArgumentParser(ToolArgumentParser):
    """Parser of a tool that converts a checkpoint.

    These are ``src``, ``dst``, ``--config`` and ``--reverse``.

    Args:
        description (str): What the tool does.
        examples (str): Printed as it is below the options.
        src_help (str): Which files it reads.
        default_config (str): How the config is chosen where none is given.
        has_reverse (bool): Whether it converts both ways. Defaults to True.
    """

    def __init__(
        self,
        description: str,
        *,
        examples: str,
        src_help: str,
        default_config: str,
        has_reverse: bool = True,
    ) -> None:
        super().__init__(description, examples)
        self.add_argument('src', help=f'{src_help}; .pth, .pkl or .safetensors')
        self.add_argument('dst', help='checkpoint to write, .pth or .safetensors')
        self.add_argument(
            '--config', help=f'config that it is for (default: {default_config})'
        )
        if has_reverse:
            self.add_argument(
                '--reverse',
                action='store_true',
                help='from an mmvis checkpoint to one of the original implementation',
            )


def _read_literal(literal: str, text: str) -> Any:
    """Read quoted text or a dict; ``text`` where it is neither."""
    try:
        return ast.literal_eval(literal)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return text


def _end_of_bracket(text: str) -> int | None:
    """Where the bracket that ``text`` starts with is closed."""
    open_brackets = []
    for i, char in enumerate(text):
        if char in _BRACKETS:
            open_brackets.append(_BRACKETS[char])
        elif open_brackets and char == open_brackets[-1]:
            open_brackets.pop()
            if not open_brackets:
                return i
    return None


def _split_commas(text: str) -> list[str]:
    """Split at the commas outside of brackets; a comma at the end ends the list.

    Example:
        >>> _split_commas('a,(b,c),')
        ['a', '(b,c)']
    """
    parts, depth, start = [], 0, 0
    for i, char in enumerate(text):
        depth += (char in '([{') - (char in ')]}')
        if char == ',' and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    last = text[start:].strip()
    return [*parts, last] if last else parts
