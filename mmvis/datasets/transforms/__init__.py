"""datasets transforms of mmvis."""
