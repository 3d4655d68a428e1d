"""A few kills, as `benchmarks/kills.py` makes a hundred."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from killing.commands import run_command
from killing.files import broken, differences, lost
from killing.trials import trial, uninterrupted
from kills import command

pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of fork, from Python 3.12 on


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def recording(work):
    """Give the words of a command that records, and how long it takes."""
    words = command("recording", work, samples=(1500, 1200))
    return words, uninterrupted(words, work / "recording").seconds


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_recording_comes_to_the_bytes_of_one_never_killed(work, recording, seed):
    words, seconds = recording
    found = trial(words, work / "recording", seconds, np.random.default_rng(seed))
    assert found.failures == ()


def test_a_kill_behind_a_whole_split_changes_no_byte(work, recording):
    """Labels were written anew then, and lay elsewhere in the file."""
    words, out = recording[0], work / "recording"
    shutil.rmtree(out, ignore_errors=True)
    ended = run_command(words, work / "log", stop_at=1500 + 800)
    assert (ended.code, ended.written) == (-9, (1500, 800))
    assert [*broken(out), *lost(out, ended.written)] == []
    assert run_command(words, work / "log").code == 0
    assert list(differences(out, out.with_name("recording-whole"))) == []


def test_what_is_damaged_or_missing_is_seen(work, recording, tmp_path):
    whole = work / "recording-whole"
    out = Path(shutil.copytree(whole, tmp_path / "out"))
    assert list(differences(out, whole)) == []
    content = (whole / "activations.h5").read_bytes()
    middle = len(content) // 2
    (out / "activations.h5").write_bytes(content[:middle] + b"\xff\x00" + content[middle + 2 :])
    (out / ".report.html.00000000.partial").touch()
    assert [said.partition(":")[0] for said in broken(out)] == ["activations.h5"]
    assert [said.partition(":")[0] for said in differences(out, whole)] == [
        ".report.html.00000000.partial",
        "activations.h5",
    ]
