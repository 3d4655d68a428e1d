"""Signs of life: how processes of several machines hear that one is silent, though no connection has ended.

Where a machine loses power or a cable is pulled, nobody is told: whoever waits for it would wait for ever. So a thread
of each process writes a number that grows into the store that all reach, over a connection of its own; the first
process reads all of them, and the others read the first's: the store may live on without it. Who is silent for too
long, or gets no answer from the store, ends the job.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

BEAT = 15.0
"""Seconds between two signs of life."""

SILENCE = 240.0
"""Seconds after which one without any is taken for lost: a store of torchrun gives up an answer after 300."""

LEFT = b"left"
"""Last sign of a process that has come to its end: it is silent from then on."""

LEAVING = 5.0
"""Longest time in seconds that a process waits at its end until it has said so."""

LOST = "lost"
"""Key of what the first process said of one that is lost."""


class Pulse:
    """Signs of life of a process, and those of the others.

    Parameters
    ----------
    store
        Store of keys and values that all processes reach.
    rank
        Number of this process.
    size
        Number of processes.
    tell
        Function that tells the others, called with the rank that is silent, or None where the store is.
    end
        Function that ends this process, called likewise.
    """

    def __init__(
        self,
        store: Any,
        rank: int,
        size: int,
        tell: Callable[[int | None], None],
        end: Callable[[int | None], None],
    ) -> None:
        self._store, self._rank, self._size, self._tell, self._end = store, rank, size, tell, end
        self._beats, self._known, self._heard = 0, [b""] * size, [time.monotonic()] * size
        self._answered, self._stopped = time.monotonic(), threading.Event()

        self._giving: threading.Thread | None = None

    def begin(self) -> None:
        """Give the first sign."""
        self._store.set(_key(self._rank), "0")

    def watch(self) -> None:
        """Give further signs in the background, and watch those of the others, all of which have begun.

        Nothing is done with a store of the user's own that has no second connection, or gives one value at a time.
        """
        if not hasattr(self._store, "clone") or not self._store.has_extended_api():
            return
        self._answered = time.monotonic()
        self._heard = [self._answered] * self._size
        self._giving, looking = (
            threading.Thread(target=work, name="interp-pulse", daemon=True) for work in (self._give, self._look)
        )
        self._giving.start()
        looking.start()

    def stop(self) -> None:
        """Say that this process has come to its end, and end nothing any more."""
        self._stopped.set()
        if self._giving is not None:
            self._giving.join(LEAVING)

    def _give(self) -> None:
        """Give signs and hear of others until this process stops, over a new connection where one broke."""
        store = None
        while not self._stopped.wait(BEAT):
            try:
                store = store or self._store.clone()  # a wait of another thread must not hold this one up
                self._exchange(store)
            except RuntimeError:  # this connection has ended, or the store: `_look` counts from the last answer
                store = None
        with suppress(RuntimeError):
            (store or self._store.clone()).set(_key(self._rank), LEFT.decode())

    def _exchange(self, store: Any) -> None:
        """Give one sign, and hear of others."""
        self._beats += 1
        store.set(_key(self._rank), str(self._beats))
        if self._rank == 0:
            self._hear(store.multi_get([_key(rank) for rank in range(self._size)]))
        else:
            self._told(store)
        self._answered = time.monotonic()

    def _hear(self, beats: list[bytes]) -> None:
        """Note the signs of the first processes, and when each was new."""
        now = time.monotonic()
        for rank, beat in enumerate(beats):
            if beat != self._known[rank] or beat == LEFT:
                self._known[rank], self._heard[rank] = beat, now

    def _told(self, store: Any) -> None:
        """Hear the first process, and what it says of others; where it has come to its end, so may the store."""
        if store.check([LOST]):
            self._ended(int(store.get(LOST)))
        self._hear([store.get(_key(0))])
        if self._known[0] == LEFT:
            self._stopped.set()

    def _look(self) -> None:
        """End this process where another is silent, or the store is."""
        watched = range(1, self._size) if self._rank == 0 else (0,)
        while not self._stopped.wait(min(BEAT, SILENCE / 4)):
            answered = self._answered  # nobody is silent for as long as the store is
            silent = [rank for rank in watched if answered - self._heard[rank] > SILENCE]
            if time.monotonic() - answered > SILENCE:
                self._ended(None)
            elif silent:
                if self._rank == 0:
                    with suppress(RuntimeError):
                        self._store.clone().set(LOST, str(silent[0]))
                self._ended(silent[0])

    def _ended(self, rank: int | None) -> None:
        if self._stopped.is_set():
            return
        self._tell(rank)
        if self._rank == 0 and rank is not None:
            time.sleep(1.5 * BEAT)  # the store may end with this process: the others are to hear it
        if not self._stopped.is_set():  # else the process has heard of it by itself, and says so
            self._stopped.set()
            self._end(rank)


def _key(rank: int) -> str:
    return f"beat/{rank}"
