import torch

from zoo.training.products import bfloat16_products, can_split, halves, project


def test_halves_add_up_to_sixteen_bits():
    values = torch.randn(10_000)
    high, low = halves(values)
    assert float(((high + low - values) / values).abs().max()) <= 2**-16
    assert torch.equal(high.bfloat16().float(), high)


def test_split_products_are_those_of_float64():
    torch.manual_seed(0)
    x, weight, bias = torch.randint(0, 256, (300, 96)).float(), torch.randn(40, 96), torch.randn(40)
    expected = x.double() @ weight.double().T + bias
    for split in (True, False):
        error = (project(x, weight, bias, split) - expected).abs().max() / expected.abs().max()
        assert float(error) < 1e-5


def test_only_small_integers_are_split():
    assert not can_split(torch.rand(4, 4))
    assert not can_split(torch.full((4, 4), 257.0))


def test_precision_is_put_back_after_an_error():
    before = torch.get_float32_matmul_precision()
    try:
        with bfloat16_products():
            raise ValueError
    except ValueError:
        pass
    assert torch.get_float32_matmul_precision() == before
