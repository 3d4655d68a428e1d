import copy

import pytest
import torch
from torch import nn

from interp.verdict.reading.measure import measure
from interp.verdict.reading.networks.copies import fresh_copies, measure_norms, shuffled_copies, stack
from interp.verdict.reading.networks.cut import CHUNK, chain_cut
from interp.verdict.reading.noise import NoiseOptions
from zoo.layers import Abs, OffsetL2
from zoo.planted.planted import ends


def dense():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(5, 7), nn.BatchNorm1d(7), Abs(), OffsetL2(7, 4), nn.Identity(), nn.Linear(4, 3)
    ).eval()


def convolution():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3)).eval()


CASES = [(dense, (5,), 3), (convolution, (1, 6, 6), 2)]


@pytest.mark.parametrize(("make", "shape", "end"), CASES)
def test_a_stack_runs_as_each_network_would_alone(make, shape, end):
    networks = list(shuffled_copies(make(), range(4)))
    copies = stack(networks)
    x = torch.randn(9, *shape)
    outputs = copies.until(end, x)
    logits = copies.after(end)(outputs)
    assert len(copies) == 4
    for one, network in enumerate(networks):
        torch.testing.assert_close(outputs[one], network[:end](x), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(logits[one], network(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("make", "shape", "end"), CASES)
def test_shuffling_keeps_the_values_of_each_parameter_and_all_statistics(make, shape, end):
    network = make()
    before = copy.deepcopy(network.state_dict())
    one, two = shuffled_copies(network, [0, 1])
    for name, value in network.named_parameters():
        shuffled = one.state_dict()[name]
        torch.testing.assert_close(shuffled.flatten().sort().values, value.flatten().sort().values, rtol=0, atol=0)
        if value.unique().numel() > 4:
            assert not torch.equal(shuffled, value)
            assert not torch.equal(shuffled, two.state_dict()[name])
    for name, value in network.named_buffers():
        torch.testing.assert_close(one.state_dict()[name], value, rtol=0, atol=0)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_fresh_copies_have_nothing_of_the_network_and_do_not_touch_torch_s_own_generator():
    network, x = dense(), torch.randn(50, 5)
    state = torch.get_rng_state()
    one, again, other = fresh_copies(network, [0, 0, 1], x)
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in one.named_parameters():
        torch.testing.assert_close(value, dict(again.named_parameters())[name], rtol=0, atol=0)
    assert not torch.equal(one[0].weight, network[0].weight)
    assert not torch.equal(one[0].weight, other[0].weight)
    assert not torch.equal(one[3].mu, network[3].mu)


def test_batch_norms_of_fresh_copies_measure_their_own_inputs():
    x = 3 + 2 * torch.randn(400, 5)
    (fresh,) = fresh_copies(dense(), [0], x)
    z = fresh[0](x)
    torch.testing.assert_close(fresh[1].running_mean, z.mean(0), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(fresh[1].running_var, z.var(0), rtol=1e-3, atol=1e-4)
    assert not fresh.training
    torch.testing.assert_close(fresh[:2](x).std(0), torch.ones(7), rtol=0.01, atol=0)


def test_measuring_norms_needs_no_gradient_and_forgets_what_was_measured_before():
    network = dense()
    measure_norms(network, torch.randn(30, 5))
    x = torch.randn(30, 5)
    measure_norms(network, x)
    torch.testing.assert_close(network[1].running_mean, network[0](x).mean(0), rtol=1e-4, atol=1e-5)


def test_more_copies_than_run_at_once_are_all_measured_in_their_order():
    network = nn.Sequential()
    for name, step in (("hidden1", nn.Linear(5, 7)), ("activation1", nn.ReLU()), ("output", nn.Linear(7, 4))):
        network.add_module(name, step)
    x = torch.randn(80, 5)
    seeds = range(CHUNK + 3)
    whole = measure(shuffled_copies(network.eval(), seeds), chain_cut(ends(network)), x, levels=True)["hidden1"]
    assert len(whole.curve.balance) == len(whole.levels.kept) == CHUNK + 3
    for seed in (0, CHUNK - 1, CHUNK + 2):
        one = measure(shuffled_copies(network, [seed]), chain_cut(ends(network)), x, levels=True)["hidden1"]
        assert whole.curve.balance[seed] == pytest.approx(one.curve.balance[0], abs=1e-5)
        assert whole.levels.kept[seed] == pytest.approx(one.levels.kept[0], abs=0.03)


def test_levels_are_counted_only_when_asked_for():
    network = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 4)).eval()
    assert measure([network], chain_cut({"0": 2}), torch.randn(40, 5), NoiseOptions())["0"].levels is None
