"""Optimizer constructors that MMEngine lacks."""

from mmvis.engine.optimizers.block_decay_constructor import BlockDecayConstructor

__all__ = ['BlockDecayConstructor']
