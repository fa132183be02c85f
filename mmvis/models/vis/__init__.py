"""models vis of mmvis."""
