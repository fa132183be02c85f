"""The page of `mmvis demo` in a browser."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip('gradio', reason="needs Gradio: pip install 'mmvis[demo]'")
sync_api = pytest.importorskip(
    'playwright.sync_api', reason='needs playwright: requirements/demo.txt'
)
# A test that was started in the background ignores Ctrl-C, and so do its children.
COMMAND = (
    'import signal; signal.signal(signal.SIGINT, signal.default_int_handler); '
    'from mmvis.commands import main; main()'
)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def secret(tmp_path_factory):
    """A file in the folder that the command runs in."""
    path = tmp_path_factory.mktemp('home') / 'secret.txt'
    path.write_text('nobody reads this')
    return path


@pytest.fixture(scope='module')
def address(trained, secret):
    """Address of a page that serves the tiny model."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    words = ['-c', COMMAND, 'demo', str(trained), '--port', str(port)]
    paths = dict(PYTHONPATH=str(ROOT), TMPDIR=str(secret.parent))
    with subprocess.Popen(
        [sys.executable, *words],
        cwd=secret.parent,
        env=os.environ | paths,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        lines = iter(process.stdout)
        yield next(x for x in lines if x.startswith('http')).split()[0].rstrip('/')
        process.send_signal(signal.SIGINT)
    left = [path.name for path in secret.parent.iterdir()]
    assert left == ['secret.txt']  # all that the page wrote is gone


@pytest.fixture
def page(address, chromium):
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=['--no-sandbox']
        )
        page = browser.new_page(viewport=dict(width=1280, height=900))
        page.goto(address)
        yield page
        browser.close()


def test_a_dropped_video_is_searched_and_its_results_downloaded(page, address, video):
    hosts = set()
    page.on('request', lambda request: hosts.add(request.url.partition('/gradio')[0]))
    start = page.get_by_role('button', name='Find objects')
    start.click()
    page.get_by_text('There is no video yet').wait_for()
    page.locator('input[type=file]').first.set_input_files(video)
    page.locator('video').first.wait_for()
    statuses = watch_status(page)
    page.get_by_role('spinbutton').fill('0.1')
    start.click()
    page.wait_for_function('window.statuses.at(-1).startsWith("Done: ")')
    assert any('Frame ' in text for text in statuses()), statuses()

    link = page.locator('a[download="dog.json"]').evaluate('link => link.href')
    tracks = page.request.get(link).json()['tracks']
    shown = sorted((t['score'] for t in tracks if t['score'] >= 0.1), reverse=True)
    assert statuses()[-1] == f'Done: {len(shown)} tracks in 7 frames.'
    for score in shown:
        page.get_by_role('gridcell', name=f'{score:.3f}').first.wait_for()
    assert page.locator('a[download="dog.mp4"]').count() == 1
    played = page.locator('video').last
    played.evaluate('video => video.play()')
    assert played.evaluate('video => video.videoWidth') == 576
    assert all(host.startswith((address, 'blob:', 'data:')) for host in hosts), hosts


def test_on_a_phone_the_page_moves_to_what_happens(page, video):
    page.set_viewport_size(dict(width=390, height=844))
    page.locator('input[type=file]').first.set_input_files(video)
    page.locator('video').first.wait_for()
    page.get_by_role('button', name='Find objects').click()
    page.wait_for_function(
        """() => {
            const status = document.getElementById('status').getBoundingClientRect();
            return status.top >= 0 && status.bottom <= 844;
        }"""
    )
    assert page.evaluate('document.documentElement.scrollWidth') == 390


def test_no_other_files_are_served_and_no_functions(address, secret, video):
    for path in (secret, secret.name, '/etc/passwd', video):
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(f'{address}/gradio_api/file={path}')
        assert error.value.code in (403, 404)
    with urllib.request.urlopen(f'{address}/gradio_api/info') as answer:
        endpoints = json.load(answer)
    assert endpoints == dict(named_endpoints={}, unnamed_endpoints={})
    host, port = address.removeprefix('http://').split(':')
    assert host == '127.0.0.1'
    with socket.socket() as probe:  # the other addresses of this computer are free
        probe.bind(('127.0.0.2', int(port)))


def watch_status(page):
    """Note every text of the field of the progress that is seen; gives those so far."""
    page.evaluate(
        """() => {
            window.statuses = [''];
            setInterval(() => {
                const field = document.querySelector('#status textarea');
                const {x, y, height} = field.getBoundingClientRect();
                // Where its text begins; nothing may cover it.
                const top = document.elementFromPoint(x + 20, y + height / 2);
                if (top === field && field.value !== window.statuses.at(-1))
                    window.statuses.push(field.value);
            }, 5);
        }"""
    )
    return lambda: page.evaluate('window.statuses')
