"""A user's own script under torchrun: it joins the job where it says so, once or several times, and shares the work."""

import os
import signal
import socket
import time
from contextlib import contextmanager, suppress

import pandas as pd
import pytest
import torch
import torch.distributed as dist
from forked import forked
from run.planted import planted_data

import interp
from interp.cli.main import main
from interp.errors import UsageError
from interp.ranks import apart, current, job
from interp.ranks.group import JobError
from interp.run import locked


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def as_torchrun(work, size=2):
    """Run a function in processes with the environment that torchrun gives them; give their exit codes."""
    port = free_port()

    def one(rank):
        numbers = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "MASTER_PORT": port}
        os.environ |= {name: str(number) for name, number in numbers.items()}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo"}
        work(rank)

    made = [forked(one, rank) for rank in range(size)]
    for process in made:
        process.join(60)
        process.kill()
        process.join()
    return [process.exitcode for process in made]


@pytest.fixture
def data(tmp_path):
    planted_data(tmp_path / "data.npz")
    return str(tmp_path / "data.npz")


@pytest.mark.parametrize("has_group", [False, True])
def test_the_processes_of_a_script_share_the_work_and_each_has_the_result(tmp_path, data, has_group):
    one = interp.analyse(network(), data, stages=["boundaries"], quick=True).nodes

    def work(rank):
        if has_group:  # as a script that has just trained the network has
            dist.init_process_group("gloo")
        for name in ("first", "second"):
            with job() as ranks:
                assert (ranks.rank, ranks.size) == (rank, 2)
                with job() as inner:
                    assert inner is ranks
                found = interp.analyse(network(), data, stages=["boundaries"], quick=True, out=tmp_path / name)
                pd.testing.assert_frame_equal(found.nodes, one)
            assert current().size == 1
            assert found.recording("test").predictions.size
        assert dist.is_initialized() is has_group
        if has_group:
            dist.barrier()
            dist.destroy_process_group()

    assert as_torchrun(work) == [0, 0]
    for name in ("first", "second"):
        files = {path.name for path in (tmp_path / name).glob("*.h5")}
        assert {"activations.1-of-2.h5", "boundaries.h5"} <= files


def test_a_script_prints_in_all_processes_and_interp_in_the_first(tmp_path, data, capfd):
    def work(rank):
        with job():
            print(f"{rank} before\n", end="", flush=True)
            interp.analyse(network(), data, stages=["record"], out=tmp_path / "run", progress=True)
            print(f"{rank} after\n", end="", flush=True)

    assert as_torchrun(work) == [0, 0]
    said = capfd.readouterr()
    assert sorted(said.out.splitlines()) == ["0 after", "0 before", "1 after", "1 before"]
    assert said.err.count("record: ") == 1


def test_results_are_replaced_by_the_first_and_others_wait(tmp_path, data):
    def work(rank):
        with job():
            for seed in (0, 1):
                torch.manual_seed(seed)
                net = torch.nn.Linear(4, 3)
                found = interp.analyse(net, data, stages=["fit"], out=tmp_path / "run", overwrite=True)
                assert found.run.read("fit").keys() == found.found["fit"].keys()

    assert as_torchrun(work) == [0, 0]


def test_one_job_may_follow_the_other_at_once():
    """No process may wait at the meeting place of a job that has ended, in an error too."""

    def work(rank):
        for number in range(20):
            with suppress(UsageError, JobError), job():
                time.sleep(0.02 * ((number + rank) % 2))
                raise UsageError("here", found="a", expected="b", do="c")
            with job() as ranks:
                assert ranks.told((number, rank)) == [(number, 0), (number, 1)]

    assert as_torchrun(work) == [0, 0]


@pytest.mark.parametrize("before", [signal.SIG_DFL, signal.SIG_IGN, lambda number, frame: None])
def test_a_signal_does_what_it_did_before_whether_or_not_the_block_failed(before):
    """A script that catches the error and goes on must still end when torchrun, Slurm or Docker say so."""

    def work(rank):
        signal.signal(signal.SIGTERM, before)
        with job():
            pass
        assert signal.getsignal(signal.SIGTERM) is before
        with suppress(UsageError, JobError), job():
            raise UsageError("here", found="a", expected="b", do="c")
        assert signal.getsignal(signal.SIGTERM) is before

    assert as_torchrun(work) == [0, 0]


def test_a_command_that_failed_is_not_ended_before_it_has_said_why(tmp_path):
    """Torchrun ends all when one has failed, which would come before the line that says why."""

    def work(rank):
        assert main(["inspect", str(tmp_path / "net.pt")]) == 2
        os.kill(os.getpid(), signal.SIGTERM)

    assert as_torchrun(work) == [0, 0]


def test_a_job_needs_a_folder_that_all_see(data):
    def work(rank):
        with job(), pytest.raises(UsageError, match="give out=, a folder that all processes see"):
            interp.analyse(network(), data, stages=["record"])

    assert as_torchrun(work) == [0, 0]


@pytest.mark.parametrize("folder", [None, "compared"])
def test_comparing_is_not_divided_and_the_first_alone_writes(tmp_path, data, folder):
    out = None if folder is None else tmp_path / folder
    settings = {"brief": True, "quick": True}
    one = interp.compare(network(), torch.nn.Linear(4, 3), data=data, **settings).pairs

    def work(rank):
        with job() as ranks:
            found = interp.compare(network(), torch.nn.Linear(4, 3), data=data, out=out, **settings)
            pd.testing.assert_frame_equal(found.pairs, one)
            if ranks.is_first:
                assert out is None or {"compare.html", "compare.json"} <= {path.name for path in out.iterdir()}

    assert as_torchrun(work) == [0, 0]


@contextmanager
def held(folder):
    """Let another process write into a folder meanwhile."""
    began, end = os.pipe(), os.pipe()

    def hold():
        with locked(folder):
            (folder / "something").touch()
            os.write(began[1], b"x")
            os.read(end[0], 1)

    holder = forked(hold)
    os.read(began[0], 1)
    yield
    os.write(end[1], b"x")
    holder.join()


@pytest.mark.parametrize("is_script", [True, False])
def test_processes_that_have_not_joined_are_told_how_in_a_folder_that_is_held(tmp_path, data, monkeypatch, is_script):
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "x", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value) if is_script else monkeypatch.delenv(name, raising=False)
    said = "with interp.ranks.job" if is_script else "wait for it"
    with held(tmp_path / "run"), pytest.raises(UsageError, match=said):
        interp.analyse(network(), data, stages=["record"], out=tmp_path / "run")


def test_processes_that_have_joined_are_not_told_to_join_where_they_work_apart(tmp_path):
    def work(rank):
        with job(), apart(), pytest.raises(UsageError, match="wait for it"), locked(tmp_path / "run"):
            pass

    with held(tmp_path / "run"):
        assert as_torchrun(work) == [0, 0]
