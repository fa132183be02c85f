"""Samplers of mmvis."""

from mmvis.datasets.samplers.video_chunk_sampler import VideoChunkSampler

__all__ = ['VideoChunkSampler']
