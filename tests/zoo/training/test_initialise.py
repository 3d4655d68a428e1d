import pytest
import torch
from torch import nn

from zoo.architectures import build
from zoo.training.initialise import INITS, bias_through, box_points


def started(name, init, seed=3):
    network = build(name)
    INITS[init](network, torch.Generator().manual_seed(seed), torch.linspace(0, 1, 20 * 784).view(20, 784))
    return network


@pytest.mark.parametrize("init", INITS)
def test_only_the_given_generator_decides(init):
    torch.manual_seed(1)
    first = started("abs-l2", init).state_dict()
    torch.manual_seed(2)
    second = started("abs-l2", init).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_default_is_what_torch_draws():
    torch.manual_seed(3)
    ours, theirs = started("abs", "default"), nn.Linear(784, 128)
    torch.manual_seed(3)
    theirs.reset_parameters()
    assert torch.equal(ours.hidden.weight, theirs.weight)
    assert torch.equal(ours.hidden.bias, theirs.bias)


def test_he_normal_has_its_spread_and_no_bias():
    network = started("relu", "he-normal")
    assert abs(float(network.hidden.weight.detach().std()) - (2 / 784) ** 0.5) < 2e-4
    assert not network.hidden.bias.any()


def test_sampled_boundaries_pass_through_one_training_sample():
    inputs = torch.rand(20, 784)
    network = build("abs")
    INITS["he-normal-sampled"](network, torch.Generator().manual_seed(0), inputs)
    z = network.hidden(inputs)  # (20, 128)
    assert int((z.abs().amax(dim=1) < 1e-4).sum()) == 1


def test_bias_puts_the_boundary_through_the_point():
    weight, point = torch.randn(6, 1, 2), torch.randn(6, 2)
    z = (weight * point.unsqueeze(1)).sum(-1) + bias_through(weight, point)
    assert float(z.abs().max()) < 1e-6


def test_box_is_filled():
    points = box_points(10_000, 8.0, 2, torch.Generator().manual_seed(0))
    assert float(points.abs().max()) <= 8
    assert float(points.std(dim=0).min()) == pytest.approx(16 / 12**0.5, rel=0.02)
