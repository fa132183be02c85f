"""Version of mmvis."""

__version__ = '0.1.0'
