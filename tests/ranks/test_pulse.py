"""A process that is silent ends the job, though no connection has ended; one that works on, or has left, does not."""

import os
import threading
import time

import pytest
import torch.distributed as dist
from together import together

from interp.ranks import current, pulse
from interp.ranks.pulse import Pulse


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(pulse, "BEAT", 0.05)
    monkeypatch.setattr(pulse, "SILENCE", 2.0)
    monkeypatch.setattr("interp.ranks.group.SILENCE", 2.0)
    monkeypatch.setattr(pulse, "LEAVING", 0.5)


@pytest.mark.parametrize("lost", [0, 1])
def test_one_that_is_silent_ends_the_job(lost, tmp_path, capfd):
    """Also where it is the first, by whom the others hear of each other: the store is not its own."""

    def work():
        ranks = current()
        ranks.told(None)
        if ranks.rank == lost:  # as on a machine whose cable was pulled: it works on, and nothing of it arrives
            ranks._pulse._stopped.set()
            ranks._pulse._giving.join()
            ranks._store.set(f"beat/{lost}", "0")
            time.sleep(5)
            os._exit(0)
        if ranks.rank == 2:  # as inside an exchange that no error ends
            time.sleep(20)
        ranks.told(None)

    ends = together(3, work, tmp_path)
    assert [code for code, _ in ends] == [0 if rank == lost else 2 for rank in range(3)]
    lines = [*capfd.readouterr().err.splitlines(), *(said for _, said in ends if said)]
    assert len(lines) == 2
    silent = f"found no sign of rank {lost} on {os.uname().nodename} for 2 s, as when a machine or the network is down"
    for rank in {0, 1, 2} - {lost}:  # one may hear of it where it waits, and the last cannot
        assert (
            sum(f"rank {rank}: {silent}; expected all ranks to come to the end; see to" in line for line in lines) == 1
        )


def test_one_that_works_long_or_has_left_is_not_silent(tmp_path):
    def work():
        ranks = current()
        if ranks.rank == 1:
            ranks.leave()
        time.sleep(5)  # without a word to the others

    assert together(2, work, tmp_path) == [(0, "")] * 2


class Silent:
    """A store that does not answer any more."""

    def __init__(self):
        self.given, self.has_ended = [], threading.Event()

    def has_extended_api(self):
        return True

    def clone(self):
        return self

    def set(self, key, value):
        if self.given:
            self.has_ended.wait(60)
            raise RuntimeError("closed")
        self.given.append((key, value))


@pytest.mark.parametrize("rank", [0, 1])
def test_one_whose_store_does_not_answer_ends(rank):
    ended, store = [], Silent()
    found = Pulse(store, rank, 2, lambda rank: None, ended.append)
    found.begin()
    found.watch()
    end = time.monotonic() + 10
    while not ended and time.monotonic() < end:
        time.sleep(0.01)
    assert ended == [None]
    store.has_ended.set()
    found.stop()


class Breaking:
    """A store whose first connection breaks."""

    def __init__(self):
        self.held, self.connections = {}, 0

    def has_extended_api(self):
        return True

    def clone(self):
        self.connections += 1
        return Connection(self.held, 3 if self.connections == 1 else None)

    def set(self, key, value):
        self.held[key] = value.encode()


class Connection:
    """A connection that breaks when `most` values were set over it, where that is said."""

    def __init__(self, held, most):
        self.held, self.left = held, most

    def set(self, key, value):
        if self.left == 0:
            raise RuntimeError("Connection reset by peer")
        self.left = self.left and self.left - 1
        self.held[key] = value.encode()

    def multi_get(self, keys):
        return [self.held[key] for key in keys]

    def check(self, keys):
        return all(key in self.held for key in keys)

    def get(self, key):
        return self.held[key]


def test_a_connection_that_breaks_is_made_anew():
    store, ended = Breaking(), []
    pulses = [Pulse(store, rank, 2, ended.append, ended.append) for rank in (0, 1)]
    for one in pulses:
        one.begin()
    for one in pulses:
        one.watch()
    time.sleep(3)
    assert all(int(store.held[f"beat/{rank}"]) > 3 for rank in (0, 1))
    for one in pulses:
        one.stop()
    assert ended == []
    assert store.held == {"beat/0": b"left", "beat/1": b"left"}
    assert store.connections == 3  # one of both, and one in place of the first


def test_of_a_store_that_cannot_be_asked_beside_others_nothing_is_asked():
    class Plain:
        def __init__(self):
            self.given = []

        def set(self, key, value):
            self.given.append(key)

    store = Plain()
    found = Pulse(store, 0, 2, pytest.fail, pytest.fail)
    found.begin()
    found.watch()
    time.sleep(0.2)
    found.stop()
    assert store.given == ["beat/0"]


def test_a_silent_rank_is_told_from_one_that_left():
    store, ended = dist.HashStore(), []
    pulses = [Pulse(store, rank, 2, ended.append, ended.append) for rank in (0, 1)]
    for one in pulses:
        one.begin()
    for one in pulses:
        one.watch()
    pulses[1].stop()
    time.sleep(3)
    assert store.get("beat/1") == b"left"
    assert ended == []
    pulses[0].stop()
