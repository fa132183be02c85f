"""Frames of a video that show an instance."""

__all__ = ['annotated_frames']


def annotated_frames(record: dict) -> list[int]:
    """List the frames of a video in which any instance is seen.

    Args:
        record (dict): The video's record, see
            :class:`~mmvis.datasets.base_clip_dataset.BaseClipDataset`.

    Returns:
        list[int]: Frame ids, ascending.
    """
    masks = [instance['segmentations'] for instance in record['instances']]
    by_frame = zip(*masks, strict=True)
    return [i for i, seen in enumerate(by_frame) if any(m is not None for m in seen)]
