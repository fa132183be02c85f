"""Mapping from COCO's classes to those of the video benchmarks."""

__all__ = ['COCO_CLASS_MAPS']

# Benchmark's class <- COCO's, where both mean the same. Left out on purpose:
# COCO's "mouse" is a computer's, YouTube-VIS' an animal; COCO's "bird" may be any
# of 2019's duck, eagle, owl and parrot.
_SHARED = {
    'airplane': 'airplane',
    'bear': 'bear',
    'boat': 'boat',
    'cat': 'cat',
    'cow': 'cow',
    'dog': 'dog',
    'elephant': 'elephant',
    'giraffe': 'giraffe',
    'horse': 'horse',
    'person': 'person',
    'zebra': 'zebra',
}
_YOUTUBE_VIS = {
    **_SHARED,
    'motorcycle': 'motorbike',
    'skateboard': 'skateboard',
    'snowboard': 'snowboard',
    'surfboard': 'surfboard',
    'tennis racket': 'tennis_racket',
    'train': 'train',
    'truck': 'truck',
}
_YOUTUBE_VIS_2019 = {**_YOUTUBE_VIS, 'car': 'sedan'}
_YOUTUBE_VIS_2021 = {
    **_YOUTUBE_VIS,
    'bird': 'bird',
    'car': 'car',
    'frisbee': 'flying_disc',
}
_OVIS = {
    **{coco: name.capitalize() for coco, name in _SHARED.items()},
    'bicycle': 'Bicycle',
    'bird': 'Bird',
    'motorcycle': 'Motorcycle',
    'sheep': 'Sheep',
    # One class for what has an engine and four wheels or more.
    'bus': 'Vehical',
    'car': 'Vehical',
    'truck': 'Vehical',
}

COCO_CLASS_MAPS: dict[str, dict[str, str]] = {
    '2019': _YOUTUBE_VIS_2019,
    '2021': _YOUTUBE_VIS_2021,
    '2022': _YOUTUBE_VIS_2021,
    'ovis': _OVIS,
}
