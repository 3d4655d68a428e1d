"""A few kills, as `benchmarks/kills.py` makes a hundred."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from killing.commands import run_command
from killing.files import broken, differences, lost
from killing.jobs import JobEnded
from killing.trials import job_trial, job_uninterrupted, trial, uninterrupted, unsaid
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


def test_a_job_whose_rank_is_killed_comes_to_the_bytes_of_one_never_killed(work):
    words, out = command("ranks", work, samples=(600, 300)), work / "ranks"
    seconds = job_uninterrupted(words, 2, out)
    found = job_trial(words, 2, out, seconds, np.random.default_rng(2))
    assert found.kills
    assert found.failures == ()


def test_a_job_is_sometimes_killed_again_before_it_may_end(monkeypatch, tmp_path):
    kills, draws = [], iter([0.0, 1.0])

    class Moments:
        integers, uniform, random = (lambda self, size: 1), (lambda self, low, high: 0.5), lambda self: next(draws)

    def job_of(words, size, folder, victim=None, kill_after=0.0):
        kills.append(victim)
        return JobEnded(True, victim is not None, ("error: rank 0: found rank 1 is gone", ""), {0: 1.0, 1: 1.0})

    monkeypatch.setattr("killing.trials.run_job", job_of)
    assert job_trial([], 2, tmp_path / "run", {0: 1.0, 1: 1.0}, Moments()).kills == (0.5, 0.5)
    assert kills == [1, 1, None]


def test_ranks_that_say_nothing_or_too_much_are_seen():
    line = "error: rank 0: found rank 1 is gone (process 7), as when it is killed"
    named = JobEnded(is_over=True, is_killed=True, told=(line, ""), seconds={})
    assert list(unsaid(named, 1)) == []
    assert list(unsaid(replace(named, told=("", ""), seconds={0: 1.0}), 1)) == [], "it had come to its end"
    for told in ("", f"{line}\n{line}", line.replace("rank 1", "rank 2")):
        (said,) = unsaid(replace(named, told=(told, "")), 1)
        assert said.startswith("rank 0 did not name rank 1 in one line")
    noise = "[rank0]:[W1122 17:00:00.000 ProcessGroupGloo.cpp:1] connection closed by peer"
    assert len(list(unsaid(replace(named, told=(f"{noise}\n{line}", "")), 1))) == 1
    assert list(unsaid(replace(named, told=(f"train: 300 samples\n{line}", "")), 1)) == [], "the first prints results"
    other = line.replace("rank 0", "rank 2")
    assert len(list(unsaid(replace(named, told=(line, "", f"a word\n{other}")), 1))) == 1
    assert list(unsaid(replace(named, is_over=False), 1)) == ["the job did not end"]


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
