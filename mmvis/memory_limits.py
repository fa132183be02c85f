"""Memory limits of the parts.

A part that would need too much memory for all of its work at once processes at most
this many items at a time. Results do not depend on the limits. They are read when a
part runs, so that a machine with less memory may lower them in a module that
``custom_imports`` names::

    from mmvis import memory_limits

    memory_limits.INSTANCE_MAPS_AT_ONCE = 8
"""

from __future__ import annotations

from torch import Tensor

__all__ = ['frames_at_once']

#: Attention weights without a memory-efficient kernel: 64 MB in float32. Blocks of that
#: size the C library returns to the system at once; smaller ones it keeps, and in the
#: end as much memory is taken as if all were held.
ATTENTION_WEIGHTS_AT_ONCE = 16_000_000

#: Numbers that a deformable convolution unfolds its input to, if it does: 2 MB in
#: float32, which stays in the cache of one core.
UNFOLDED_NUMBERS_AT_ONCE = 500_000

#: Numbers that a deformable convolution projects its input to: 16 MB in float32, which
#: stays in the cache of a CPU.
PROJECTED_NUMBERS_AT_ONCE = 4_000_000

#: Sampling points of RoIAlign, of four table rows each: about 150 MB of indices.
SAMPLING_POINTS_AT_ONCE = 1_000_000

#: Frames that pass through a per-frame part at once on a GPU where no gradients are
#: asked for.
FRAMES_AT_ONCE = 8

#: Pixels of the frames that pass through a per-frame part at once on a CPU where no
#: gradients are asked for: one frame of 384x640, whose largest maps the C library keeps
#: and uses again. Larger ones it returns to the system, which has to clear them again
#: for every layer; that took a quarter of the time.
PIXELS_AT_ONCE = 250_000

#: Dynamic kernels of TeViT's box head where no gradients are asked for: 128 KB each at
#: the paper's sizes, together what the cache of a CPU holds.
DYNAMIC_KERNELS_AT_ONCE = 100

#: Masks within boxes that TeViT's mask head predicts.
ROI_MASKS_AT_ONCE = 400

#: Masks within boxes that are pasted into the grid of a clip.
PASTED_MASKS_AT_ONCE = 50

#: Instances times frames for which VisTR's mask branch holds intermediate results.
INSTANCE_MAPS_AT_ONCE = 32

#: Masks that VisTR's losses compare at the size of the input; their intermediate
#: results are computed again in the backward pass.
COMPARED_MASKS_AT_ONCE = 32

#: Masks of tracks that get no result row as it looks now, at the model's resolution;
#: what exceeds this goes to a temporary file.
SPOOLED_BYTES = 128_000_000


def frames_at_once(frames: Tensor, num_pixels: int) -> int:
    """Compute how many frames pass through a part at once, without gradients.

    Args:
        frames (Tensor): What passes through it, frame by frame.
        num_pixels (int): Input pixels of a frame.

    Returns:
        int: At least 1.
    """
    if frames.device.type != 'cpu':
        return FRAMES_AT_ONCE
    return max(1, PIXELS_AT_ONCE // num_pixels)
