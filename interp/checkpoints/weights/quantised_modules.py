"""Quantised modules of torch.ao as float modules: their weights are whole numbers times a scale, given as they are."""

from __future__ import annotations

import copy
import operator
import re
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn

from interp.errors import CheckpointError

NOTE = (
    "a module quantised by torch.ao: weights are its rounded ones, as floats; the rounding of what runs between layers"
    " is not run"
)
"""Sentence on how such a network was read."""

CONVOLUTIONS = {"Conv1d": nn.Conv1d, "Conv2d": nn.Conv2d, "Conv3d": nn.Conv3d}
"""Name of a convolution -> its class in floats."""

NORMS = {"BatchNorm2d": nn.BatchNorm2d, "BatchNorm3d": nn.BatchNorm3d, "BN2d": nn.BatchNorm2d, "BN3d": nn.BatchNorm3d}
"""Name of a norm, alone and with a ReLU behind it -> its class in floats."""

OTHERS: dict[str, Callable[[Any], nn.Module]] = {
    "Quantize": lambda module: nn.Identity(),
    "DeQuantize": lambda module: nn.Identity(),
    "Dropout": lambda module: nn.Identity(),
    "QFunctional": lambda module: torch.ao.nn.quantized.FloatFunctional(),
    "ReLU6": lambda module: nn.ReLU6(),
    "Hardswish": lambda module: nn.Hardswish(),
    "Sigmoid": lambda module: nn.Sigmoid(),
    "ELU": lambda module: nn.ELU(module.alpha),
    "LeakyReLU": lambda module: nn.LeakyReLU(module.negative_slope),
}
"""Name of a module without whole numbers as weights -> function that makes the same for floats."""

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "mul": operator.mul,
    "cat": torch.cat,
    "add_relu": lambda first, second: torch.relu(first + second),
    "mul_relu": lambda first, second: torch.relu(first * second),
}
"""Name of an operation between quantised values -> the same between floats."""


def in_floats(module: nn.Module, where: object) -> nn.Module | None:
    """Give a copy of a network whose quantised modules are float ones with the same weights; None where it has none.

    Parameters
    ----------
    module
        Network that may hold quantised modules; it stays as it is.
    where
        Place for the error.

    Raises
    ------
    CheckpointError
        If a quantised module, or an operation between quantised values, has no counterpart here.

    Examples
    --------
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     network = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 2)), {nn.Linear})
    >>> in_floats(network, "net.pt")
    Sequential(
      (0): Linear(in_features=4, out_features=2, bias=True)
    )
    >>> in_floats(nn.Sequential(nn.Linear(4, 2)), "net.pt") is None
    True
    """
    if not any(is_quantised(part) for part in module.modules()):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces the end of quantised types; old files stay
        return _replaced(copy.deepcopy(module), "", where)


def is_quantised(module: nn.Module) -> bool:
    """Tell whether a module is one of torch.ao's that compute with whole numbers.

    Examples
    --------
    >>> is_quantised(nn.Linear(2, 2)), is_quantised(torch.ao.nn.quantized.Linear(2, 2))
    (False, True)
    """
    found = type(module).__module__
    return bool(re.match(r"torch\.(ao\.)?nn\.(intrinsic\.)?quantized\b", found)) and ".reference" not in found


def _replaced(module: nn.Module, path: str, where: object) -> nn.Module:
    if is_quantised(module):
        return _float_of(module, path, where).eval()
    for name, part in list(module.named_children()):
        if not _is_packing(part):
            setattr(module, name, _replaced(part, f"{path}.{name}".lstrip("."), where))
    return _float_graph(module, where) if isinstance(module, fx.GraphModule) else module


def _is_packing(module: nn.Module) -> bool:
    return type(module).__name__.endswith("PackedParams")


def _float_of(module: Any, path: str, where: object) -> nn.Module:
    """Give the float module of one quantised module."""
    kind = type(module).__name__
    plain = kind.replace("ReLU", "")
    if kind in OTHERS:
        return OTHERS[kind](module)
    if plain in NORMS:
        found = _norm(module, NORMS[plain])
    elif plain == "Linear":
        found = nn.Linear(module.in_features, module.out_features)
        _give(found, module.weight(), module.bias())
    elif plain in CONVOLUTIONS:
        found = _convolution(module, CONVOLUTIONS[plain])
    else:
        raise _refused(where, f"{path or 'the network'}, a {type(module).__module__}.{kind}")
    return nn.Sequential(found, nn.ReLU()) if "ReLU" in kind else found


def _norm(module: Any, kind: Callable[..., nn.Module]) -> nn.Module:
    found = kind(module.num_features, module.eps)
    found.load_state_dict({name: value for name, value in module.state_dict().items() if name in found.state_dict()})
    return found


def _convolution(module: Any, kind: Callable[..., nn.Module]) -> nn.Module:
    settings = {name: getattr(module, name) for name in ("stride", "padding", "dilation", "groups", "padding_mode")}
    found = kind(module.in_channels, module.out_channels, module.kernel_size, **settings)
    _give(found, module.weight(), module.bias())
    return found


def _give(module: Any, weight: Tensor, bias: Tensor | None) -> None:
    """Give a module its weights, as floats."""
    module.weight = nn.Parameter(weight.dequantize() if weight.is_quantized else weight.float())
    module.bias = None if bias is None else nn.Parameter(bias.detach().float())


def _float_graph(module: fx.GraphModule, where: object) -> fx.GraphModule:
    """Take the rounding of values out of a recorded graph."""
    for node in list(module.graph.nodes):
        name = getattr(node.target, "__name__", str(node.target))
        if name in ("quantize_per_tensor", "dequantize"):
            node.replace_all_uses_with(node.args[0])
            module.graph.erase_node(node)
        elif str(node.target).startswith("quantized."):
            function = FUNCTIONS.get(name.partition(".")[0])
            if function is None:
                raise _refused(where, f"the operation {node.target}")
            node.target, node.args = function, node.args[:-2]  # without scale and zero point
    module.graph.eliminate_dead_code()
    module.recompile()
    return module


def _refused(where: object, found: str) -> CheckpointError:
    return CheckpointError(
        where,
        found=f"a network quantised by torch.ao with {found}",
        expected="quantised linear maps, convolutions and batch norms, with or without a ReLU",
        do="give the float network that it was made of",
    )
