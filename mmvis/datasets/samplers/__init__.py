"""Samplers of mmvis."""

from mmvis.datasets.samplers.seeded_aspect_ratio_batch_sampler import (
    SeededAspectRatioBatchSampler,
)
from mmvis.datasets.samplers.seeded_infinite_sampler import SeededInfiniteSampler
from mmvis.datasets.samplers.video_chunk_sampler import VideoChunkSampler

__all__ = [
    'SeededAspectRatioBatchSampler',
    'SeededInfiniteSampler',
    'VideoChunkSampler',
]
