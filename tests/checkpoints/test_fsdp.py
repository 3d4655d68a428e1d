"""Modules whose weights torch's FSDP has divided over processes are refused before anything is run."""

import pytest
import torch
import torch.distributed as dist
from torch import nn

from interp.checkpoints import load_module
from interp.errors import CheckpointError

pytestmark = pytest.mark.skipif(not dist.is_available(), reason="torch has no torch.distributed")


@pytest.fixture
def group():
    """Be a job of one process."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def network():
    return nn.Sequential(nn.Sequential(nn.Linear(4, 5), nn.ReLU()), nn.Linear(5, 3)).eval()


@pytest.mark.parametrize("part", ["", "0"])
def test_fully_shard(group, part):
    fsdp = pytest.importorskip("torch.distributed.fsdp")
    if not hasattr(fsdp, "fully_shard"):
        pytest.skip("this torch has no fully_shard")
    module = network()
    fsdp.fully_shard(module.get_submodule(part), mesh=dist.init_device_mesh("cpu", (1,)))
    with pytest.raises(CheckpointError, match=r"found a module wrapped by FSDP.*load its full state dict"):
        load_module(module)


def test_fully_sharded_data_parallel():
    from torch.distributed.fsdp import FullyShardedDataParallel

    class Wrapper(FullyShardedDataParallel):
        """The wrapper without its set-up, which asks for a device."""

        def __init__(self):
            nn.Module.__init__(self)

        def named_parameters(self, *args, **kwargs):
            return nn.Module.named_parameters(self, *args, **kwargs)

    module = nn.Sequential(nn.Linear(2, 2))
    module.add_module("1", Wrapper())
    with pytest.raises(CheckpointError, match="found a module wrapped by FSDP"):
        load_module(module)


def test_plain_modules_are_not():
    model, _ = load_module(network(), {"x": torch.rand(20, 4).numpy(), "y": [0, 1] * 10})
    assert len(model.layers) == 2
