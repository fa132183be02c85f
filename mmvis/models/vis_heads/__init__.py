"""models vis_heads of mmvis."""
