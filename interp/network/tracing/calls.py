"""The torch functions that a network calls, in their order, also those that are called outside modules.

A forward hook of a module misses a linear map that is called as a function, such as the projections of
`nn.MultiheadAttention`, and a batch norm whose module also applies an activation.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

LINEAR_FUNCTIONS = {
    "linear": "linear",
    "conv1d": "conv1d",
    "conv2d": "conv2d",
    "conv3d": "conv3d",
    "conv_transpose1d": "conv-transpose1d",
    "conv_transpose2d": "conv-transpose2d",
    "conv_transpose3d": "conv-transpose3d",
}
"""Name of a torch function with arguments (input, weight, bias, ...) -> kind of its nodes."""

_ORDERS = {
    "linear": ("input", "weight", "bias"),
    "conv": ("input", "weight", "bias", "stride", "padding", "dilation", "groups"),
    "conv-transpose": ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation"),
    "norm": ("input", "running_mean", "running_var"),
}


class Call(NamedTuple):
    """One call of a linear map or of a batch norm.

    Attributes
    ----------
    kind
        Kind of the nodes; ``norm`` for a batch norm.
    arguments
        Name of an argument -> its value.
    """

    kind: str
    arguments: dict[str, Any]

    @property
    def key(self) -> Any:
        """Tensor by which the call is recognised: the weight, or the running mean of a norm."""
        return self.arguments.get("running_mean" if self.kind == "norm" else "weight")


def call_of(function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
    """Name the arguments of a call.

    Parameters
    ----------
    function
        Name of the torch function.
    args, kwargs
        Arguments of the call, by position and by name.

    Returns
    -------
    Call or None
        Call of a linear map or a batch norm; None for any other function.
    """
    kind = "norm" if function == "batch_norm" else LINEAR_FUNCTIONS.get(function)
    if kind is None:
        return None
    order = _ORDERS[kind.rstrip("123d")]
    return Call(kind, {**dict(zip(order, args, strict=False)), **kwargs})


def function_name(function: Callable[..., Any]) -> str:
    """Give the name of a torch function without the underscore of its in-place version."""
    return getattr(function, "__name__", "").strip("_")


def place_of(module: nn.Module, tap: str) -> nn.Module | Tensor:
    """Find the module, parameter or buffer of a dotted name.

    Parameters
    ----------
    module
        Network to look in.
    tap
        Dotted name, as in `NodeLayer.tap`; empty for the network itself.

    Returns
    -------
    Module or Tensor
        Module of that name, or the parameter or buffer by which a call is recognised.

    Raises
    ------
    AttributeError
        If there is nothing of that name.

    Examples
    --------
    >>> place_of(nn.Sequential(nn.Linear(2, 3)), "0.weight").shape
    torch.Size([3, 2])
    """
    found: Any = module
    for part in tap.split(".") if tap else ():
        found = getattr(found, part)
    assert isinstance(found, (nn.Module, Tensor))
    return found


@contextmanager
def _on_top(mode: TorchFunctionMode) -> Iterator[None]:
    """Let a mode see functions while it handles one, without the set-up of its own `with` block."""
    TorchFunctionMode.__enter__(mode)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        TorchFunctionMode.__exit__(mode, None, None, None)  # type: ignore[no-untyped-call]


class Seer(TorchFunctionMode):
    """Mode that calls its method `call` in place of every torch function, those inside attention included."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is F.multi_head_attention_forward:
            with _on_top(self):
                return _opened_attention(*args, **(kwargs or {}))
        return self.call(func, args, kwargs or {})

    def call(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a function."""
        return func(*args, **kwargs)


# torch's own code, except that it does not hand the whole function to a mode, which is to see the parts
_opened_attention: Callable[..., Any] = types.FunctionType(
    F.multi_head_attention_forward.__code__,
    {**vars(F), "has_torch_function": lambda _: False},
    argdefs=F.multi_head_attention_forward.__defaults__,
)
_opened_attention.__kwdefaults__ = F.multi_head_attention_forward.__kwdefaults__
