import random

import numpy as np
import pytest


@pytest.fixture
def seeded():
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the global state that MMCV draws from
