"""testing of mmvis."""
