"""How far a network's R² lies above a simple model's: errors of both are paired, sample by sample."""

import numpy as np
import pytest
import torch

from interp.checkpoints import load_module
from interp.verdict.evidence import Evidence
from interp.verdict.lead import lead_interval


def drawn(kind, rng, shape):
    """Draw values of variance 1."""
    if kind == "uniform":
        return rng.uniform(-1, 1, shape) * 3**0.5
    if kind == "two":
        return rng.choice([-1.0, 1.0], shape)
    return rng.laplace(size=shape) / 2**0.5 if kind == "laplace" else rng.standard_normal(shape)


@pytest.mark.parametrize(
    ("targets", "own", "other"),
    [("uniform", "normal", "normal"), ("two", "normal", "normal"), ("normal", "laplace", "laplace")],
)
def test_two_of_equal_r2_are_rarely_told_apart(targets, own, other):
    """Whatever the targets are: taking the simple model's score as known, 9 to 15 % of these were told apart."""
    rng, count, told = np.random.default_rng(0), 600, 0
    for _ in range(count):
        y = drawn(targets, rng, (500, 1))
        low, high = lead_interval(*(y + 0.8 * drawn(kind, rng, y.shape) for kind in (own, other)), y)
        told += low > 0 or high < 0
    assert told / count <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / count)


@pytest.mark.parametrize("alike", [0.0, 0.9])
def test_the_interval_holds_the_difference_no_wider_than_it_has_to_be(alike):
    """Errors of variance 0.3 and 0.6 of targets of variance 1: the network is 0.3 ahead."""
    rng, count, held = np.random.default_rng(1), 400, 0
    for _ in range(count):
        y, common = rng.standard_normal((500, 1)), rng.standard_normal((500, 1))
        errors = (alike**0.5 * common + (1 - alike) ** 0.5 * rng.standard_normal(y.shape) for _ in range(2))
        low, high = lead_interval(*(y + scale**0.5 * error for scale, error in zip((0.3, 0.6), errors, strict=True)), y)
        held += low <= 0.3 <= high
        assert low > 0, "a lead of 0.3 is told"
    assert abs(held / count - 0.95) <= 3 * np.sqrt(0.05 * 0.95 / count)


def test_columns_count_in_units_of_their_own_spread():
    """Ahead in one column, behind in the other by as much: R² is equal, and columns that do not vary are left out."""
    rng, count, told = np.random.default_rng(2), 400, 0
    for _ in range(count):
        y = np.column_stack([rng.standard_normal(400), 100 * drawn("laplace", rng, 400), np.full(400, 7.0)])
        noise = rng.standard_normal((2, 400, 2))
        own, other = y.copy(), y.copy()
        own[:, :2] += noise[0] * np.sqrt([0.1, 0.9]) * [1, 100]
        other[:, :2] += noise[1] * np.sqrt([0.9, 0.1]) * [1, 100]
        low, high = lead_interval(own, other, y)
        told += low > 0 or high < 0
    assert told / count <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / count)


def test_a_long_tail_moves_its_own_end():
    rng = np.random.default_rng(3)
    y, small = rng.standard_normal((400, 1)), 0.3 * rng.standard_normal((400, 1))
    tailed = small.copy()
    tailed[:4] += 3
    (low, high), (less, more) = lead_interval(y + small, y + tailed, y), lead_interval(y + tailed, y + small, y)
    assert (low, high) == pytest.approx((-more, -less)), "the other way round it is the other end"
    middle = (tailed**2 - small**2).mean() / y.var()
    assert high - middle > 1.3 * (middle - low) > 0


def test_too_few_samples_have_no_interval():
    y = np.random.default_rng(4).standard_normal((299, 1))
    assert np.isnan(lead_interval(y, y + 1, y)).all()


@pytest.mark.parametrize(("scale", "expected"), [(1.0, "better"), (0.0, "worse")])
def test_a_network_is_called_by_its_own_errors(scale, expected):
    """A network of |x| beside least squares, and one that gives 0: of 400 test samples."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((800, 2)).astype(np.float32)
    y = (np.abs(x).sum(1) + 0.3 * x[:, 0] + 0.1 * rng.standard_normal(800))[:, None].astype(np.float32)
    hidden, last = torch.nn.Linear(2, 4), torch.nn.Linear(4, 1)
    with torch.no_grad():
        hidden.weight.copy_(torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]]))
        hidden.bias.zero_()
        last.weight.copy_(scale * torch.tensor([[1.3, 0.7, 1, 1]]))
        last.bias.zero_()
    data = {"x_train": x[:400], "y_train": y[:400], "x_test": x[400:], "y_test": y[400:]}
    model, data = load_module(torch.nn.Sequential(hidden, torch.nn.ReLU(), last), data)
    found = Evidence(model, data)
    low, high = found.lead
    assert low < model.scores["test"] - found.simple.score < high
    assert (low > 0, high < 0) == (expected == "better", expected == "worse")
