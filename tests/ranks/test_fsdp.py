"""Modules whose weights `fully_shard` divided over the processes of a job give what the plain module gives."""

import os
import socket

import h5py
import numpy as np
import pytest
import torch
import torch.distributed as dist
from forked import forked
from run.planted import planted_data

import interp
from interp.api import gathering
from interp.errors import InterpError
from interp.ranks import job

fsdp = pytest.importorskip("torch.distributed.fsdp")
pytestmark = [
    pytest.mark.usefixtures("few_draws"),
    pytest.mark.skipif(not hasattr(fsdp, "fully_shard"), reason="this torch has no fully_shard"),
]

PATIENCE = 120


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def sharded():
    """Give the network with its first layer, and the rest of it, divided over two processes."""
    module = network()
    mesh = dist.init_device_mesh("cpu", (2,))
    fsdp.fully_shard(module[0], mesh=mesh)
    return fsdp.fully_shard(module, mesh=mesh)


def as_script(work):
    """Run a function in two processes of a job with a group of its own; give their exit codes, -9 where one waits."""
    port = free_port()

    def one(rank):
        numbers = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_PORT": port}
        os.environ |= {name: str(number) for name, number in numbers.items()}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo"}
        dist.init_process_group("gloo")
        work(rank)
        dist.barrier()
        dist.destroy_process_group()

    made = [forked(one, rank) for rank in range(2)]
    for process in made:
        process.join(PATIENCE)
        process.kill()
        process.join()
    return [process.exitcode for process in made]


def values(path):
    """Give every number and text of a file's results."""
    with h5py.File(path) as file:
        found, keep = {}, h5py.Dataset
        file.visititems(lambda name, at: found.update({name: at[()]} if isinstance(at, keep) else {}))
        return {name: value for name, value in found.items() if "provenance" not in name}


def test_all_stages_find_what_they_find_of_the_plain_module_and_each_process_has_the_result(tmp_path, monkeypatch):
    planted_data(tmp_path / "data.npz")
    asked = {"data": str(tmp_path / "data.npz"), "quick": True, "read_copies": 3}
    one = interp.analyse(network(), out=tmp_path / "plain", **asked)
    whole, sizes = gathering._whole, []
    monkeypatch.setattr(gathering, "_whole", lambda part: sizes.append(part.to_local().numel()) or whole(part))

    def work(rank):
        module = sharded()
        before = module(torch.ones(2, 4))  # leaves the last part's weights whole, as a script may
        with job() as ranks:
            found = interp.analyse(module, out=tmp_path / "sharded", **asked)
            if ranks.is_first:
                found.save(tmp_path / "page")
        assert sizes
        assert max(sizes) <= 12  # half of the largest parameter
        assert found.nodes.shape == one.nodes.shape
        assert torch.equal(module(torch.ones(2, 4)), before)

    assert as_script(work) == [0, 0]
    assert list((tmp_path / "page").glob("*.html"))
    names = sorted(path.name for path in (tmp_path / "plain").glob("*.h5"))
    assert {"activations.h5", "effects.h5", "reading.h5"} <= {*names}
    for name in names:
        plain, found = values(tmp_path / "plain" / name), values(tmp_path / "sharded" / name)
        assert plain.keys() == found.keys()
        for key, expected in plain.items():
            if np.asarray(expected).dtype.kind == "f":
                np.testing.assert_allclose(found[key], expected, rtol=1e-5, atol=1e-6, err_msg=f"{name}: {key}")
            else:
                np.testing.assert_equal(found[key], expected, err_msg=f"{name}: {key}")


def test_an_error_of_the_process_that_works_ends_the_others(tmp_path):
    def work(rank):
        said = "zzz" if rank == 0 else "rank 0: .*zzz"
        with job(), pytest.raises(InterpError, match=said):
            interp.analyse(sharded(), str(tmp_path / "zzz.npz"), stages=["record"], out=tmp_path / "run")

    assert as_script(work) == [0, 0]


def test_outside_of_a_job_it_is_refused(tmp_path):
    def work(rank):
        with pytest.raises(InterpError, match=r"inside `with interp.ranks.job\(\):`"):
            interp.analyse(sharded(), str(tmp_path / "data.npz"), stages=["record"], out=tmp_path / str(rank))

    planted_data(tmp_path / "data.npz")
    assert as_script(work) == [0, 0]


class Functional(torch.nn.Module):
    """A network with a weight of its own."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(3, 4))

    def forward(self, x):
        return torch.nn.functional.linear(x, self.weight)


@pytest.mark.parametrize(
    "make", [Functional, lambda: torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.BatchNorm1d(6))]
)
def test_weights_whose_calls_would_not_be_seen_are_refused(tmp_path, make):
    def work(rank):
        module = fsdp.fully_shard(make(), mesh=dist.init_device_mesh("cpu", (2,)))
        with job(), pytest.raises(InterpError, match="no Linear or convolution reads"):
            interp.analyse(module, str(tmp_path / "data.npz"), stages=["record"], out=tmp_path / "run")

    assert as_script(work) == [0, 0]
