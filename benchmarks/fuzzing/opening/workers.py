"""Processes that open many files each, and are killed when one takes too long."""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path

from fuzzing.mutations.payloads import MARKER, SIDE_EFFECT
from fuzzing.opening.opening import OPENERS, Outcome, open_file
from fuzzing.opening.watch import Watch, limit_memory
from fuzzing.seeds.checkpoints import kind_of, make_seed, width_of, write
from interp.errors import InterpError

MOST_PROCESSOR = 30.0  # seconds after which a process is killed; files that end before that are judged by their own
MOST_CLOCK = 900.0  # seconds by the clock, which on a busy machine are few of the processor
LOOKS = 0.5  # seconds between two looks at the processor's time
ADDRESS_SPACE = 4_000_000_000  # bytes a worker may ask for beyond what it has at its start
CONTEXT = multiprocessing.get_context("fork")

SIDE_EFFECTS = f"""
import os
def run(*arguments):
    os.path.exists({MARKER!r}) or os.mkdir({MARKER!r})
    return run
run()
class State:
    def __setstate__(self, state):
        run()
class Run(State):
    __new__ = run
Sub = State
"""


class Worker:
    """A process that waits for paths; a new one is forked when it had to be killed.

    Parameters
    ----------
    folder
        Folder to work in; its subfolder ``user`` stands for the user's current folder.
    """

    def __init__(self, folder: Path) -> None:
        self.scratch = folder / "user"
        self.scratch.mkdir(exist_ok=True)
        (self.scratch / f"{SIDE_EFFECT}.py").write_text(SIDE_EFFECTS)
        self._start()

    def _start(self) -> None:
        gc.collect()  # what is garbage here would be thrown away by the process too, with its temporary folders
        self._ours, theirs = CONTEXT.Pipe()
        self._process = CONTEXT.Process(target=_serve, args=(theirs, self.scratch), daemon=True)
        self._process.start()
        theirs.close()

    def open(self, path: Path, number: int, kind: str = "checkpoint") -> Outcome:
        """Open a file, and kill the process if it takes too long."""
        self._ours.send((kind, path, number))
        begin, used = time.monotonic(), _processor_time(self._process.pid)
        while not self._ours.poll(LOOKS):
            seconds, clock = _processor_time(self._process.pid) - used, time.monotonic() - begin
            if seconds > MOST_PROCESSOR or clock > MOST_CLOCK:
                self.stop()
                self._start()
                return Outcome("hang", f"over {seconds:.0f} seconds of the processor, {clock:.0f} by the clock")
        try:
            return self._ours.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode
            self._start()
            return Outcome("crash", f"exit code {code}")

    def stop(self) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.join()
        self._ours.close()


def _processor_time(process: int | None) -> float:
    """Give the seconds of the processor that a process has taken, its system calls included; 0 where it has ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def worker(folder: Path, formats: Iterable[str]) -> Iterator[Worker]:
    """Give a worker for as long as it is needed; what reading these formats imports is imported before."""
    for format in dict.fromkeys((*formats, "zoo")):  # odd paths are opened as checkpoints
        path = write(make_seed(format), folder / format)
        number = 0 if format == "zoo" else width_of(format)
        with warnings.catch_warnings(), suppress(InterpError):
            warnings.simplefilter("ignore")
            OPENERS[kind_of(format)](path, number)
    made = Worker(folder)
    try:
        yield made
    finally:
        made.stop()


def _serve(connection: Connection, scratch: Path) -> None:
    os.chdir(scratch)
    watch = Watch()
    limit_memory(ADDRESS_SPACE)
    while True:
        kind, path, number = connection.recv()
        connection.send(open_file(kind, path, number, watch, scratch))
