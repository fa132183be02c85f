"""Learning-rate schedules that MMEngine lacks."""

from mmvis.engine.schedulers.two_stage_warmup_poly_lr import TwoStageWarmupPolyLR

__all__ = ['TwoStageWarmupPolyLR']
