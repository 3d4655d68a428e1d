import pytest
import torch

from zoo.layers import Abs, Neg, OffsetL2


def naive(layer, x, alpha_of):
    """The printed formula with every difference in memory, in float64."""
    difference = x.double().unsqueeze(-2) - layer.mu.double()
    return (alpha_of(layer.alpha.double()) * difference.square()).sum(-1).sqrt()


@pytest.mark.parametrize(("weighting", "alpha_of"), [("printed", torch.square), ("reference", lambda a: a)])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_distance_is_the_formula(weighting, alpha_of, offset):
    torch.manual_seed(0)
    layer = OffsetL2(32, 5, weighting)
    layer.alpha.data.uniform_(0.5, 1.5)
    layer.mu.data.add_(offset)  # where float32 expansion would lose every digit
    x = torch.randn(7, 32) + offset
    expected = naive(layer, x, alpha_of)
    torch.testing.assert_close(layer(x).double(), expected, rtol=1e-6, atol=1e-6)


def test_slope_is_that_of_the_formula():
    torch.manual_seed(0)
    layer = OffsetL2(6, 3)
    x = torch.randn(4, 6)
    slopes = torch.autograd.grad(layer(x).sum(), [layer.mu, layer.alpha])
    expected = torch.autograd.grad(naive(layer, x, torch.square).sum(), [layer.mu, layer.alpha])
    for got, want in zip(slopes, expected, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-6)


def test_slope_at_the_point_itself_is_finite():
    layer = OffsetL2(3, 1)
    (slope,) = torch.autograd.grad(layer(layer.mu.detach()).sum(), [layer.mu])
    assert torch.isfinite(slope).all()


def test_start_is_the_papers():
    layer = OffsetL2(200, 100)
    assert abs(float(layer.mu.detach().std()) - 0.1) < 0.005
    assert bool((layer.alpha == 1).all())


def test_abs_and_neg():
    x = torch.tensor([-2.0, 0.0, 3.0])
    assert Abs()(x).tolist() == [2, 0, 3]
    assert Neg()(x).tolist() == [2, 0, -3]
