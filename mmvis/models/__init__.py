"""models of mmvis."""
