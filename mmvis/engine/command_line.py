"""What the command lines of training and testing have in common."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from mmengine.config import DictAction

__all__ = ['RunArgumentParser']


class RunArgumentParser(argparse.ArgumentParser):
    """Parser of a tool that runs a config, with the arguments of every run.

    These are ``config``, ``--work-dir``, ``--cfg-options`` and ``--launcher``; the
    tool adds its own. What :func:`~mmvis.engine.run_config.read_run_config` needs is
    then in the parsed arguments.

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
        super().__init__(
            description=description,
            epilog=examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.add_argument('config', help='config file, e.g. configs/ifc_r50.py')
        self.add_argument(
            '--work-dir',
            help=f'{work_dir_help} (default: work_dirs/NAME for NAME.py)',
        )
        self.add_argument(
            '--cfg-options',
            nargs='+',
            action=DictAction,
            metavar='KEY=VALUE',
            help=f'override values of the config, e.g. {cfg_options_help}',
        )
        self.add_argument(
            '--launcher',
            choices=['none', 'pytorch', 'slurm', 'mpi'],
            default='none',
            help='set by tools/dist_*.sh and tools/slurm_*.sh',
        )
        # torchrun's predecessor passes it; MMEngine reads the variable.
        self.add_argument(
            '--local_rank', '--local-rank', default='0', help=argparse.SUPPRESS
        )

    def parse_args(
        self,
        args: Sequence[str] | None = None,
        namespace: argparse.Namespace | None = None,
    ) -> argparse.Namespace:
        """Read the command line, and tell MMEngine the rank on this machine."""
        parsed = super().parse_args(args, namespace)
        os.environ.setdefault('LOCAL_RANK', parsed.local_rank)
        return parsed
