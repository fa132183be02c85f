"""Protocol of YouTube-VIS 2022: short and long videos apart."""

from __future__ import annotations

from pathlib import PurePosixPath

from mmvis.errors import UserValueError

__all__ = ['find_long_videos', 'keep_videos']


def find_long_videos(
    gt: dict, min_long_len: int | None = None, short_gt: dict | None = None
) -> set[int]:
    """Tell the long videos of a ground truth from the short ones.

    The released file does not mark them. The short ones are those of 2021, which are
    identified by the folders of their frames in the json of 2021, or by the number of
    frames.

    Args:
        gt (dict): The checked ground truth.
        min_long_len (int | None): Videos of at least so many frames are long.
        short_gt (dict | None): A json whose videos are the short ones.

    Returns:
        set[int]: Ids of the long videos.

    Raises:
        ValueError: Unless one of the two rules is given, and finds short videos
            as well as long ones.
    """
    if (min_long_len is None) == (short_gt is None):
        raise UserValueError(
            'Short and long videos are separated either by `min_long_len` or by '
            f'`short_gt`; got {"neither" if short_gt is None else "both"}.'
        )
    if short_gt is None:
        is_long = {v['id']: v['length'] >= min_long_len for v in gt['videos']}
    else:
        short = {_folder(video) for video in short_gt['videos']}
        is_long = {video['id']: _folder(video) not in short for video in gt['videos']}
    long_ids = {video_id for video_id, long in is_long.items() if long}
    if not 0 < len(long_ids) < len(is_long):
        raise UserValueError(
            f'{len(long_ids)} of {len(is_long)} videos are long by this rule; the '
            'protocol of 2022 needs short and long ones. Change the length or the '
            'list of short videos, or do without the protocol.'
        )
    return long_ids


def keep_videos(
    gt: dict, results: list[dict], video_ids: set[int]
) -> tuple[dict, list[dict]]:
    """Leave only the given videos in a ground truth and in results for it.

    Args:
        gt (dict): The parsed ground truth.
        results (list[dict]): The parsed results.
        video_ids (set[int]): Ids of the videos to keep.

    Returns:
        tuple[dict, list[dict]]: Both without the other videos, in the same order.
    """
    kept = dict(
        gt,
        videos=[video for video in gt['videos'] if video['id'] in video_ids],
        annotations=[a for a in gt['annotations'] if a['video_id'] in video_ids],
    )
    return kept, [r for r in results if r['video_id'] in video_ids]


def _folder(video: dict) -> str:
    return PurePosixPath(video['file_names'][0]).parent.name
