"""evaluation of mmvis."""
