import json
from types import SimpleNamespace

import pytest
from mmengine.config import Config
from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmengine.evaluator import Evaluator
from mmengine.runner import EpochBasedTrainLoop as MMEngineEpochLoop
from mmengine.runner.base_loop import BaseLoop
from torch import nn
from torch.utils.data import BatchSampler, DataLoader

from mmvis.datasets import YouTubeVISDataset
from mmvis.engine.hooks import DataCheckHook
from mmvis.engine.loops import EpochBasedTrainLoop
from mmvis.errors import UserValueError
from mmvis.evaluation import VISMetric
from mmvis.testing import make_tiny_vis

CLASSES = ('ant', 'bee', 'cow')


class Videos(list):
    """A data set of five samples."""

    def __init__(self, classes):
        super().__init__(range(5))
        self.metainfo = {} if classes is None else dict(classes=classes)


class Loop(BaseLoop):
    evaluator = SimpleNamespace(process=lambda data_samples: None)

    def run(self):
        raise NotImplementedError


class Head(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.num_classes = num_classes


def make_model(backbone=7, head=3, auxiliary_head=3):
    names = dict(backbone=backbone, head=head, auxiliary_head=auxiliary_head)
    return nn.ModuleDict({name: Head(num) for name, num in names.items()})


def make_runner(model=None, resume=False, **classes):
    """Runner whose loops of the given phases are built."""
    loops = dict(_train_loop=None, _val_loop=None, _test_loop=dict(type='TestLoop'))
    for phase, names in classes.items():
        loader = DataLoader(Videos(names), batch_size=2)
        loops[f'_{phase}_loop'] = Loop(None, loader)
    runner = SimpleNamespace(
        model=model or make_model(),
        cfg=Config(dict()),
        _resume=resume,
        _load_from='a.pth',
        **loops,
    )
    for phase in ('train', 'val', 'test'):
        setattr(runner, f'{phase}_loop', loops[f'_{phase}_loop'])
    return runner


def stored(classes):
    return dict(meta=dict(dataset_meta=dict(classes=classes)))


def test_what_agrees_passes():
    DataCheckHook().before_run(make_runner(train=CLASSES, val=CLASSES))
    DataCheckHook().before_run(make_runner(train=None))
    DataCheckHook().before_run(make_runner(test=CLASSES))


@pytest.mark.parametrize('num_classes', [1, 2, 4])
@pytest.mark.parametrize('part', ['head', 'auxiliary_head'])
@pytest.mark.parametrize('phase', ['train', 'test'])
def test_every_head_has_the_classes_of_the_data(part, num_classes, phase):
    runner = make_runner(make_model(**{part: num_classes}), **{phase: CLASSES})
    with pytest.raises(
        UserValueError,
        match=rf'^model\.{part}\.num_classes is {num_classes}, but '
        rf"`{phase}_dataloader` has 3 classes: 'ant', 'bee', 'cow'",
    ):
        DataCheckHook().before_run(runner)


def test_inner_heads_and_wrapped_models_are_checked():
    model = make_model()
    model.head.box = Head(4)
    wrapper = nn.DataParallel(model)
    with pytest.raises(UserValueError, match=r'model\.head\.box\.num_classes is 4'):
        DataCheckHook().before_run(make_runner(wrapper, train=CLASSES))


def test_classes_of_training_and_validation_agree():
    runner = make_runner(train=CLASSES, val=('ant', 'cow', 'bee'))
    with pytest.raises(
        UserValueError,
        match='`val_dataloader` are not those of `train_dataloader`: their order is '
        "'ant', 'bee', 'cow' and 'ant', 'cow', 'bee'",
    ):
        DataCheckHook().before_run(runner)
    DataCheckHook(compare_names=False).before_run(runner)


def test_classes_of_the_test_set_agree(tmp_path, mmvis_scope):
    make_tiny_vis(
        tmp_path, num_videos=1, num_instances=1, classes=('ant', 'dog', 'cow')
    )
    dataset = dict(
        type='YouTubeVISDataset',
        data_root=str(tmp_path),
        ann_file='train.json',
        test_mode=True,
        pipeline=[],
    )
    runner = make_runner(train=CLASSES)
    runner.cfg.test_dataloader = dict(dataset=dataset)
    with pytest.raises(
        UserValueError,
        match="3 and 3 classes, 'bee' only in the former, 'dog' only in the latter",
    ):
        DataCheckHook().before_run(runner)
    runner.cfg.test_dataloader.dataset.ann_file = 'not_downloaded.json'
    DataCheckHook().before_run(runner)


def test_ground_truth_is_read_before_the_first_iteration():
    runner = make_runner(train=CLASSES, val=CLASSES)

    def process(data_samples):
        assert data_samples == []
        raise UserValueError('valid.json is damaged')

    runner.val_loop.evaluator = SimpleNamespace(process=process)
    with pytest.raises(UserValueError, match=r'valid\.json is damaged'):
        DataCheckHook().before_run(runner)


@pytest.fixture
def make_validation(tmp_path, mmvis_scope):
    """A runner that trains and validates on three videos, with changed arguments."""

    def make(ann_file=None, **metric):
        make_tiny_vis(tmp_path, num_videos=3, num_instances=1, classes=CLASSES)
        dataset = YouTubeVISDataset(
            data_root=str(tmp_path), ann_file='train.json', test_mode=True, pipeline=[]
        )
        metric = VISMetric(ann_file=ann_file and str(tmp_path / ann_file), **metric)
        metric.dataset_meta = dataset.metainfo
        runner = make_runner(train=CLASSES, val=CLASSES)
        runner.val_loop.dataloader = DataLoader(dataset)
        runner.val_loop.evaluator = Evaluator(metric)
        return runner

    return make


@pytest.fixture
def write_json(tmp_path, make_validation):
    def write(change):
        make_validation()
        content = json.loads((tmp_path / 'train.json').read_text())
        change(content)
        (tmp_path / 'other.json').write_text(json.dumps(content))

    return write


def test_validation_of_a_training_has_annotations(make_validation, write_json):
    DataCheckHook().before_run(make_validation())
    write_json(lambda content: content.update(annotations=[]))
    with pytest.raises(UserValueError, match=r'`val_evaluator` has no annotations to'):
        DataCheckHook().before_run(make_validation('other.json'))
    # Results for a server are wanted, as in a test.
    DataCheckHook().before_run(make_validation('other.json', format_only=True))
    runner = make_validation('other.json')
    runner.test_loop = runner._test_loop = runner.val_loop
    runner._train_loop = runner._val_loop = None
    DataCheckHook().before_run(runner)


@pytest.mark.parametrize(
    'change',
    [
        lambda content: content['videos'].pop(1),
        lambda content: content['videos'][1].update(
            file_names=[f'x{name}' for name in content['videos'][1]['file_names']]
        ),
    ],
)
def test_ground_truth_is_that_of_the_videos(make_validation, write_json, change):
    """With the file of another split, AP would be that of mere chance."""

    def change_videos(content):
        change(content)
        ids = [video['id'] for video in content['videos']]
        content['annotations'] = [
            item for item in content['annotations'] if item['video_id'] in ids
        ]

    write_json(lambda content: None)
    DataCheckHook().before_run(make_validation('other.json'))
    write_json(change_videos)
    with pytest.raises(UserValueError, match=r'other\.json: "videos" has no id 2 with'):
        DataCheckHook().before_run(make_validation('other.json'))


def test_training_has_a_loss():
    model = make_model()
    model.head.criterion = None
    with pytest.raises(UserValueError, match=r'`model\.head\.criterion` is None'):
        DataCheckHook().before_run(make_runner(model, train=CLASSES))
    DataCheckHook().before_run(make_runner(model, test=CLASSES))


@pytest.mark.parametrize(
    ('loop', 'sampler', 'fails'),
    [
        (MMEngineEpochLoop, InfiniteSampler, True),
        (MMEngineEpochLoop, DefaultSampler, False),
        (EpochBasedTrainLoop, InfiniteSampler, False),
    ],
)
def test_epochs_without_end_are_refused(loop, sampler, fails):
    runner = make_runner(train=CLASSES)
    dataset = Videos(CLASSES)
    runner.train_loop.__class__ = loop
    loader = DataLoader(dataset, batch_size=2, sampler=sampler(dataset, seed=0))
    runner.train_loop.dataloader = loader
    if not fails:
        DataCheckHook().before_run(runner)
        return
    with pytest.raises(UserValueError, match=r'`train_cfg` .*sampler` has no end'):
        DataCheckHook().before_run(runner)


def test_training_without_a_batch_is_refused():
    runner = make_runner(train=CLASSES)
    runner.train_loop.dataloader = DataLoader(
        Videos(CLASSES), batch_sampler=BatchSampler(range(5), 6, drop_last=True)
    )
    with pytest.raises(UserValueError, match=r'no batch: its data set has 5 samples'):
        DataCheckHook().before_run(runner)


@pytest.mark.parametrize(
    'runner',
    [make_runner(test=CLASSES), make_runner(train=CLASSES, val=CLASSES, resume=True)],
)
def test_checkpoint_of_other_classes_is_refused(runner):
    hook = DataCheckHook()
    for agreeing in (stored(list(CLASSES)), stored(None), dict(meta=None), {}):
        hook.after_load_checkpoint(runner, agreeing)
    other = stored(('ant', 'bee', 'dog'))
    with pytest.raises(UserValueError, match=r"a\.pth is for other classes .*'dog'"):
        hook.after_load_checkpoint(runner, other)
    DataCheckHook(compare_names=False).after_load_checkpoint(runner, other)


def test_training_may_start_from_other_classes():
    runner = make_runner(train=CLASSES, val=CLASSES)
    DataCheckHook().after_load_checkpoint(runner, stored(('ant', 'bee', 'dog')))
