"""models layers of mmvis."""
