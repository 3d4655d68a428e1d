"""Copies whose weights are to be changed have values of their own, wherever the network's are kept."""

import functools
from types import SimpleNamespace

import torch
from torch import nn

from interp.interventions import shuffle_weights
from interp.network.tracing.offloaded import copy_with_values, has_hooks, loads_parts, settle


def offloaded(plain):
    """Keep a layer's parameters in its hook, and load them while it runs, as accelerate's offloading does."""
    layer = nn.Linear(plain.in_features, plain.out_features, device="meta")
    kept = {name: value.detach().clone() for name, value in plain.named_parameters()}
    layer._hf_hook = SimpleNamespace(weights_map=kept, execution_device="cpu")
    layer._old_forward = layer.forward

    def run(part, x):
        return nn.functional.linear(x, **part._hf_hook.weights_map)

    layer.forward = functools.update_wrapper(functools.partial(run, layer), layer._old_forward)
    return nn.Sequential(layer), kept


def test_it_computes_the_same_and_its_weights_are_its_own():
    plain, x = nn.Linear(3, 2), torch.randn(5, 3)
    network, kept = offloaded(plain)
    made = copy_with_values(network)
    torch.testing.assert_close(made(x), plain(x), rtol=0, atol=0)
    with torch.no_grad():
        made[0].weight.zero_()
    assert torch.equal(kept["weight"], plain.weight)
    assert torch.equal(network(x), plain(x))
    assert torch.equal(made(x), plain.bias.expand(5, 2))


def test_a_shuffled_copy_is_shuffled():
    plain, x = nn.Linear(3, 2), torch.randn(5, 3)
    shuffled = shuffle_weights(offloaded(plain)[0], seed=0)
    torch.testing.assert_close(shuffled(x), shuffle_weights(nn.Sequential(plain), seed=0)(x), rtol=0, atol=0)
    assert not torch.allclose(shuffled(x), plain(x))


def test_a_part_that_is_settled_runs_without_its_hook_and_the_others_with_theirs():
    torch.manual_seed(0)
    first, second, x = nn.Linear(3, 4), nn.Linear(4, 2), torch.randn(5, 3)
    network = nn.Sequential(*(offloaded(plain)[0][0] for plain in (first, second)))
    settle(network, network[0])
    assert torch.equal(network(x), second(first(x)))
    assert [has_hooks(part) for part in network] == [False, True]
    assert [part.weight.is_meta for part in network] == [False, True]


def test_a_part_that_another_loads_is_settled_with_it():
    network = offloaded(nn.Linear(3, 2))[0]
    weights = {f"0.{name}": value for name, value in network[0]._hf_hook.weights_map.items()}
    network._hf_hook = SimpleNamespace(weights_map=weights, place_submodules=True)
    network._old_forward = network.forward
    network.forward = network._old_forward
    del network[0]._hf_hook
    assert loads_parts(network)
    settle(network, network[0])
    assert not has_hooks(network)
    assert torch.equal(network[0].weight, weights["0.weight"])
