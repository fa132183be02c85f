"""models task_modules of mmvis."""
