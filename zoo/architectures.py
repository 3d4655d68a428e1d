"""Networks of the papers by name, each a plain chain of named layers.

To add one, write a function that returns an `nn.Sequential` and one line in `ARCHITECTURES`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from torch import nn

from interp.errors import UsageError, unknown_name
from zoo.layers import Abs, Neg, OffsetL2, Weighting

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "abs": Abs,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
}


def mlp(
    activation: str,
    output: str = "linear",
    *,
    inputs: int = 784,
    hidden: int = 128,
    classes: int = 10,
    final_bias: bool = True,
    batch_norm: bool = False,
    weighting: Weighting = "printed",
) -> nn.Sequential:
    """Make a perceptron with one hidden layer, as in use-DM (arXiv 2411.17932) and learn-DM (arXiv 2502.02103).

    Parameters
    ----------
    activation
        Name of the activation in `ACTIVATIONS`.
    output
        Form of the outputs: ``linear``; ``activation``, which puts the activation behind the last layer too;
        ``distance``, an `OffsetL2` in place of the last linear layer; ``negated-activation`` or ``negated-distance``,
        with the sign changed after that.
    inputs, hidden, classes
        Number of inputs, of hidden nodes and of outputs.
    final_bias
        Whether the last linear layer has a bias.
    batch_norm
        Whether a `BatchNorm1d` stands between the hidden layer and its activation.
    weighting
        Weighting of `OffsetL2`, for the two distances.

    Returns
    -------
    Sequential
        Untrained network (S, inputs) -> (S, classes), with layers named ``hidden``, ``activation`` and ``output``.

    Examples
    --------
    >>> [name for name, _ in mlp("abs", "negated-activation", inputs=4).named_children()]
    ['hidden', 'activation', 'output', 'output_activation', 'negate']
    """
    layers: list[tuple[str, nn.Module]] = [("hidden", nn.Linear(inputs, hidden))]
    if batch_norm:
        layers.append(("norm", nn.BatchNorm1d(hidden)))
    layers.append(("activation", ACTIVATIONS[activation]()))
    if output.endswith("distance"):
        layers.append(("output", OffsetL2(hidden, classes, weighting)))
    else:
        layers.append(("output", nn.Linear(hidden, classes, bias=final_bias)))
    if output.endswith("activation"):
        layers.append(("output_activation", ACTIVATIONS[activation]()))
    if output.startswith("negated"):
        layers.append(("negate", Neg()))
    return nn.Sequential(OrderedDict(layers))


def deep(activation: str, *, inputs: int = 784, hidden: int = 64, depth: int = 2, classes: int = 10) -> nn.Sequential:
    """Make a perceptron of several hidden layers of one width.

    Parameters
    ----------
    activation
        Name of an activation in `ACTIVATIONS`.
    inputs
        Number of inputs.
    hidden
        Number of nodes of each hidden layer.
    depth
        Number of hidden layers.
    classes
        Number of outputs.

    Examples
    --------
    >>> list(dict(deep("tanh", depth=1).named_children()))
    ['hidden1', 'activation1', 'output']
    """
    layers: list[tuple[str, nn.Module]] = []
    for index in range(1, depth + 1):
        layers.append((f"hidden{index}", nn.Linear(inputs if index == 1 else hidden, hidden)))
        layers.append((f"activation{index}", ACTIVATIONS[activation]()))
    return nn.Sequential(OrderedDict([*layers, ("output", nn.Linear(hidden, classes))]))


def lenet(
    activation: str,
    *,
    side: int = 28,
    channels: Sequence[int] = (6, 16),
    kernels: Sequence[int] = (5, 5),
    padding: Sequence[int] = (2, 0),
    widths: Sequence[int] = (120, 84),
    classes: int = 10,
    final_bias: bool = True,
) -> nn.Sequential:
    """Make LeNet-5 with max-pooling, as in the author's runs: 28 x 28 padded by 2 at the first layer.

    Parameters
    ----------
    activation
        Name of the activation in `ACTIVATIONS`.
    side
        Height and width of the one-channel images, in pixels.
    channels, kernels, padding
        Number of channels, side of the kernel and padding of the two convolutions; smaller kernels let 8 x 8 images
        through.
    widths
        Number of nodes of the two hidden dense layers.
    classes
        Number of outputs.
    final_bias
        Whether the last layer has a bias.

    Returns
    -------
    Sequential
        Untrained network (S, 1, side, side) -> (S, classes).

    Examples
    --------
    >>> import torch
    >>> lenet("relu")(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """
    layers: list[tuple[str, nn.Module]] = []
    before = 1
    for index, (after, kernel, pad) in enumerate(zip(channels, kernels, padding, strict=True), start=1):
        layers.append((f"conv{index}", nn.Conv2d(before, after, kernel, padding=pad)))
        layers.append((f"activation{index}", ACTIVATIONS[activation]()))
        layers.append((f"pool{index}", nn.MaxPool2d(2)))
        before, side = after, (side + 2 * pad - kernel + 1) // 2
    layers.append(("flatten", nn.Flatten()))
    sizes = (before * side * side, *widths)
    for index, (inputs, width) in enumerate(zip(sizes, widths, strict=False), start=1):
        layers.append((f"fc{index}", nn.Linear(inputs, width)))
        layers.append((f"activation{index + 2}", ACTIVATIONS[activation]()))
    layers.append(("fc3", nn.Linear(sizes[-1], classes, bias=final_bias)))
    return nn.Sequential(OrderedDict(layers))


ARCHITECTURES: dict[str, Callable[..., nn.Sequential]] = {
    "abs": partial(mlp, "abs"),
    "relu": partial(mlp, "relu"),
    "sigmoid": partial(mlp, "sigmoid"),
    "tanh": partial(mlp, "tanh"),
    "gelu": partial(mlp, "gelu"),
    "abs2": partial(mlp, "abs", "activation"),
    "relu2": partial(mlp, "relu", "activation"),
    "abs2-neg": partial(mlp, "abs", "negated-activation"),
    "relu2-neg": partial(mlp, "relu", "negated-activation"),
    "abs-l2": partial(mlp, "abs", "distance"),
    "relu-l2": partial(mlp, "relu", "distance"),
    "abs-l2-neg": partial(mlp, "abs", "negated-distance"),
    "relu-l2-neg": partial(mlp, "relu", "negated-distance"),
    "offset-l2": partial(mlp, "abs", "negated-distance"),
    "abs-bn": partial(mlp, "abs", batch_norm=True),
    "relu-bn": partial(mlp, "relu", batch_norm=True),
    "deep-abs": partial(deep, "abs"),
    "deep-relu": partial(deep, "relu"),
    "deep-sigmoid": partial(deep, "sigmoid"),
    "deep-tanh": partial(deep, "tanh"),
    "deep-gelu": partial(deep, "gelu"),
    "lenet": partial(lenet, "relu"),
    "lenet-relu": partial(lenet, "relu"),
    "lenet-abs": partial(lenet, "abs"),
    "lenet-tanh": partial(lenet, "tanh"),
    "lenet-sigmoid": partial(lenet, "sigmoid"),
}


def build(architecture: str, **arguments: Any) -> nn.Sequential:
    """Make an untrained network by name; zoo checkpoints name this function as their builder.

    Parameters
    ----------
    architecture
        Name of the network in `ARCHITECTURES`.
    **arguments
        Keyword arguments of the function that makes it, such as ``hidden=48``.

    Returns
    -------
    Sequential
        Untrained network, initialised by torch's global generator.

    Raises
    ------
    UsageError
        If there is no such architecture, or it takes no such argument.

    Examples
    --------
    >>> build("relu", inputs=4, hidden=3, classes=2).hidden
    Linear(in_features=4, out_features=3, bias=True)
    """
    if architecture not in ARCHITECTURES:
        raise unknown_name("architecture", architecture, ARCHITECTURES)
    try:
        return ARCHITECTURES[architecture](**arguments)
    except TypeError as error:
        raise UsageError(
            f"architecture {architecture}",
            found=f"arguments {arguments} ({error})",
            expected="arguments of that architecture",
            do="see zoo/architectures.py",
        ) from error


def describe(architecture: str) -> dict[str, str]:
    """Tell an architecture's activation and what it does to the last layer's z.

    Parameters
    ----------
    architecture
        Name of the network in `ARCHITECTURES`.

    Returns
    -------
    dict
        Name of the hidden layers' ``activation``, and form of the ``output`` as in `mlp`.

    Examples
    --------
    >>> describe("relu2-neg")
    {'activation': 'relu', 'output': 'negated-activation'}
    """
    made = ARCHITECTURES[architecture]
    chosen: Sequence[Any] = getattr(made, "args", ())
    given: Mapping[str, Any] = getattr(made, "keywords", {})
    activation, output = (*chosen, "linear")[:2]
    return {"activation": str(given.get("activation", activation)), "output": str(given.get("output", output))}
