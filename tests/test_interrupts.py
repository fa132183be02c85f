import signal
import threading

import pytest

from mmvis.interrupts import hold_interrupts


@pytest.fixture(autouse=True)
def sigint():
    """Ctrl-C raises KeyboardInterrupt, also where the shell lets it be ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_waits_for_the_end():
    done = []

    def work():
        with hold_interrupts():
            signal.raise_signal(signal.SIGINT)
            done.append(1)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_is_not_lost():

    def fail():
        with hold_interrupts():
            signal.raise_signal(signal.SIGINT)
            raise OSError('the disk is full')

    with pytest.raises(OSError, match='full'):
        fail()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_ignored_interrupt_stays_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with hold_interrupts():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_other_threads_do_nothing():
    entered = []

    def run():
        with hold_interrupts():
            entered.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert entered == [signal.default_int_handler]
