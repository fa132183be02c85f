import pytest
import torch
from mmengine.registry import DefaultScope

from mmvis.apis import init_model
from mmvis.testing import make_tiny_video


@pytest.fixture(scope='session')
def trained(tiny_config, tmp_path_factory):
    """Work directory of a training with a config and a checkpoint that finds tracks."""
    torch.manual_seed(0)
    model = init_model(tiny_config)
    model.head.class_embed.layers[1].bias.data[-1] -= 3
    folder = tmp_path_factory.mktemp('work_dirs') / 'tiny'
    folder.mkdir()
    model.cfg.dump(folder / 'ifc_tiny.py')
    torch.save(dict(state_dict=model.state_dict()), folder / 'iter_7.pth')
    (folder / 'last_checkpoint').write_text(str(folder / 'iter_7.pth'))
    DefaultScope._instance_dict.clear()
    return folder


@pytest.fixture
def video(tmp_path):
    return make_tiny_video(tmp_path / 'dog.mp4', size=(64, 96), num_frames=7)
