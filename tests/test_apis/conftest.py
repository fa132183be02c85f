import signal

import pytest


@pytest.fixture
def sigint():
    """Ctrl-C raises KeyboardInterrupt, also where the shell lets it be ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
