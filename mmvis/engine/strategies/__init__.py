"""Strategies of a `FlexibleRunner`: how a training is shared among processes."""

from mmvis.engine.strategies.deepspeed_strategy import DeepSpeedStrategy
from mmvis.engine.strategies.fsdp_strategy import FSDPStrategy

__all__ = ['DeepSpeedStrategy', 'FSDPStrategy']
