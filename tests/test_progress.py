import io
import re
import sys

import pytest

from mmvis.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ('total', 'counts'),
    [
        (3, [1, 2, 3]),
        (10, list(range(1, 11))),
        (23, [3, 6, 9, 12, 15, 18, 21, 23]),
        (1000, list(range(100, 1001, 100))),
    ],
)
def test_a_pipe_gets_at_most_ten_lines_on_stderr(capsys, total, counts):
    with Progress('shapes', total, 'video') as progress:
        for _ in range(total):
            progress.advance()
    out, err = capsys.readouterr()
    assert out == ''
    assert '\r' not in err
    shown = re.findall(r'shapes (\d+)/(\d+) videos, .* s/video, ETA 0:\d\d:\d\d\n', err)
    assert shown == [(str(count), str(total)) for count in counts]


def test_what_was_done_before_counts():
    lines = []
    progress = Progress('train', 9, 'step', done=4, interval=5, write=lines.append)
    progress.advance(1, dict(loss='2.5'))
    progress.advance(4)
    assert [line.split(', ')[:2] for line in lines] == [
        ['train 5/9 steps', 'loss 2.5'],
        ['train 9/9 steps', lines[1].split(', ')[1]],
    ]


def test_a_terminal_gets_a_bar(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, 'stderr', terminal)
    with Progress('shapes', 20, 'video') as progress:
        for _ in range(20):
            progress.advance()
    assert '\r' in terminal.getvalue()
    assert 'shapes: 100%' in terminal.getvalue()
    assert 'ETA' not in terminal.getvalue()
