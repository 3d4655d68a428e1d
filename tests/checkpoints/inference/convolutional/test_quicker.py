"""Plans with parts joined give networks with the same outputs and slopes, of which more is shared."""

from itertools import product

import pytest
import torch
from torch import nn

from checkpoints.planted import DIGITS
from interp.checkpoints.inference.candidates.candidate import POOLED_ORDERS, Candidate
from interp.checkpoints.inference.convolutional.layouts import PoolingLayout
from interp.checkpoints.inference.convolutional.quicker import joined_plan, quick_plan
from interp.checkpoints.inference.convolutional.together import Together, channels_side_by_side
from interp.checkpoints.inference.rebuild import rebuild
from interp.checkpoints.inference.stack.state import layer_stack
from interp.data import scalings
from interp.network.activations import ACTIVATIONS, RISING
from interp.network.inputs import as_tensor

SCALING = scalings(DIGITS)["x/16"]
LAYOUT = PoolingLayout((1, 8, 8), (1, 1), (1, 1), (2, 2))


def layers(*, normed):
    torch.manual_seed(0)
    parts = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), nn.Linear(24, 10)]
    network = nn.Sequential(*(part for part in parts if normed or not isinstance(part, nn.BatchNorm2d)))
    for part in network:
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.weight)
            nn.init.uniform_(part.running_var, 0.5, 2)
    return layer_stack(network.state_dict(), "net").layers


def of(order, layout=LAYOUT, names=tuple(ACTIVATIONS)):
    return [Candidate(SCALING, name, "linear", order, layout) for name in names]


@pytest.mark.parametrize("normed", [False, True])
@pytest.mark.parametrize("kind", ["max", "avg"])
def test_outputs_are_those_of_the_network(normed, kind):
    found, x = layers(normed=normed), DIGITS.train.inputs[:20]
    layout = PoolingLayout((1, 8, 8), (1, 1), (1, 1), (2, 2), kind=kind)
    for plan, order in product((joined_plan, quick_plan), POOLED_ORDERS[normed]):
        together = Together(found, of(order, layout), channels_side_by_side, plan)
        with torch.no_grad():
            outputs = dict(together.outputs(together.roots[0], x))
        for candidate, own in outputs.items():
            expected = rebuild(found, candidate)(as_tensor(x, SCALING, layout.image))
            torch.testing.assert_close(own, expected, rtol=1e-4, atol=1e-4)
        assert len(outputs) == len(ACTIVATIONS)


def test_activations_that_never_fall_share_the_pooling_and_need_no_order():
    found = layers(normed=False)
    both = [*of("before", names=sorted(RISING)), *of("pool-first", names=sorted(RISING))]
    together = Together(found, both, channels_side_by_side, quick_plan)
    assert len({id(together.modules[one][1]) for one in both}) == 1
    for before, behind in zip(both[: len(RISING)], both[len(RISING) :], strict=True):
        assert [*map(id, together.modules[before])] == [*map(id, together.modules[behind])]
    others = of("before", names=("gelu", "silu"))
    gelu, silu = Together(found, others, channels_side_by_side, quick_plan).modules.values()
    assert gelu[1] is silu[1]
    assert gelu[2] is not silu[2]
