"""Base class of set losses."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from mmdet.structures import TrackDataSample, TrackSampleList
from mmdet.utils import reduce_mean
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.registry import MODELS, TASK_UTILS

__all__ = ['SetCriterion']


class SetCriterion(BaseModule):
    """Match queries and instances of each clip, then compare them layer by layer.

    A subclass defines the targets of a clip, their number, and matching and losses of
    a decoder layer.

    Args:
        num_object_classes (int): Classes before no-object.
        assigner (dict): Config of the assigner.
        loss_cls (dict): Config of the class loss, with no-object as its last class.
        no_object_weight (float): Weight of the no-object class in the class loss.
    """

    def __init__(
        self,
        num_object_classes: int,
        assigner: dict,
        loss_cls: dict,
        no_object_weight: float,
    ) -> None:
        super().__init__()
        self.class_weight = [1.0] * num_object_classes + [no_object_weight]
        self.assigner = TASK_UTILS.build(assigner)
        self.loss_cls = MODELS.build(dict(loss_cls, class_weight=self.class_weight))

    def forward(
        self, layers: Sequence[dict[str, Tensor]], data_samples: TrackSampleList
    ) -> dict[str, Tensor]:
        """Losses of every decoder layer.

        Args:
            layers (Sequence[dict]): For each layer what :meth:`loss_layer` reads; the
                last one has ``mask_logits``.
            data_samples (list[TrackDataSample]): Ground truth of the B clips.

        Returns:
            dict[str, Tensor]: The losses of the last layer by name; those of layer l
            before it with prefix ``d{l}.``.
        """
        like = layers[-1]['mask_logits']
        targets = [self.prepare_targets(sample, like) for sample in data_samples]
        num_targets = like.new_tensor(float(sum(map(self.count_targets, targets))))
        num_targets = reduce_mean(num_targets).clamp(min=1)
        losses = {}
        for i, layer in enumerate(layers):
            prefix = '' if i == len(layers) - 1 else f'd{i}.'
            for name, value in self.loss_layer(layer, targets, num_targets).items():
                losses[prefix + name] = value
        return losses

    @abstractmethod
    def prepare_targets(self, sample: TrackDataSample, like: Tensor) -> InstanceData:
        """Targets of one clip, on the device and of the dtype of ``like``."""

    @abstractmethod
    def count_targets(self, gt: InstanceData) -> int:
        """Number of targets of a clip, the divisor of all but the class loss."""

    @abstractmethod
    def loss_layer(
        self,
        layer: dict[str, Tensor],
        targets: Sequence[InstanceData],
        num_targets: Tensor,
    ) -> dict[str, Tensor]:
        """Losses of one decoder layer, given B targets and their number.

        The number is that of all clips, averaged over ranks, and at least 1.
        """

    def class_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Class loss of logits (n, classes), a mean weighted by class."""
        weights = logits.new_tensor(self.class_weight)[labels]
        return self.loss_cls(logits, labels, avg_factor=reduce_mean(weights.sum()))
