"""Cache folders."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ['cache_folder']


def cache_folder(*parts: str) -> Path:
    """The folder of downloaded and converted weights.

    Args:
        *parts (str): Names of a folder or file below it.

    Returns:
        Path: ``$MMVIS_HOME``, else ``$XDG_CACHE_HOME/mmvis``, else
        ``~/.cache/mmvis``; it need not exist.
    """
    if 'MMVIS_HOME' in os.environ:
        home = Path(os.environ['MMVIS_HOME'])
    else:
        home = Path(os.environ.get('XDG_CACHE_HOME') or '~/.cache', 'mmvis')
    return home.joinpath(*parts).expanduser()
