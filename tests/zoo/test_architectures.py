import pytest
import torch
from torch import nn

from interp.errors import UsageError
from zoo.architectures import ARCHITECTURES, build, describe


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_is_a_chain_that_runs(name):
    network = build(name).eval()
    shape = (3, 1, 28, 28) if name.startswith("lenet") else (3, 784)
    x = torch.randn(shape)
    for _, layer in network.named_children():
        x = layer(x)
    assert type(network) is nn.Sequential
    assert x.shape == (3, 10)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_description_is_true(name):
    facts, children = describe(name), dict(build(name).named_children())
    kinds = [type(child).__name__.lower() for child in children.values()]
    assert facts["activation"] in kinds
    assert facts["output"].startswith("negated") == ("neg" in kinds)
    assert facts["output"].endswith("distance") == ("offsetl2" in kinds)
    assert facts["output"].endswith("activation") == ("output_activation" in children)


def test_published_lenet_has_its_sizes():
    shapes = {key: tuple(value.shape) for key, value in build("lenet-abs").state_dict().items()}
    assert shapes["fc1.weight"] == (120, 400)
    assert sum(torch.tensor(shape).prod().item() for shape in shapes.values()) == 61706


def test_output_order_is_activation_then_sign():
    x = torch.randn(5, 784)
    network = build("relu2-neg")
    assert bool((network(x) <= 0).all())


def test_final_bias_can_be_left_out():
    assert "output.bias" not in build("abs", final_bias=False).state_dict()


def test_wrong_name_is_answered_with_the_close_ones():
    with pytest.raises(UsageError, match=r"found 'rellu'.*did you mean relu"):
        build("rellu")


def test_wrong_argument_is_named():
    with pytest.raises(UsageError, match=r"architecture lenet: found arguments .*hidden"):
        build("lenet", hidden=3)
