"""Measurements of time and memory: the parts of `mmvis benchmark`."""
