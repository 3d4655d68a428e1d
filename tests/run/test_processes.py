"""A part of the work in copies of the process: the same results, whatever becomes of the copies."""

import os
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from forked import forked

from interp.run import processes as module
from interp.run.processes import FEWEST, side_by_side

ITEMS = list(range(FEWEST + 1))


OTHER_THREADS, FORK = module._other_threads, module._fork


@pytest.fixture(autouse=True)
def copies(monkeypatch):
    """Two processors, whatever threads other tests have left; gives the numbers of the processes that were made."""
    if sys.platform != "linux":
        pytest.skip("a process is copied on Linux only")
    made = []
    monkeypatch.setattr(module, "processors", lambda: 2)
    monkeypatch.setattr(module, "_other_threads", list)
    monkeypatch.setattr(module, "_fork", lambda *given: made.append(FORK(*given)) or made[-1])
    return made


def have_ended(copies):
    for copy in copies:
        with pytest.raises(ChildProcessError):
            os.waitpid(copy, os.WNOHANG)
    return bool(copies)


def test_every_second_item_is_worked_on_in_a_copy():
    workers = side_by_side(lambda item: (item, os.getpid()), ITEMS)
    assert [item for item, _ in workers] == ITEMS
    assert {worker for _, worker in workers[::2]} == {os.getpid()}
    assert len({worker for _, worker in workers} - {os.getpid()}) == 1


@pytest.mark.parametrize("count", [1, 2, 3, len(ITEMS), 20])
def test_results_come_in_the_order_of_the_items_whatever_the_number_of_processes(count, copies):
    workers = side_by_side(lambda item: (item**2, os.getpid()), ITEMS, count)
    assert [found for found, _ in workers] == [item**2 for item in ITEMS]
    assert len(copies) == count - 1
    assert len({worker for _, worker in workers}) == min(count, len(ITEMS))


@pytest.mark.parametrize("processors", [1, 2])
def test_few_items_and_one_processor_need_no_copy(monkeypatch, processors):
    monkeypatch.setattr(module, "processors", lambda: processors)
    items = ITEMS if processors == 1 else ITEMS[: FEWEST - 1]
    assert set(side_by_side(lambda _: os.getpid(), items)) == {os.getpid()}


def test_no_copy_where_other_threads_run(monkeypatch):
    monkeypatch.setattr(module, "_other_threads", OTHER_THREADS)
    going = threading.Event()
    other = threading.Thread(target=going.wait)
    other.start()
    try:
        assert set(side_by_side(lambda _: os.getpid(), ITEMS)) == {os.getpid()}
    finally:
        going.set()
        other.join()


def _dies(item):
    if os.getpid() != HERE and item == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return item, os.getpid()


def _fails(item):
    if os.getpid() != HERE and item == 3:
        raise ValueError(item)
    return item, os.getpid()


def _never_ends(item):
    if os.getpid() != HERE and item == 3:
        time.sleep(1000)
    return item, os.getpid()


HERE = os.getpid()


@pytest.mark.parametrize("work", [_dies, _fails, _never_ends])
def test_what_a_copy_does_not_give_is_worked_on_here(monkeypatch, work, capfd, copies):
    monkeypatch.setattr(module, "PATIENCE", 0.3)
    found = side_by_side(work, ITEMS)
    assert [item for item, _ in found] == ITEMS
    assert found[1][1] != HERE, "what it gave before is kept"
    assert {worker for _, worker in found[3:]} == {HERE}
    assert capfd.readouterr() == ("", "")
    assert have_ended(copies)


def test_a_copy_is_not_waited_for_longer_than_two_minutes(monkeypatch, copies):
    monkeypatch.setattr(module, "LONGEST", 0.3)
    begun = time.monotonic()
    assert [item for item, _ in side_by_side(_never_ends, ITEMS)] == ITEMS
    assert time.monotonic() - begun < module.PATIENCE / 2
    assert have_ended(copies)


def _multiplied(item):
    return float(torch.ones(400, 400).matmul(torch.ones(400, 400)).sum()), torch.get_num_threads(), os.getpid()


def test_torch_runs_in_a_copy_also_after_it_had_several_threads(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 3.0)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        _multiplied(0)
        torch.ones(2_000_000).exp().sum()
        found = side_by_side(_multiplied, ITEMS)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert {made for made, *_ in found} == {400.0**3}
    assert {threads for _, threads, _ in found} == {1}
    assert len({worker for *_, worker in found[1::2]} - {HERE}) == 1
    assert found[-2][2] != HERE, "the copy gave all that was its"


def _goes_on_for_long(folder, item):
    (folder / str(os.getpid())).touch()
    time.sleep(60)


def _is_alive(number):
    try:
        return (Path("/proc") / str(number) / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _by(seconds, holds):
    last = time.monotonic() + seconds
    while not holds() and time.monotonic() < last:
        time.sleep(0.01)
    return holds()


def test_copies_end_with_a_process_that_is_killed(tmp_path):
    process = forked(side_by_side, partial(_goes_on_for_long, tmp_path), ITEMS)
    assert _by(20, lambda: len(list(tmp_path.iterdir())) == 2)
    process.kill()
    process.join()
    (copy,) = {int(path.name) for path in tmp_path.iterdir()} - {process.pid}
    ended = _by(10, lambda: not _is_alive(copy))
    if not ended:
        os.kill(copy, signal.SIGKILL)
    assert ended


def _interrupted_at_the_fork(folder):
    """Work in copies, with an interrupt of each behind the fork; notes who comes out of it, and with what."""
    fork = os.fork

    def disturbed():
        copy = fork()
        if not copy:
            os.kill(os.getpid(), signal.SIGINT)
        return copy

    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.fork = disturbed
    try:
        (folder / str(os.getpid())).write_text(str(side_by_side(str, ITEMS)))
    except BaseException as error:
        (folder / str(os.getpid())).write_text(type(error).__name__)
    finally:
        os._exit(0)


def test_an_interrupt_at_the_fork_ends_the_copy_and_no_more(tmp_path):
    process = forked(_interrupted_at_the_fork, tmp_path)
    process.join(30)
    time.sleep(0.1)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {str(process.pid): str([*map(str, ITEMS)])}


def test_an_error_is_raised_here_and_the_copy_is_ended(copies):
    def work(item):
        if item == 3:
            raise ValueError("three")
        return item

    with pytest.raises(ValueError, match="three"):
        side_by_side(work, ITEMS)
    with pytest.raises(KeyboardInterrupt):
        side_by_side(_interrupted, ITEMS)
    assert have_ended(copies)


def _interrupted(item):
    if os.getpid() == HERE:
        raise KeyboardInterrupt
    time.sleep(1000)
    return item
