"""visualization of mmvis."""
