"""Hooks, loops, optimizers and schedules that MMEngine lacks, and what tools share.

The registries import the former when they look for a name; command lines need no torch.
"""
