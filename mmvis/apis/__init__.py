"""apis of mmvis."""
