"""Keeps loader and model agreed on which frames are seen."""

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmvis.registry import HOOKS

__all__ = ['FrameStrideHook']


@HOOKS.register_module()
class FrameStrideHook(Hook):
    """Load only the frames that ``model.test_cfg.frame_stride`` lets the model see.

    Without it the loader decodes all frames and the model leaves the rest aside.
    """

    def before_val_epoch(self, runner: Runner) -> None:
        """Set the frame stride of the validation sampler."""
        self._set(runner, runner.val_loop.dataloader)

    def before_test_epoch(self, runner: Runner) -> None:
        """Set the frame stride of the test sampler."""
        self._set(runner, runner.test_loop.dataloader)

    def _set(self, runner: Runner, dataloader: DataLoader) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        dataloader.sampler.frame_stride = model.test_cfg.frame_stride
