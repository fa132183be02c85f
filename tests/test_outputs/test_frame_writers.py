import json
import signal
from contextlib import contextmanager

import pytest

from mmvis.outputs import VideoFacts, write_frames
from mmvis.outputs.frame_writers import WRITERS


@pytest.fixture(autouse=True)
def sigint():
    """Ctrl-C raises KeyboardInterrupt, also where the shell lets it be ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def ctrl_c_in_frame(number):
    """A writer during which Ctrl-C comes."""

    @contextmanager
    def open_writer(path, facts):
        def add(frame):
            if frame.frame_id == number:
                signal.raise_signal(signal.SIGINT)

        yield add

    return open_writer


@contextmanager
def ctrl_c_at_the_end(path, facts):
    yield lambda frame: None
    signal.raise_signal(signal.SIGINT)


def write(result, tmp_path, extra, monkeypatch):
    monkeypatch.setitem(WRITERS, 'extra', extra)
    paths = {'csv': tmp_path / 'a.csv', 'extra': tmp_path, 'jsonl': tmp_path / 'a'}
    facts = VideoFacts('clip', result.classes, result.cat_ids, [])
    with pytest.raises(KeyboardInterrupt):
        for _ in write_frames(result.frames(), paths, facts, 0.0):
            pass
    lines = (tmp_path / 'a').read_text().splitlines()
    rows = (tmp_path / 'a.csv').read_text().splitlines()[1:]
    # Every file has the same frames.
    assert {row.split(',')[0] for row in rows} == {
        str(json.loads(line)['frame']) for line in lines
    }
    return len(lines)


def test_a_frame_is_written_whole_before_an_interrupt(result, tmp_path, monkeypatch):
    assert write(result, tmp_path, ctrl_c_in_frame(1), monkeypatch) == 2


def test_files_are_finished_before_an_interrupt(result, tmp_path, monkeypatch):
    assert write(result, tmp_path, ctrl_c_at_the_end, monkeypatch) == 4
