"""Functions of weights that are kept elsewhere are refused, whatever torch makes of them."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from interp.checkpoints import as_found
from interp.network.tracing.without_values import EmptyWeightError, refused

READS = {
    "linear": lambda x, weight: F.linear(x, weight),
    "matmul": lambda x, weight: x @ weight,
    "batched": lambda x, weight: x[None] @ weight.T,
    "convolution": lambda x, weight: F.conv1d(x[None], weight[..., None]),
    "added in place": lambda x, weight: x.add_(weight[0]),
    "multiplied in place": lambda x, weight: x.mul_(weight),
    "table": lambda x, weight: F.embedding(x.long(), weight),
    "computed from": lambda x, weight: F.linear(x, weight.abs() * 2),
    "among others": lambda x, weight: torch.cat([x, weight]),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("grads", [True, False])
def test_a_weight_without_values_is_read_by_no_function(read, grads):
    net, x = nn.Linear(4, 4, device="meta"), torch.ones(4, 4)
    with (
        torch.set_grad_enabled(grads),
        as_found(net),
        pytest.raises(EmptyWeightError, match=r"reads (weight|a weight),"),
    ):
        read(x, net.weight)


def test_what_needs_no_values_is_let_through():
    net = nn.Linear(4, 4, device="meta")
    with refused(net):
        assert nn.Linear(4, 4).to("meta").weight.is_meta
        assert torch.empty_like(net.weight, device="cpu").shape == (4, 4)
        assert net.weight.T.reshape(2, 8).shape == (2, 8)
        assert F.linear(torch.ones(1, 4), torch.eye(4)).sum() == 4


def test_networks_that_hold_their_weights_are_not_looked_at():
    assert not isinstance(refused(nn.Linear(2, 2)), torch.utils._python_dispatch.TorchDispatchMode)
