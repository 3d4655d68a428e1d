"""Damaged checkpoints open or are refused in one line; `benchmarks/fuzz.py` tries thousands more of the same."""

import sys

import pytest
import torch
from fuzz import WHAT, mutated, odd_paths, sound
from fuzzing.opening.workers import worker
from fuzzing.seeds.begun import BEGUN, PARTS
from fuzzing.seeds.checkpoints import FORMATS
from fuzzing.seeds.data import DATA, RUNS
from fuzzing.seeds.foreign import FOREIGN
from fuzzing.seeds.pages import BASELINES, PAGES
from fuzzing.seeds.recordings import RECORDINGS

ALL = tuple(name for formats in WHAT.values() for name in formats)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


@pytest.fixture(scope="module")
def opener(tmp_path_factory):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a process that computes in threads cannot be forked
    with worker(tmp_path_factory.mktemp("fuzz"), ALL) as opener:
        yield opener
    torch.set_num_threads(threads)


def failures(rows) -> list:
    return [row for row in rows if row[2].is_failure]


def test_sound_files_open_and_foreign_ones_are_refused(opener):
    wrong = [row for row in sound(opener, ALL) if row[2].kind != ("refused" if row[0] in FOREIGN else "opened")]
    assert wrong == []


def test_paths_that_are_no_files(opener):
    rows = list(odd_paths(opener))
    assert failures(rows) == []
    assert [row for row in rows if row[2].kind == "opened"] == []


def test_mutants(opener):
    """Other ones than the benchmark's first, a few of every format."""
    assert failures(mutated(opener, range(200), 1, tuple(FORMATS))) == []


@pytest.mark.parametrize(
    ("kinds", "count"),
    [(DATA, 64), (RUNS, 10), (RECORDINGS, 28), (BEGUN | PARTS, 16), (PAGES | BASELINES | FOREIGN, 32)],
)
def test_mutants_of_data_runs_and_recordings(opener, kinds, count):
    assert failures(mutated(opener, range(count), 1, tuple(kinds))) == []
