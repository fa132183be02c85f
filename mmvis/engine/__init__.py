"""engine of mmvis."""
