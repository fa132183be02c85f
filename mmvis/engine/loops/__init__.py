"""Loops that MMEngine lacks."""

from mmvis.engine.loops.resumable_train_loop import ResumableTrainLoop

__all__ = ['ResumableTrainLoop']
