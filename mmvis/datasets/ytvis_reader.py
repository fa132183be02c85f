"""The json of YouTube-VIS and OVIS: reading and checking it."""

from collections.abc import Iterable
from typing import Any

from mmvis.datasets.json_reader import read_json_object
from mmvis.datasets.segmentation import compact_segmentation
from mmvis.errors import UserValueError

__all__ = [
    'check_bbox',
    'check_categories',
    'check_fields',
    'read_crowd_flag',
    'read_ytvis_json',
]

_PER_FRAME_FIELDS = ('segmentations', 'bboxes', 'areas')
_FIELD_TYPES: dict[str, type] = {
    'annotations': list,
    'categories': list,
    'category_id': int,
    'file_name': str,
    'file_names': list,
    'height': int,
    'id': int,
    'image_id': int,
    'images': list,
    'name': str,
    'segmentations': list,
    'video_id': int,
    'videos': list,
    'width': int,
}


def check_fields(entry: Any, fields: Iterable[str], where: str) -> None:
    """Check that a json entry is an object with the given fields.

    The fields that the formats of YouTube-VIS and COCO know have to be of their
    type.

    Raises:
        ValueError: If it is not, starting with ``where``.
    """
    if not isinstance(entry, dict):
        raise UserValueError(
            f'{where} is a {type(entry).__name__}, expected an object.'
        )
    missing = [field for field in fields if field not in entry]
    if missing:
        raise UserValueError(
            f'{where} lacks the field "{missing[0]}"; it has {sorted(entry)}.'
        )
    for field in fields:
        expected = _FIELD_TYPES.get(field, object)
        if not isinstance(entry[field], expected):
            raise UserValueError(
                f'{where}: the field "{field}" is {entry[field]!r:.40}, expected a '
                f'{expected.__name__}.'
            )


def check_categories(content: dict, path: str) -> None:
    """Check that every category has an id and a name."""
    for index, category in enumerate(content['categories']):
        check_fields(category, ('id', 'name'), f'{path}: categories[{index}]')


class _AnnotationCompactor:
    """Makes annotations small while they are read, one at a time."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self, index: int, annotation: Any) -> dict:
        where = f'{self.path}: annotations[{index}]'
        check_fields(
            annotation, ('id', 'video_id', 'category_id', 'segmentations'), where
        )
        masks = annotation['segmentations']
        compact = []
        for frame_id, mask in enumerate(masks):
            try:
                compact.append(compact_segmentation(mask))
            except ValueError as error:
                raise UserValueError(
                    f'{where}.segmentations[{frame_id}] (annotation id '
                    f'{annotation["id"]}) {error}.'
                ) from error
        return dict(
            id=annotation['id'],
            video_id=annotation['video_id'],
            category_id=annotation['category_id'],
            iscrowd=read_crowd_flag(annotation, where),
            segmentations=compact,
            bboxes=_optional_list(annotation, 'bboxes', where),
            areas=_optional_list(annotation, 'areas', where),
        )


def read_crowd_flag(annotation: dict, where: str) -> int:
    """Read ``iscrowd``, which may be missing.

    Raises:
        ValueError: If it is neither 0 nor 1, starting with ``where``.
    """
    flag = annotation.get('iscrowd')
    if flag not in (None, 0, 1):
        raise UserValueError(f'{where}.iscrowd is {flag!r:.40}, expected 0 or 1.')
    return int(flag or 0)


def check_bbox(bbox: Any, where: str) -> None:
    """Check that a box is null or [x, y, width, height].

    Raises:
        ValueError: If it is not, starting with ``where``.
    """
    is_box = isinstance(bbox, list) and len(bbox) == 4
    if bbox is not None and not (
        is_box and all(isinstance(side, int | float) for side in bbox)
    ):
        raise UserValueError(
            f'{where} is {bbox!r:.40}, expected [x, y, width, height] or null.'
        )


def _optional_list(annotation: dict, field: str, where: str) -> list:
    """Read a per-frame list, all null where the file has none."""
    values = annotation.get(field)
    if values is None:
        return [None] * len(annotation['segmentations'])
    if not isinstance(values, list):
        raise UserValueError(f'{where}.{field} has to be a list, one entry per frame.')
    return values


def _check_videos(content: dict, path: str) -> dict[int, dict]:
    """Check every video and return them by id."""
    if not content['videos']:
        raise UserValueError(f'{path}: "videos" is empty, expected at least one video.')
    videos: dict[int, dict] = {}
    for index, video in enumerate(content['videos']):
        where = f'{path}: videos[{index}]'
        check_fields(video, ('id', 'width', 'height', 'file_names'), where)
        names = video['file_names']
        num_frames = len(names)
        if not names or not all(isinstance(name, str) for name in names):
            raise UserValueError(
                f'{where}.file_names has to name at least one frame (video id '
                f'{video["id"]}), got {names!r:.40}.'
            )
        if video.get('length', num_frames) != num_frames:
            raise UserValueError(
                f'{where}.length is {video["length"]}, but file_names has {num_frames} '
                f'entries (video id {video["id"]}).'
            )
        if video['id'] in videos:
            raise UserValueError(
                f'{where}.id is {video["id"]}, which an earlier one has.'
            )
        videos[video['id']] = video
    return videos


def _check_annotation(annotation: dict, video: dict, where: str) -> None:
    """Check an annotation's per-frame lists against its video."""
    num_frames = len(video['file_names'])
    size = [video['height'], video['width']]
    for field in _PER_FRAME_FIELDS:
        if len(annotation[field]) != num_frames:
            raise UserValueError(
                f'{where}.{field} has {len(annotation[field])} entries, but video '
                f'{video["id"]} has {num_frames} frames. Every frame needs one, null '
                'where the object is not seen.'
            )
    for frame_id, mask in enumerate(annotation['segmentations']):
        check_bbox(annotation['bboxes'][frame_id], f'{where}.bboxes[{frame_id}]')
        if isinstance(mask, dict):
            if mask['size'] != size:
                raise UserValueError(
                    f'{where}.segmentations[{frame_id}].size is {mask["size"]}, but '
                    f'video {video["id"]} has [height, width] = {size}.'
                )
            mask['size'] = size  # one list for all, instead of one for each


def read_ytvis_json(path: str, backend_args: dict | None = None) -> dict:
    """Read the json of YouTube-VIS 2019, 2021, 2022 or OVIS and check it.

    Args:
        path (str): The file as downloaded.
        backend_args (dict | None): Arguments of the file backend.

    Returns:
        dict: With the keys

        - videos (list[dict]): As in the file.
        - categories (list[dict]): As in the file.
        - annotations (list[dict]): ``id``, ``video_id``, ``category_id``,
          ``iscrowd`` and, one entry per frame, ``segmentations`` (compressed, see
          :func:`~mmvis.datasets.segmentation.compact_segmentation`), ``bboxes``
          and ``areas``. Empty where the file has none.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If anything in the file is not as the format says; the message
            names the file, the field and what was expected.
    """
    content = read_json_object(
        path, {'annotations': _AnnotationCompactor(path)}, backend_args
    )
    check_fields(content, ('videos', 'categories'), f'{path}: the json')
    check_categories(content, path)
    videos = _check_videos(content, path)
    if content.get('annotations') is not None:
        check_fields(content, ('annotations',), f'{path}: the json')
    annotations = content.get('annotations') or []
    category_ids = {category['id'] for category in content['categories']}
    seen: set[int] = set()
    for index, annotation in enumerate(annotations):
        where = f'{path}: annotations[{index}]'
        video = videos.get(annotation['video_id'])
        if video is None:
            raise UserValueError(
                f'{where}.video_id is {annotation["video_id"]}, which no entry of '
                '"videos" has.'
            )
        if annotation['category_id'] not in category_ids:
            raise UserValueError(
                f'{where}.category_id is {annotation["category_id"]}, which no entry '
                f'of "categories" has; known ids are {sorted(category_ids)}.'
            )
        if annotation['id'] in seen:
            raise UserValueError(
                f'{where}.id is {annotation["id"]}, which an earlier one has.'
            )
        seen.add(annotation['id'])
        _check_annotation(annotation, video, where)
    return dict(
        videos=content['videos'],
        categories=content['categories'],
        annotations=annotations,
    )
