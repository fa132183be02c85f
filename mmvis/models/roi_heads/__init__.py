"""Heads that look into boxes, of all frames of a clip."""

__all__ = []
