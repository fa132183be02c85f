"""models trackers of mmvis."""
