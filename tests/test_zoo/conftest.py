import http.server
import threading
import time

import pytest


class FaultyServer(http.server.ThreadingHTTPServer):
    """Serves ``files`` (path -> bytes) on loopback, with faults by path.

    ``faults`` holds 'cut' (the connection ends in the middle, once), 'no range' (asking
    for a part gives all), 'page', 'redirect to page', or 'slow'. ``requests`` lists the
    path and the Range header of each request.
    """

    def __init__(self):
        super().__init__(('127.0.0.1', 0), _Handler)
        self.files, self.faults, self.requests = {}, {}, []

    @property
    def url(self):
        return f'http://127.0.0.1:{self.server_port}'


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        fault = self.server.faults.get(self.path)
        asked = self.headers.get('Range')
        self.server.requests.append((self.path, asked))
        if fault == 'redirect to page':
            self.send_response(302)
            self.send_header('Location', '/consent')
            self.send_header('Content-Length', '0')
            self.end_headers()
            return
        if fault == 'page' or self.path == '/consent':
            self._send(200, b'<!DOCTYPE html><p>Do you agree?</p>')
            return
        content = self.server.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        if asked and fault != 'no range':
            start = int(asked.removeprefix('bytes=').removesuffix('-'))
            if start >= len(content):
                self.send_error(416)
                return
            self._send(206, content[start:])
            return
        if fault == 'cut':
            self.server.faults.pop(self.path)
            self._send(200, content, num_sent=len(content) // 3)
            self.close_connection = True
            return
        if fault == 'slow':
            time.sleep(0.3)
        self._send(200, content)

    def _send(self, status, content, num_sent=None):
        self.send_response(status)
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        self.wfile.write(content[:num_sent])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    """A running :class:`FaultyServer`."""
    server = FaultyServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
