import numpy as np
import pycocotools.mask as mask_api
import pytest
import torch
from mmengine.structures import InstanceData

HEIGHT, WIDTH, VIDEO_LEN = 80, 120, 5


def encode(mask):
    return mask_api.encode(np.asfortranarray(mask, dtype=np.uint8))


@pytest.fixture
def frames():
    return [np.full((HEIGHT, WIDTH, 3), 10 * t, np.uint8) for t in range(VIDEO_LEN)]


@pytest.fixture
def tracks():
    """A square that moves right, gone in frame 2; all of the frame, of low score."""
    moving, still = [], []
    for t in range(VIDEO_LEN):
        mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
        mask[50:60, 5 + 20 * t : 25 + 20 * t] = True
        moving.append(None if t == 2 else encode(mask))
        still.append(encode(np.ones_like(mask)))
    return InstanceData(
        labels=torch.tensor([1, 0]),
        scores=torch.tensor([0.8, 0.1]),
        instances_id=torch.tensor([3, 0]),
        masks=[moving, still],
    )
