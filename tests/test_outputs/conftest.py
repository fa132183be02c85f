import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from pycocotools import mask as mask_util

from mmvis.outputs import VideoResult
from mmvis.sources import ArrayFrames

HEIGHT, WIDTH, VIDEO_LEN = 20, 30, 4
CLASSES = ('cat', 'dog', 'bird')
CAT_IDS = (7, 8, 9)


def encode(mask):
    return mask_util.encode(np.asfortranarray(mask, dtype=np.uint8))


def track_of(boxes):
    """Masks as RLE and boxes of a rectangle (x1, y1, x2, y2), None where absent."""
    masks = []
    for box in boxes:
        mask = np.zeros((HEIGHT, WIDTH), bool)
        if box is not None:
            mask[box[1] : box[3], box[0] : box[2]] = True
        masks.append(None if box is None else encode(mask))
    return masks, [box and [float(x) for x in box] for box in boxes]


@pytest.fixture
def record():
    """Three tracks; the first one has rows for two classes.

    Track 4 (dog 0.9) moves right and is gone in frame 2, track 5 (bird 0.6) lies still
    and is half covered by it in frame 0, track 9 (cat 0.05) is only in frame 3.
    """
    moving = track_of([(2, 4, 12, 10), (6, 4, 16, 10), None, (14, 4, 24, 10)])
    still = track_of([(7, 2, 17, 18)] * 4)
    late = track_of([None, None, None, (0, 0, 3, 2)])
    tracks = [moving, moving, still, late]
    return InstanceData(
        labels=torch.tensor([0, 1, 2, 0]),
        scores=torch.tensor([0.2, 0.9, 0.6, 0.05]),
        instances_id=torch.tensor([4, 4, 5, 9]),
        masks=[masks for masks, _ in tracks],
        bboxes=[boxes for _, boxes in tracks],
    )


@pytest.fixture
def images():
    return [np.full((HEIGHT, WIDTH, 3), 40 * t, np.uint8) for t in range(VIDEO_LEN)]


@pytest.fixture
def result(record, images):
    source = ArrayFrames(images, fps=8)
    source.name = 'clip'
    return VideoResult(
        record,
        ori_shape=(HEIGHT, WIDTH),
        times=[0, 0.125, 0.25, 0.375],
        classes=CLASSES,
        cat_ids=CAT_IDS,
        source=source,
    )
