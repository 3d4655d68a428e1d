"""Modules whose weights `fully_shard` divided over the processes of a job give what the plain module gives."""

import os
import socket

import h5py
import numpy as np
import pytest
import torch
import torch.distributed as dist
from divided_networks import Encoder, Language, Own, Recurrent, TiedInPlace, TiedWithoutBias, made
from forked import forked
from run.planted import planted_data
from torch import nn

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


class Measured(nn.Linear):
    """A linear map that counts, while it runs, the values that the whole network holds."""

    network, seen = None, []

    def forward(self, x):
        if self.network is not None:
            self.seen.append(sum(one.numel() for one in self.network.parameters() if not one.is_meta))
        return super().forward(x)


def network():
    torch.manual_seed(0)
    return nn.Sequential(Measured(4, 6), nn.ReLU(), Measured(6, 7), nn.ReLU(), Measured(7, 3))


MOST = (7 * 3 + 3) + (6 * 7 + 7)
"""Number of values of the outer unit of `sharded` and of the largest inside of it; all together are 30 more."""


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def sharded():
    """Give the network with its first two layers, each by itself, and the rest of it divided over two processes."""
    module = network()
    mesh = dist.init_device_mesh("cpu", (2,))
    fsdp.fully_shard(module[0], mesh=mesh)
    fsdp.fully_shard(module[2], mesh=mesh)
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
    plain = gathering.gathering

    def watched(*given):
        Measured.network = plain(*given)
        return Measured.network

    monkeypatch.setattr(gathering, "gathering", watched)

    def work(rank):
        module = sharded()
        before = module(torch.ones(2, 4))  # leaves the last part's weights whole, as a script may
        with job() as ranks:
            found = interp.analyse(module, out=tmp_path / "sharded", **asked)
            if ranks.is_first:
                found.save(tmp_path / "page")
        Measured.network = None
        assert max(Measured.seen) == MOST  # as in a pass of FSDP: never more units than lie inside each other
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


def normed():
    """Give a network of pictures of 2 x 6 with norms of which none leaves its inputs as they are."""
    made = nn.Sequential(
        nn.Unflatten(1, (1, 2, 6)),
        *(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()),
        *(
            nn.Linear(48, 6),
            nn.BatchNorm1d(6),
            nn.ReLU(),
            nn.LayerNorm(6),
            nn.Linear(6, 5),
            nn.GELU(),
            nn.Linear(5, 3),
        ),
    )
    for part in made:
        for tensor in (*part.parameters(), *part.buffers()):
            if "Norm" in type(part).__name__ and tensor.is_floating_point():
                tensor.data.uniform_(0.5, 2)
    return made


def divided(module, units):
    """Divide a network over two processes, some parts each by itself and the rest of it."""
    mesh = dist.init_device_mesh("cpu", (2,))
    for name in units:
        fsdp.fully_shard(module.get_submodule(name), mesh=mesh)
    return fsdp.fully_shard(module, mesh=mesh)


def test_layers_and_recording_are_the_plain_module_s_with_norms_among_them(tmp_path):
    data = np.random.default_rng(0).normal(size=(40, 12)).astype(np.float32), np.arange(40) % 3
    asked = {"stages": ["record"], "quick": True}
    interp.analyse(made(normed), data, out=tmp_path / "plain", **asked)

    def work(rank):
        with job():
            parts = [name for name, part in normed().named_children() if any(True for _ in part.parameters())]
            for apart in (False, True):
                interp.analyse(divided(made(normed), parts if apart else ()), data, out=tmp_path / str(apart), **asked)

    assert as_script(work) == [0, 0]
    expected = values(tmp_path / "plain" / "activations.h5")
    for apart in (False, True):
        found = values(tmp_path / str(apart) / "activations.h5")
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            np.testing.assert_array_equal(found[key], value, err_msg=key)


@pytest.mark.parametrize("kind", [Own, Encoder, Language, Recurrent], ids=lambda kind: kind.__name__)
def test_whatever_reads_the_weights_recordings_and_all_stages_are_the_plain_module_s(kind, tmp_path):
    data = np.random.default_rng(0).normal(size=(36, 12)).astype(np.float32), np.arange(36) % 3
    stages = {"only": kind.only, "quick": True, "read_copies": 2, "levels": 2, "swept_layers": 1, "nodes_per_layer": 2}
    stages |= {"single_nodes": 1, "inputs": 12}

    def both(module, out):
        interp.analyse(module, data, out=tmp_path / out / "all", stages=["record"], quick=True)
        interp.analyse(module, data, out=tmp_path / out / "some", **stages)

    both(made(kind), "plain")

    def work(rank):
        with job():
            both(divided(made(kind), kind.units), "divided")

    assert as_script(work) == [0, 0]
    files = [path.relative_to(tmp_path / "plain") for path in (tmp_path / "plain").glob("*/*.h5")]
    assert len(files) == 10
    for file in files:
        plain, found = values(tmp_path / "plain" / file), values(tmp_path / "divided" / file)
        assert plain.keys() == found.keys()
        for key, expected in plain.items():
            if file.name != "activations.h5" and np.asarray(expected).dtype.kind == "f":
                np.testing.assert_allclose(found[key], expected, rtol=1e-5, atol=1e-6, err_msg=f"{file}: {key}")
            else:
                np.testing.assert_array_equal(found[key], expected, err_msg=f"{file}: {key}")


@pytest.mark.parametrize("kind", [TiedWithoutBias, TiedInPlace])
def test_a_weight_that_is_read_outside_of_the_unit_that_holds_it_is_refused(kind, tmp_path):
    """torch gives such a function a result, of whatever lies in memory."""
    data = np.random.default_rng(0).normal(size=(12, 12)).astype(np.float32), np.arange(12) % 3

    def work(rank):
        said = "reads shared.weight, which is kept elsewhere" if rank == 0 else "rank 0: .*reads shared.weight"
        with job():
            interp.analyse(divided(made(kind), ()), data, stages=["record"], out=tmp_path / "whole")
            with pytest.raises(InterpError, match=said):
                interp.analyse(divided(made(kind), ["shared"]), data, stages=["record"], out=tmp_path / "run")

    assert as_script(work) == [0, 0]
