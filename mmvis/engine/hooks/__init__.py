"""Hooks that MMEngine lacks."""

from mmvis.engine.hooks.config_resume_hook import ConfigResumeHook
from mmvis.engine.hooks.data_check_hook import DataCheckHook
from mmvis.engine.hooks.fast_mode_hook import FastModeHook
from mmvis.engine.hooks.finite_loss_hook import FiniteLossHook
from mmvis.engine.hooks.mask_annealing_hook import MaskAnnealingHook
from mmvis.engine.hooks.overlay_hook import OverlayHook
from mmvis.engine.hooks.reproducible_training_hook import ReproducibleTrainingHook
from mmvis.engine.hooks.strict_load_hook import StrictLoadHook
from mmvis.engine.hooks.validation_images_hook import ValidationImagesHook
from mmvis.engine.hooks.video_record_hook import VideoRecordHook

__all__ = [
    'ConfigResumeHook',
    'DataCheckHook',
    'FastModeHook',
    'FiniteLossHook',
    'MaskAnnealingHook',
    'OverlayHook',
    'ReproducibleTrainingHook',
    'StrictLoadHook',
    'ValidationImagesHook',
    'VideoRecordHook',
]
