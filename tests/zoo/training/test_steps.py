"""Batched steps against a plain loop over models with torch's own optimiser."""

import pytest
import torch
from torch.nn import functional

from zoo.architectures import build
from zoo.recipes import DIGITS_LENET, Recipe
from zoo.training.epochs import prepare, run_epoch, sample_order
from zoo.training.stacks import start

SMALL = {"inputs": 20, "hidden": 12, "classes": 4}
DATA = torch.Generator().manual_seed(0)
X = torch.randn(70, 20, generator=DATA)
Y = torch.randint(0, 4, (70,), generator=DATA)


def recipe_for(name, **changes):
    return Recipe(name, name, "digits", "raw", (20,), SMALL, lr=0.05, batch=16, epochs=2).but(**changes)


def plain(recipe, seed, x, y):
    """Train one model the usual way from the same start, in the same order."""
    network = build(recipe.architecture, **recipe.arguments)
    network.load_state_dict(start(recipe, [seed], x).member(0))
    optimiser = torch.optim.SGD(network.parameters(), lr=recipe.lr, momentum=recipe.momentum)
    for epoch in range(recipe.epochs):
        whole = [torch.arange(len(x))]
        for rows in sample_order(seed, epoch, len(x)).split(recipe.batch) if recipe.batch else whole:
            optimiser.zero_grad()
            functional.cross_entropy(network(x[rows]), y[rows]).backward()
            optimiser.step()
    return network.state_dict()


def batched(recipe, seeds, x, y):
    stack = start(recipe, seeds, x)
    samples = prepare(stack, recipe, x, y)
    for epoch in range(recipe.epochs):
        run_epoch(stack, recipe, samples, epoch)
    return [stack.member(index) for index in range(len(seeds))]


def assert_same(got, wanted):
    for key, value in wanted.items():
        torch.testing.assert_close(got[key], value, rtol=1e-4, atol=1e-5, msg=lambda text, key=key: f"{key}: {text}")


@pytest.mark.parametrize("name", ["abs", "relu2-neg", "gelu", "relu-l2", "abs-l2-neg", "abs-bn"])
@pytest.mark.parametrize("batch", [16, 0])
def test_batched_training_is_the_plain_loop(name, batch):
    recipe = recipe_for(name, batch=batch)
    for seed, state in zip((5, 8), batched(recipe, [5, 8], X, Y), strict=True):
        assert_same(state, plain(recipe, seed, X, Y))


@pytest.mark.parametrize("seeds", [[1], [1, 2]])
def test_lenet_too(seeds):
    x = X.repeat(1, 4)[:, :64].reshape(-1, 1, 8, 8)
    recipe = recipe_for("lenet-abs", arguments=DIGITS_LENET, epochs=1)
    assert_same(batched(recipe, seeds, x, Y % 10)[0], plain(recipe, 1, x, Y % 10))


def test_zero_columns_are_left_out_exactly():
    x = torch.cat([X, torch.zeros(70, 20), X], dim=1)
    recipe = recipe_for("abs", arguments=SMALL | {"inputs": 60}, batch=0, momentum=0.9)
    state = batched(recipe, [3], x, Y)[0]
    assert_same(state, plain(recipe, 3, x, Y))
    assert torch.equal(state["hidden.weight"][:, 28:40], start(recipe, [3], x).member(0)["hidden.weight"][:, 28:40])


def test_a_full_batch_in_parts_is_the_whole(monkeypatch):
    recipe = recipe_for("abs2", batch=0, lr=0.1)
    x, y = X.repeat(20, 1), Y.repeat(20)  # more rows than the least part
    whole = batched(recipe, [0, 1], x, y)
    monkeypatch.setattr("zoo.training.epochs.CPU_VALUES", 1)
    parts = batched(recipe, [0, 1], x, y)
    for one, other in zip(whole, parts, strict=True):
        assert_same(one, other)


def test_pixels_train_alike_on_bfloat16_halves(monkeypatch):
    x = (X.abs() * 60).round().clamp(max=255)
    recipe = recipe_for("relu", batch=0, lr=1e-5, momentum=0.0, epochs=100)
    monkeypatch.setattr("zoo.training.epochs.can_split", lambda x: True)
    assert_same(batched(recipe, [4], x, Y)[0], plain(recipe, 4, x, Y))


def test_a_seed_trains_alike_alone_and_in_company():
    recipe = recipe_for("abs", epochs=20)  # 100 steps
    alone = batched(recipe, [7], X, Y)[0]
    among = batched(recipe, list(range(20)), X, Y)[7]
    for key, value in alone.items():
        torch.testing.assert_close(among[key], value, rtol=0, atol=1e-5)
