"""models losses of mmvis."""
