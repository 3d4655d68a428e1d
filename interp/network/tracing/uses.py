"""How a tensor was computed from the nodes of a layer, followed through the torch functions that use it.

An activation is certain only where its very output is read next. The state of a tensor is one of these:

- ``z``: the pre-activations, also after functions that keep the nodes, such as a pooling;
- the name of an activation: its output for z;
- ``~`` before one of these: the product with a constant, such as the sign change in ``-relu(z)``;
- ``moved``: z with its axes in another order, after which no activation is looked for;
- ``custom``: any other function of z alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from interp.network.activations import activation_name

KEEPS_NODES = {
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "avg_pool1d", "avg_pool2d", "batch_norm", "clone", "contiguous",
    "detach", "dropout", "dropout1d", "dropout2d", "dropout3d", "flatten", "float", "identity", "max_pool1d",
    "max_pool2d", "max_pool2d_with_indices", "reshape", "squeeze", "to", "unsqueeze", "view",
}  # fmt: skip
"""Torch functions after which an activation still applies to the same nodes."""

MOVES = {"get", "getitem", "movedim", "narrow", "permute", "swapaxes", "t", "transpose"}
"""Torch functions that move values without changing them; `get` is what an attribute such as `.T` calls."""

SCALES = {"neg", "negative", "mul", "multiply", "div", "divide", "true_divide", "truediv", "imul", "itruediv"}
"""Torch functions that multiply a tensor of nodes by a constant."""


def named_activation(function: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
    """Name the activation that a call computes: that of its function, or ReLU6 for clipping to [0, 6]."""
    name = activation_name(function)
    if name != "hardtanh":
        return name
    said = {**dict(zip(("input", "min_val", "max_val"), args, strict=False)), **kwargs}
    return "relu6" if (said.get("min_val"), said.get("max_val")) == (0, 6) else name


def tensors_in(values: Iterable[Any]) -> list[Tensor]:
    """List the tensors among some arguments, including those in tuples, lists and dicts."""
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, (tuple, list)):
            found += tensors_in(value)
        elif isinstance(value, Mapping):
            found += tensors_in(value.values())
    return found


def acts_alone(func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], nodes: list[Tensor]) -> str:
    """Tell whether a function is applied to each value alone, by calling it again with some values changed.

    A list of names would not be enough: torch has hundreds of functions of single values.

    Parameters
    ----------
    func
        Function that was called.
    args, kwargs
        Arguments of the call, by position and by name.
    nodes
        Tensors of nodes among the arguments.

    Returns
    -------
    str
        ``keeps`` where the result is the first of `nodes` unchanged, ``maps`` where each value of the result depends on
        one value; empty where it depends on several, or where the calls fail.
    """
    some = torch.rand(nodes[0].shape, generator=torch.Generator().manual_seed(0)).to(nodes[0].device) > 0.5

    def result(change: Callable[[Tensor], Tensor]) -> Tensor:
        moved = {id(tensor): change(tensor) for tensor in nodes}
        found: Tensor = func(
            *_replaced(args, moved), **{name: _replaced(value, moved) for name, value in kwargs.items()}
        )
        return found.nan_to_num() if found.is_floating_point() else found

    try:
        same, other = result(torch.clone), result(lambda tensor: _flipped(tensor, some))
        far = result(lambda tensor: tensor * 1000)
    except Exception:  # some functions do not accept all values
        return ""
    if same.shape != some.shape or not torch.equal(same[~some], other[~some]):
        return ""
    return "keeps" if torch.equal(same, nodes[0]) and torch.equal(far, nodes[0] * 1000) else "maps"


def _replaced(value: Any, moved: Mapping[int, Tensor]) -> Any:
    """Replace tensors by others, in lists and tuples too."""
    if type(value) in (list, tuple):
        return type(value)(_replaced(one, moved) for one in value)
    return moved.get(id(value), value)


def _flipped(tensor: Tensor, where: Tensor) -> Tensor:
    """Change some values: booleans to their opposites, numbers by one."""
    return tensor ^ where if tensor.dtype == torch.bool else tensor + where.to(tensor.dtype)


def become(function: str, activation: str | None, states: list[str], tried: Callable[[], str]) -> str | None:
    """Name the state of a function's result, from the states of its arguments.

    Parameters
    ----------
    function
        Name of the function, which takes tensors of one layer's nodes and constants.
    activation
        Name of the activation that the call computes; None where it is none.
    states
        States of the tensors of nodes among its arguments.
    tried
        Function that gives the result of `acts_alone` for this call; not called where the name is enough.

    Returns
    -------
    str or None
        State of the result; None where it is no function of each value alone, so that the call reads the nodes.

    Examples
    --------
    >>> become("relu", "relu", ["z"], lambda: "maps"), become("mul", None, ["z", "sigmoid"], lambda: "maps")
    ('relu', 'custom')
    >>> become("neg", None, ["relu"], lambda: "maps"), become("linear", None, ["relu"], lambda: "")
    ('~relu', None)
    """
    elsewhere = "moved" if states[0] in ("z", "moved") else states[0]
    if function in KEEPS_NODES:
        return states[0]
    if function in MOVES:
        return elsewhere
    if activation is not None:
        return activation if states == ["z"] else "custom"
    if function == "glu":  # combines each value with another
        return "custom"
    alone = tried()
    if not alone:
        return None
    if function in SCALES and len(states) == 1 and states[0] != "custom":
        return "moved" if states[0] == "moved" else "~" + states[0].removeprefix("~")
    return elsewhere if alone == "keeps" else "custom"


def activation_of(read: Iterable[str]) -> str:
    """Name the activation of nodes from the states in which they are read.

    Parameters
    ----------
    read
        States of the tensors that are read.

    Returns
    -------
    str
        Name of the activation; ``custom`` where the states differ, or are a function that has no name.

    Examples
    --------
    >>> activation_of({"relu"}), activation_of({"z", "moved"}), activation_of({"~relu"}), activation_of({"z", "relu"})
    ('relu', 'identity', 'custom', 'custom')
    """
    names = {"identity" if state in ("z", "~z", "moved") else state for state in read}
    name = names.pop() if len(names) == 1 else "custom"
    return "custom" if name.startswith("~") else name
