"""engine hooks of mmvis."""
