"""Processes of one job exchange what they made, and hear of each other's end."""

import os
import signal
import time

import pytest
import torch.distributed as dist
from forked import forked
from together import together

from interp.cli.main import main
from interp.errors import UsageError
from interp.ranks import ALONE, current, job
from interp.ranks.group import Group, JobError
from interp.ranks.job import is_job, joined


def test_a_process_alone_has_everything():
    assert [index for index in range(5) if ALONE.has(index)] == list(range(5))
    assert ALONE.joined({1: "b", 0: "a"}) == ["a", "b"]
    assert current() is ALONE
    with job() as ranks:
        assert ranks is ALONE


def test_items_go_round_and_all_get_all(tmp_path):
    def work():
        ranks = current()
        made = {index: index**2 for index in range(7) if ranks.has(index)}
        assert set(made) == set(range(ranks.rank, 7, 3))
        assert ranks.joined(made) == [0, 1, 4, 9, 16, 25, 36]
        assert ranks.from_first(lambda: ranks.rank + 10) == 10
        assert ranks.told(ranks.rank) == [0, 1, 2]
        assert ranks.joined({}) == []

    assert together(3, work, tmp_path) == [(0, "")] * 3


def test_an_error_of_one_is_told_to_all(tmp_path):
    def work():
        ranks = current()
        if ranks.rank == 1:
            raise UsageError("net.pt", found="no such file", expected="a file", do="look")
        ranks.told(None)

    ends = together(3, work, tmp_path)
    assert [code for code, _ in ends] == [2, 2, 2]
    assert ends[1][1] == "UsageError: rank 1: net.pt: found no such file; expected a file; look"
    for rank in (0, 2):
        said = f"JobError: rank {rank}: found rank 1: net.pt: found no such file; expected a file; look; expected all"
        assert ends[rank][1].startswith(said)


@pytest.mark.parametrize("killed", [0, 1])
def test_one_that_is_killed_is_named(tmp_path, killed):
    def work():
        ranks = current()
        ranks.told(None)
        if ranks.rank == killed:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.1)
        ranks.told(None)

    ends = together(3, work, tmp_path)
    assert ends[killed][0] == -signal.SIGKILL
    for rank in {0, 1, 2} - {killed}:
        assert ends[rank][1].startswith(f"JobError: rank {rank}: found rank {killed} is gone (process ")


class Another:
    """A path that reads differently for every process, as on machines or in containers of their own."""

    def read_text(self):
        return f"{os.getpid()}\n"

    readlink = read_text


@pytest.mark.parametrize("differs", ["BOOT", "NUMBERS"])
def test_no_process_is_looked_for_by_its_number_on_another_machine_of_the_same_name(tmp_path, monkeypatch, differs):
    monkeypatch.setattr(f"interp.ranks.group.{differs}", Another())
    monkeypatch.setattr("interp.ranks.group._runs", lambda pid: pid == os.getpid())  # others have no number here

    def work():
        time.sleep(0.1 * current().rank)
        assert current().told(current().rank) == [0, 1]

    assert together(2, work, tmp_path) == [(0, "")] * 2


TOLD = "error: rank {}: found the end of the job from outside; "


def test_one_that_is_told_to_end_says_why(tmp_path, capfd):
    """As torchrun does with all others when one has ended."""

    def work():
        ranks = current()
        ranks.told(None)
        if ranks.rank == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)

    assert together(2, work, tmp_path)[1][0] == 2
    assert capfd.readouterr().err.startswith(TOLD.format(1))


class Ending:
    """Something that is freed just when torchrun ends the process: errors are lost there."""

    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)


def test_one_that_is_told_to_end_does_so_wherever_it_is(tmp_path, capfd):
    def freeing():
        found = Ending()
        del found
        time.sleep(1)

    assert together(1, freeing, tmp_path) == [(2, "")]
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(TOLD.format(0))


def test_one_that_waits_for_others_to_begin_says_why_it_ends(capfd):
    def wait():
        with joined(Group(dist.HashStore(), 0, 2)):
            pass

    waiting = forked(wait)
    time.sleep(0.5)
    waiting.terminate()
    waiting.join(10)
    assert waiting.exitcode == 2
    assert capfd.readouterr().err.startswith(TOLD.format(0))


def test_one_that_never_begins_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr("interp.ranks.group.PATIENCE", 0.06)
    with pytest.raises(JobError, match="rank 0: found nothing of rank 1 for 0 minutes; "):
        Group(dist.HashStore(), 0, 2).begin()


def test_only_the_first_prints(tmp_path):
    def work():
        print(current().rank)
        (tmp_path / f"said.{current().rank}").write_text(str(os.sys.stdout.name))

    together(2, work, tmp_path)
    assert (tmp_path / "said.1").read_text() == os.devnull
    assert (tmp_path / "said.0").read_text() != os.devnull


@pytest.mark.parametrize(("size", "rank", "found"), [("2", "0", True), ("1", "0", False), (None, None, False)])
def test_torchrun_says_so_in_the_environment(monkeypatch, size, rank, found):
    for name, value in {"WORLD_SIZE": size, "RANK": rank, "MASTER_ADDR": "x", "MASTER_PORT": "1"}.items():
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    assert is_job() is found


@pytest.mark.parametrize("name", ["WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_PORT"])
def test_words_in_place_of_numbers_are_said_in_one_line(monkeypatch, capsys, name):
    for known, value in {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "x", "MASTER_PORT": "1", name: "two"}.items():
        monkeypatch.setenv(known, value)
    assert main(["inspect", "net.pt"]) == 2
    do = f"unset {name}, or start the job with torchrun, which sets it"
    assert capsys.readouterr().err == f"error: {name}: found 'two'; expected a whole number; {do}\n"


def test_the_first_end_is_named_though_others_have_ended_of_it_since():
    group = Group(dist.HashStore(), 2, 3)
    group._processes = {0: (["here"], 10), 1: (["here"], 11)}

    def gone():
        group._tell("rank 1 is gone")  # rank 0 said so, and ended, after this one had looked
        return [0, 1]

    group._gone = gone
    assert "found rank 1 is gone; " in str(group.ended())


def test_one_that_is_killed_is_named_though_its_connections_end_before_it_is_gone():
    group, looks = Group(dist.HashStore(), 0, 2), iter([[], [], [1]])
    group._processes = {1: (["here"], 11)}
    group._gone = lambda: next(looks, [1])
    group._meet = lambda: (_ for _ in ()).throw(RuntimeError("Read error: Connection reset by peer"))
    with pytest.raises(JobError, match="found rank 1 is gone"):
        group.told(None)
