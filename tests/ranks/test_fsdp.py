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


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))


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


class Own(nn.Module):
    """A linear map and a batch norm without modules."""

    def __init__(self):
        super().__init__()
        self.weight, self.shift = nn.Parameter(torch.randn(5, 4)), nn.Parameter(torch.randn(5))
        self.register_buffer("mean", torch.randn(5))
        self.register_buffer("variance", torch.ones(5))
        self.out = nn.Linear(5, 3)

    def forward(self, x):
        z = nn.functional.linear(x, self.weight)
        z = nn.functional.batch_norm(z, self.mean, self.variance, bias=self.shift)
        return self.out(nn.functional.silu(z))


class Attentive(nn.Module):
    """An encoder, whose layers read weights of the modules in them, and attention by itself."""

    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=True)
        self.embed, self.encoder = nn.Linear(4, 8), nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.start, self.attention = nn.Parameter(torch.randn(1, 1, 8)), nn.MultiheadAttention(8, 2, batch_first=True)
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        h = torch.cat([self.start.expand(len(x), -1, -1), self.embed(x.reshape(len(x), -1, 4))], 1)
        h = self.encoder(h)
        return self.out(self.attention(h, h, h, need_weights=False)[0][:, 0])


class Recurrent(nn.Module):
    """A recurrent layer with a linear one behind it."""

    def __init__(self):
        super().__init__()
        self.cells, self.out = nn.LSTM(4, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, x):
        return self.out(self.cells(x.reshape(len(x), -1, 4))[0][:, -1])


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


def divided(module, apart):
    """Divide a network over two processes, its parts each by itself or all together."""
    mesh = dist.init_device_mesh("cpu", (2,))
    for part in module.children() if apart else ():
        if any(True for _ in part.parameters()):
            fsdp.fully_shard(part, mesh=mesh)
    return fsdp.fully_shard(module, mesh=mesh)


def made(kind):
    torch.manual_seed(0)
    return kind().eval()


def test_layers_and_recording_are_the_plain_module_s_with_norms_among_them(tmp_path):
    data = np.random.default_rng(0).normal(size=(40, 12)).astype(np.float32), np.arange(40) % 3
    asked = {"stages": ["record"], "quick": True}
    interp.analyse(made(normed), data, out=tmp_path / "plain", **asked)

    def work(rank):
        with job():
            for apart in (False, True):
                interp.analyse(divided(made(normed), apart), data, out=tmp_path / str(apart), **asked)

    assert as_script(work) == [0, 0]
    expected = values(tmp_path / "plain" / "activations.h5")
    for apart in (False, True):
        found = values(tmp_path / str(apart) / "activations.h5")
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            np.testing.assert_array_equal(found[key], value, err_msg=key)


@pytest.mark.parametrize("kind", [Own, Attentive, Recurrent])
def test_weights_whose_calls_would_not_be_found_are_refused(kind, tmp_path):
    def work(rank):
        with job(), pytest.raises(InterpError, match="no Linear, convolution or norm reads"):
            interp.analyse(divided(kind(), False), "data.npz", stages=["record"], out=tmp_path / "run")

    assert as_script(work) == [0, 0]
