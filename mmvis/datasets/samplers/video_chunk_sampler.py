"""Sampler of chunks of consecutive frames, for streaming inference."""

import heapq
from collections.abc import Iterable, Iterator

from mmengine.dist import get_dist_info
from torch.utils.data import Sampler

from mmvis.datasets.base_clip_dataset import BaseClipDataset
from mmvis.errors import UserValueError
from mmvis.inference.test_cfg import seen_frames
from mmvis.registry import DATA_SAMPLERS

__all__ = ['VideoChunkSampler']


@DATA_SAMPLERS.register_module()
class VideoChunkSampler(Sampler):
    """Yield the frames of every video in order, a few at a time.

    An index is ``(video_idx, frame_inds)``, which the datasets of mmvis take. A
    video stays on one rank; ranks get about equally many frames. With
    ``batch_size=1`` loader workers decode the chunks ahead while the model works
    on earlier ones.

    Args:
        dataset (BaseClipDataset): The videos.
        chunk_len (int): Largest number of frames per index. Defaults to 8.
        frame_stride (int): Only frames 0, s, 2s, ... and the last one are loaded. The
            tools set it to ``model.test_cfg.frame_stride``, where it is stated;
            with 1 the model leaves the others aside itself. Defaults to 1.
        seed (int | None): Unused, the order is fixed; MMEngine's runner passes it.

    Raises:
        ValueError: If ``chunk_len`` or ``frame_stride`` is not positive.
    """

    def __init__(
        self,
        dataset: BaseClipDataset,
        chunk_len: int = 8,
        frame_stride: int = 1,
        seed: int | None = None,
    ) -> None:
        if chunk_len < 1 or frame_stride < 1:
            raise UserValueError(
                '`chunk_len` and `frame_stride` must be at least 1, got '
                f'{chunk_len} and {frame_stride}.'
            )
        self.dataset = dataset
        self.chunk_len = chunk_len
        self.frame_stride = frame_stride
        self.seed = seed
        self.video_lens: dict[int, int] = {}
        self.share(range(len(dataset)))

    def share(self, video_inds: Iterable[int]) -> None:
        """Share videos out among the ranks, which get about equally many frames.

        Args:
            video_inds (Iterable[int]): The videos, the same on every rank.
        """
        rank, world_size = get_dist_info()
        inds = sorted(video_inds)
        video_lens = [self.dataset.get_data_info(i)['video_len'] for i in inds]
        own = _balance(video_lens, world_size)[rank]
        self.video_lens = {inds[place]: video_lens[place] for place in own}

    def __iter__(self) -> Iterator[tuple[int, list[int]]]:
        for video_idx, video_len in self.video_lens.items():
            frame_inds = seen_frames(video_len, self.frame_stride)
            for start in range(0, len(frame_inds), self.chunk_len):
                yield video_idx, frame_inds[start : start + self.chunk_len]

    @property
    def num_frames(self) -> int:
        """Number of frames that this rank loads."""
        return sum(
            len(seen_frames(video_len, self.frame_stride))
            for video_len in self.video_lens.values()
        )

    def __len__(self) -> int:
        """Count the chunks of this rank."""
        return sum(
            -(-len(seen_frames(video_len, self.frame_stride)) // self.chunk_len)
            for video_len in self.video_lens.values()
        )


def _balance(video_lens: list[int], num_parts: int) -> list[list[int]]:
    """Share videos out so that parts have about equally many frames.

    Longest first, each to the part with the fewest frames so far.

    Example:
        >>> _balance([3, 9, 4, 2], num_parts=2)
        [[1], [0, 2, 3]]
    """
    loads = [(0, part) for part in range(num_parts)]
    parts: list[list[int]] = [[] for _ in range(num_parts)]
    for i in sorted(range(len(video_lens)), key=lambda i: -video_lens[i]):
        load, part = heapq.heappop(loads)
        parts[part].append(i)
        heapq.heappush(loads, (load + video_lens[i], part))
    return [sorted(part) for part in parts]
