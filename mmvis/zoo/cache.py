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
    home = os.environ.get('MMVIS_HOME')
    if home is None:
        home = Path(os.environ.get('XDG_CACHE_HOME') or '~/.cache', 'mmvis')
    return Path(home, *parts).expanduser()
