import numpy as np
import pytest
import torch

from interp.verdict.reading.ranks import random_order


def order_of(rows, seed=0):
    return random_order(torch.as_tensor(rows), np.random.default_rng(seed))


def test_values_are_sorted_whatever_their_sign_and_size():
    rows = torch.randn(2, 3, 501, generator=torch.Generator().manual_seed(0)) * torch.logspace(-30, 30, 501)
    ordered = rows.gather(2, order_of(rows))
    assert bool((ordered.diff(dim=2) >= 0).all())
    torch.testing.assert_close(ordered, rows.sort(2).values, rtol=0, atol=0)


@pytest.mark.parametrize("count", [1, 2, 3, 64, 65, 1000])
def test_every_value_has_one_rank(count):
    order = order_of(torch.zeros(2, 4, count))
    assert bool((order.sort(2).values == torch.arange(count)).all())


def test_infinities_are_at_the_ends():
    assert order_of([[[np.inf, 0.0, -np.inf]]]).tolist() == [[[2, 1, 0]]]


def test_both_zeros_are_the_same_value():
    rows = torch.tensor([0.0, -0.0]).repeat(500).view(1, 1, 1000)
    first = order_of(rows)[0, 0, :500]
    assert 0.4 < float((first % 2).float().mean()) < 0.6  # all odd, the minus zeros, if they came first


def test_ties_are_in_another_order_at_each_node_and_seed():
    rows = torch.zeros(1, 2, 100)
    order = order_of(rows)
    assert not torch.equal(order[0, 0], order[0, 1])
    assert not torch.equal(order, order_of(rows, seed=1))
    torch.testing.assert_close(order, order_of(rows), rtol=0, atol=0)


def test_ties_are_broken_without_favour():
    """Each of ten equal values is among the lowest two in a fifth of 4,000 nodes; one standard error is 0.006."""
    order = order_of(torch.zeros(1, 4000, 10))
    lowest = torch.zeros(4000, 10).scatter(1, order[0, :, :2], 1.0).mean(0)
    assert bool(((lowest - 0.2).abs() < 0.03).all())
