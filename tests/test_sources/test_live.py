import http.server
import threading

import pytest

from mmvis.sources import VideoURL, open_sources
from mmvis.testing import make_tiny_video


class Handler(http.server.BaseHTTPRequestHandler):
    """Sends a file as a stream; says that it is longer where the path asks for it."""

    protocol_version = 'HTTP/1.0'

    def do_GET(self):
        if not self.path.startswith(('/a.ts', '/short.ts', '/text.mp4')):
            self.send_error(404)
            return
        content = self.server.content
        if self.path.startswith('/text'):
            content = b'<html>please log in</html>'
        self.send_response(200)
        length = len(content) * (2 if self.path.startswith('/short') else 1)
        self.send_header('Content-Length', str(length))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


@pytest.fixture
def address(tmp_path):
    path = make_tiny_video(tmp_path / 'a.ts', 20, fps=10)
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler) as server:
        server.content = path.read_bytes()
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()


def test_frames_arrive_over_http(address, capsys):
    source = open_sources(f'{address}/a.ts?token=secret')
    frames = list(source)
    assert source.name == 'a'
    assert source.fps == pytest.approx(10)
    assert [round(frame.time, 3) for frame in frames] == [t / 10 for t in range(20)]
    assert frames[3].load()[-4:].mean() == pytest.approx(90, abs=6)
    assert capsys.readouterr().err == ''
    times = [frame.time for frame in open_sources(f'{address}/a.ts', fps=5)]
    assert times == [t / 5 for t in range(20)]


def test_lost_connection_keeps_earlier_frames(address, capsys):
    assert len(list(VideoURL(f'{address}/short.ts'))) == 20
    assert (
        'short.ts: the connection was lost after 20 frames' in capsys.readouterr().err
    )


@pytest.mark.parametrize('path', ['/no.ts', '/text.mp4'])
def test_addresses_without_a_video(address, path):
    with_password = address.replace('//', '//me:secret@') + path + '?token=secret'
    with pytest.raises(ValueError, match='cannot be read as a video') as error:
        list(VideoURL(with_password))
    assert path in str(error.value)
    assert 'secret' not in str(error.value)


def test_host_that_does_not_answer():
    with pytest.raises(ValueError, match='cannot be read as a video'):
        list(VideoURL('http://127.0.0.1:9/a.mp4'))
