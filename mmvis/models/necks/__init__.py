"""models necks of mmvis."""
