"""Functions that read weights which have no values at that moment, since they are kept elsewhere: an error.

torch gives some of them a result, without a word: ``x @ weight`` of a weight on torch's device ``meta`` holds whatever
lies in memory, and ``x += bias`` leaves x as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from typing import Any

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from interp.errors import CheckpointError
from interp.network.tracing.uses import tensors_in


class EmptyWeightError(CheckpointError):
    """A function reads a weight while its values are elsewhere."""


def refused(module: nn.Module) -> AbstractContextManager[object]:
    """Refuse, in a block, functions of values and of a weight without values.

    Parameters
    ----------
    module
        Network. Where all of its tensors have values, nothing is looked at.

    Returns
    -------
    context manager
        Block, in which such a function raises `EmptyWeightError`.

    Examples
    --------
    >>> import torch
    >>> layer = nn.Linear(2, 3, bias=False, device="meta")
    >>> with refused(layer):
    ...     layer(torch.ones(1, 2))
    Traceback (most recent call last):
    interp.network.tracing.without_values.EmptyWeightError: ...
    """
    return _Refusing(module) if any(tensor.is_meta for _, tensor in _held(module)) else nullcontext()


class _Refusing(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Looks at the arguments of every kernel that torch calls, also of those inside of functions."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._module = module

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        given = tensors_in([*args, *(kwargs or {}).values()])
        empty = next((tensor for tensor in given if tensor.is_meta), None)
        if empty is not None and not all(tensor.is_meta for tensor in given):
            raise self._error(empty)
        return func(*args, **(kwargs or {}))

    def _error(self, empty: Tensor) -> EmptyWeightError:
        """Name the weight, also where a view of it is read."""
        storage = empty.untyped_storage()._cdata
        names = [name for name, one in _held(self._module) if one.is_meta and one.untyped_storage()._cdata == storage]
        return EmptyWeightError(
            f"<module {type(self._module).__name__}>",
            found=f"a function that reads {names[0] if names else 'a weight'}, which is kept elsewhere, from outside of"
            " what loads it",
            expected="weights that are read inside the part that loads them",
            do="let fully_shard, or accelerate's preload_module_classes, take a module that holds all of its readers",
        )


def _held(module: nn.Module) -> chain[tuple[str, Tensor]]:
    return chain(module.named_parameters(), module.named_buffers())
