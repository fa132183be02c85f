import random

import numpy as np
import pytest
from mmengine.registry import DefaultScope, init_default_scope


@pytest.fixture
def mmvis_scope():
    """Look components up as a config with default_scope = 'mmvis' does."""
    init_default_scope('mmvis')
    yield
    # MMEngine has no public way back to no scope at all.
    DefaultScope._instance_dict.clear()


@pytest.fixture
def seeded():
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the global state that MMCV draws from
