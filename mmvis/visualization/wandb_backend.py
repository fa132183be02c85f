"""MMEngine's backend for Weights & Biases, by iterations and without code."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.visualization import WandbVisBackend

from mmvis.errors import UserValueError
from mmvis.registry import VISBACKENDS

__all__ = ['WandbBackend']


@VISBACKENDS.register_module()
class WandbBackend(WandbVisBackend):
    """Send numbers, pictures and the config to Weights & Biases.

    The arguments are those of MMEngine's ``WandbVisBackend``. Differs from it: the
    horizontal axis is the iteration, not a count of calls, so that losses, AP and
    pictures fit together; and no code is sent. MMEngine's sends all Python files below
    the current folder, a virtual environment included.

    Raises:
        UserValueError: If W&B cannot start, for example without a login.
    """

    def _init_env(self) -> None:
        import wandb  # slow to import, and optional

        try:
            super()._init_env()
        except wandb.Error as error:
            raise UserValueError(
                f'Weights & Biases cannot start: {error} Or keep the run on this '
                'machine: set WANDB_MODE=offline.'
            ) from error

    def add_config(self, config: Config, **kwargs: Any) -> None:
        """Keep the config with the run."""
        self.experiment.config.update(config.to_dict(), allow_val_change=True)

    def add_image(
        self, name: str, image: np.ndarray, step: int = 0, **kwargs: Any
    ) -> None:
        """Send a picture.

        Args:
            name (str): Its name.
            image (np.ndarray): RGB, uint8, shape (H, W, 3).
            step (int): The iteration. Defaults to 0.
            **kwargs (Any): Not used; the visualizer passes it to all backends.
        """
        self.add_scalars({name: self.experiment.Image(image)}, step)

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """Send a number of an iteration."""
        self.add_scalars({name: value}, step)

    def add_scalars(
        self,
        scalar_dict: dict[str, Any],
        step: int = 0,
        file_path: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Send numbers of an iteration by name."""
        self.experiment.log(scalar_dict, step=step)
