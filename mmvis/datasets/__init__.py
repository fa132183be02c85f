"""datasets of mmvis."""
