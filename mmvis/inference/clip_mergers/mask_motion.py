"""Position and motion of masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mmvis.ties import exceeds

__all__ = ['MaskMotion', 'mask_motions']


@dataclass(frozen=True)
class MaskMotion:
    """Place and motion of one mask tube where it enters and leaves a clip.

    Lengths are in cells of the mask map, times in frames of the video.

    Attributes:
        first_frame (int): First frame with foreground.
        last_frame (int): Last frame with foreground.
        first_centre (Tensor): Centre (y, x) on the first of them, shape (2,).
        last_centre (Tensor): Centre (y, x) on the last of them, shape (2,).
        velocity (Tensor): Mean motion between them, cells per frame, shape (2,).
        first_area (float): Foreground on the first of them, cells.
        last_area (float): Foreground on the last of them, cells.
    """

    first_frame: int
    last_frame: int
    first_centre: Tensor
    last_centre: Tensor
    velocity: Tensor
    first_area: float
    last_area: float

    def reaches(self, later: MaskMotion, spread: float) -> float:
        """How well another tube continues this one after a gap.

        The centre is extrapolated with a velocity that decays, so that a long gap
        moves it by no more than this tube moved in as many frames as it was seen.
        The distance left is measured in object sizes.

        Args:
            later (MaskMotion): A tube that begins after this one has ended.
            spread (float): Standard deviation of the distance, object sizes.

        Returns:
            float: 1 for the expected place and the same area, falling to 0.
        """
        gap = later.first_frame - self.last_frame
        seen = self.last_frame - self.first_frame + 1
        expected = self.last_centre + self.velocity * min(gap, seen)
        size = max(self.last_area, later.first_area) ** 0.5
        distance = float((later.first_centre - expected).norm()) / size
        areas = sorted((self.last_area, later.first_area))
        nearness = float(torch.exp(torch.tensor(-0.5 * (distance / spread) ** 2)))
        return nearness * (areas[0] / areas[1]) ** 0.5


def mask_motions(probs: Tensor, frame_inds: Sequence[int]) -> list[MaskMotion | None]:
    """Describe the motion of each mask tube of a clip.

    Args:
        probs (Tensor): Mask probabilities, shape (N, T, h, w); above 0.5 is
            foreground.
        frame_inds (Sequence[int]): The T frames of the clip.

    Returns:
        list[MaskMotion | None]: One for each tube; None where it has no foreground.
    """
    masks = exceeds(probs, 0.5).float()  # (N, T, h, w)
    areas = masks.sum((2, 3))  # (N, T)
    h, w = masks.shape[2:]
    ys = torch.arange(h, device=masks.device, dtype=masks.dtype)
    xs = torch.arange(w, device=masks.device, dtype=masks.dtype)
    y_sums, x_sums = masks.sum(3) @ ys, masks.sum(2) @ xs  # (N, T) each
    areas = areas[..., None]
    centres = torch.stack([y_sums, x_sums], -1) / areas.clamp(min=1)
    moments = torch.cat([areas, centres], -1).cpu()  # (N, T, 3), one transfer
    return [_motion(m[:, 0], m[:, 1:], frame_inds) for m in moments]


def _motion(
    areas: Tensor, centres: Tensor, frame_inds: Sequence[int]
) -> MaskMotion | None:
    visible = areas.nonzero()[:, 0].tolist()
    if not visible:
        return None
    first, last = visible[0], visible[-1]
    duration = max(frame_inds[last] - frame_inds[first], 1)
    return MaskMotion(
        first_frame=frame_inds[first],
        last_frame=frame_inds[last],
        first_centre=centres[first],
        last_centre=centres[last],
        velocity=(centres[last] - centres[first]) / duration,
        first_area=float(areas[first]),
        last_area=float(areas[last]),
    )
