"""A user's own script under torchrun: it joins the job where it says so, once or several times, and shares the work."""

import os
import signal
import socket
from contextlib import suppress

import pandas as pd
import pytest
import torch
import torch.distributed as dist
from forked import forked
from run.planted import planted_data

import interp
from interp.errors import UsageError
from interp.ranks import current, job
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


def test_results_are_replaced_by_the_first_and_others_wait(tmp_path, data):
    def work(rank):
        with job():
            for seed in (0, 1):
                torch.manual_seed(seed)
                net = torch.nn.Linear(4, 3)
                found = interp.analyse(net, data, stages=["fit"], out=tmp_path / "run", overwrite=True)
                assert found.run.read("fit").keys() == found.found["fit"].keys()

    assert as_torchrun(work) == [0, 0]


def test_signals_are_as_they_were_but_after_an_error_the_process_ends_by_itself():
    """Torchrun ends all when one has failed, which would come before the line that says why."""

    def work(rank):
        with job():
            pass
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        with suppress(UsageError), job():
            raise UsageError("here", found="a", expected="b", do="c")
        os.kill(os.getpid(), signal.SIGTERM)

    assert as_torchrun(work) == [0, 0]


def test_a_job_needs_a_folder_that_all_see(data):
    def work(rank):
        with job(), pytest.raises(UsageError, match="give out=, a folder that all processes see"):
            interp.analyse(network(), data, stages=["record"])

    assert as_torchrun(work) == [0, 0]


def test_comparing_is_not_divided(data):
    def work(rank):
        with job():
            assert len(interp.compare(network(), torch.nn.Linear(4, 3), data=data, brief=True, quick=True).pairs)

    assert as_torchrun(work) == [0, 0]


@pytest.mark.parametrize("is_script", [True, False])
def test_processes_that_have_not_joined_are_told_how_in_a_folder_that_is_held(tmp_path, data, monkeypatch, is_script):
    began, end = os.pipe(), os.pipe()

    def hold():
        with locked(tmp_path / "run"):
            (tmp_path / "run" / "something").touch()
            os.write(began[1], b"x")
            os.read(end[0], 1)

    holder = forked(hold)
    os.read(began[0], 1)
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "x", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value) if is_script else monkeypatch.delenv(name, raising=False)
    said = "with interp.ranks.job" if is_script else "wait for it"
    with pytest.raises(UsageError, match=said):
        interp.analyse(network(), data, stages=["record"], out=tmp_path / "run")
    os.write(end[1], b"x")
    holder.join()
