"""The torch functions that a network calls: seen in order, also where no module does the calling.

A module's forward hook does not see a linear map that is called as a function, such as the projections
of `nn.MultiheadAttention`, nor a batch-norm whose module applies an activation too.
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
"""Torch function that takes (input, weight, bias, ...) -> kind of its nodes."""

_ORDERS = {
    "linear": ("input", "weight", "bias"),
    "conv": ("input", "weight", "bias", "stride", "padding", "dilation", "groups"),
    "conv-transpose": ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation"),
    "norm": ("input", "running_mean", "running_var"),
}


class Call(NamedTuple):
    """One call of a linear map or of a norm: its kind (``norm`` for a batch-norm) and arguments by name."""

    kind: str
    arguments: dict[str, Any]

    @property
    def key(self) -> Any:
        """The tensor that tells whose call it is: the weight, or a norm's running mean."""
        return self.arguments.get("running_mean" if self.kind == "norm" else "weight")


def call_of(function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
    """Name the arguments of a linear map or a batch-norm; None for any other function."""
    kind = "norm" if function == "batch_norm" else LINEAR_FUNCTIONS.get(function)
    if kind is None:
        return None
    order = _ORDERS[kind.rstrip("123d")]
    return Call(kind, {**dict(zip(order, args, strict=False)), **kwargs})


def function_name(function: Callable[..., Any]) -> str:
    """Give a torch function's name without the mark of in-place ones."""
    return getattr(function, "__name__", "").strip("_")


def place_of(module: nn.Module, tap: str) -> nn.Module | Tensor:
    """Find what a tap names: a module, or the parameter or buffer that marks a call.

    Raises
    ------
    AttributeError
        If there is none of that name.
    """
    found: Any = module
    for part in tap.split(".") if tap else ():
        found = getattr(found, part)
    assert isinstance(found, (nn.Module, Tensor))
    return found


@contextmanager
def _on_top(mode: TorchFunctionMode) -> Iterator[None]:
    """Let a mode see functions while it handles one, without what its own `with` does besides."""
    TorchFunctionMode.__enter__(mode)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        TorchFunctionMode.__exit__(mode, None, None, None)  # type: ignore[no-untyped-call]


class Seer(TorchFunctionMode):
    """Calls `call` in place of every torch function that runs, those inside attention included."""

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


# torch's own code, but for the question whether a mode wants the whole function: it wants the parts
_opened_attention: Callable[..., Any] = types.FunctionType(
    F.multi_head_attention_forward.__code__,
    {**vars(F), "has_torch_function": lambda _: False},
    argdefs=F.multi_head_attention_forward.__defaults__,
)
_opened_attention.__kwdefaults__ = F.multi_head_attention_forward.__kwdefaults__
