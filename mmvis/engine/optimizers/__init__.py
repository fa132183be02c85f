"""Learning rates of parameters that MMEngine cannot tell apart."""

from mmvis.engine.optimizers.block_decay_constructor import BlockDecayConstructor

__all__ = ['BlockDecayConstructor']
