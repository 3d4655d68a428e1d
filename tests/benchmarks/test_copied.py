"""Why a process of a benchmark ended without a result."""

import os
import signal

import pytest
from copied import Ended, forked

pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of fork, from Python 3.12 on


def killed():
    os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does where memory runs out


def busy():
    while True:
        pass


def test_killed_before_its_time_is_not_said_to_have_taken_long():
    with pytest.raises(Ended, match=r"^killed \(memory\?\)$"):
        forked(killed, seconds=100)


def test_what_takes_long_is_said_to():
    with pytest.raises(Ended, match=r"^longer than 1 s$"):
        forked(busy, seconds=1)


def test_what_takes_long_and_is_killed_for_it_is_said_to():
    """Ignoring the signal of the first limit, it is killed at the second, five seconds later: time, not memory."""
    from copied import _reason

    assert _reason(-signal.SIGKILL, 1, is_late=True) == "longer than 1 s"
    assert _reason(-signal.SIGSEGV, 1, is_late=False) == "ended by signal 11"


def test_results_and_exceptions_come_back():
    assert forked(max, 2, 3, seconds=100) == 3
    with pytest.raises(Ended, match="ValueError: max"):
        forked(max, [], seconds=100)
