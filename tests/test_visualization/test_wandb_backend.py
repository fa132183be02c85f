import json
import struct

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from mmvis.errors import UserValueError
from mmvis.visualization import WandbBackend

wandb = pytest.importorskip('wandb', reason='needs wandb: pip install wandb')


@pytest.fixture
def offline(monkeypatch, tmp_path):
    monkeypatch.setenv('WANDB_MODE', 'offline')
    monkeypatch.setenv('WANDB_SILENT', 'true')
    (tmp_path / 'mine.py').write_text('password = 1')
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures('offline')
def test_a_run_is_written_by_iterations_and_without_code(tmp_path):
    picture = np.zeros((4, 6, 3), dtype=np.uint8)
    picture[..., 0] = 200  # red
    backend = WandbBackend(str(tmp_path / 'out'), dict(project='mmvis', name='mine'))
    backend.add_config(Config(dict(lr=0.5)))
    backend.add_scalars(dict(loss=3.0, lr=0.1), step=50)
    backend.add_scalar('loss', 2.0, step=100)
    backend.add_image('video', picture, step=100)
    backend.add_scalars({'youtube_vis/AP': 0.25}, step=100)
    backend.close()
    wandb.teardown()  # waits for the process that writes
    (run,) = (tmp_path / 'out/wandb').glob('offline-run-*')
    (written,) = run.glob('*.wandb')
    records = read_records(written.read_bytes())
    rows = [
        {'/'.join(item.nested_key) or item.key: json.loads(item.value_json)
         for item in record.history.item}
        for record in records
        if record.WhichOneof('record_type') == 'history'
    ]  # fmt: skip
    numbers = [
        {name: row[name] for name in row.keys() & {'loss', 'lr', 'youtube_vis/AP'}}
        for row in rows
    ]
    assert [row['_step'] for row in rows] == [50, 100]
    assert numbers == [
        {'loss': 3.0, 'lr': 0.1},
        {'loss': 2.0, 'youtube_vis/AP': 0.25},
    ]
    (image,) = run.glob('files/media/images/*.png')
    assert (cv2.imread(str(image))[..., ::-1] == picture).all()
    (start,) = (r.run for r in records if r.WhichOneof('record_type') == 'run')
    assert (start.project, start.display_name) == ('mmvis', 'mine')
    assert not [r for r in records if r.WhichOneof('record_type') == 'artifact']
    assert not list(run.rglob('mine.py'))


def test_a_missing_login_is_one_message(monkeypatch, tmp_path):
    for name in ('WANDB_MODE', 'WANDB_API_KEY'):
        monkeypatch.delenv(name, raising=False)
    wandb.teardown()  # it keeps the settings of the process
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setenv('NETRC', str(tmp_path / 'none'))
    backend = WandbBackend(str(tmp_path))
    with pytest.raises(UserValueError, match='set WANDB_MODE=offline'):
        backend.add_scalar('loss', 1.0)


def read_records(content):
    """Records of a run's file: those of LevelDB's log format, in blocks of 32 kB."""
    from wandb.proto.wandb_internal_pb2 import Record

    records, parts, place = [], b'', 7  # after the name and version of the format
    while place + 7 <= len(content):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        size, kind = struct.unpack_from('<HB', content, place + 4)
        parts += content[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (1, 4):  # whole, or the last of its parts
            records.append(Record.FromString(parts))
            parts = b''
    return records
