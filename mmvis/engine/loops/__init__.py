"""Loops that MMEngine lacks."""

from mmvis.engine.loops.resumable_train_loop import (
    EpochBasedTrainLoop,
    ResumableTrainLoop,
    is_endless,
)

__all__ = ['EpochBasedTrainLoop', 'ResumableTrainLoop', 'is_endless']
