"""Calls of torch's own operations, as exported programs and TorchScript make them.

Arguments come by the names that torch's schemas give them. A value that the network computes is a `Ref`, a stored
tensor a `Stored`; everything else is a plain number, list or None. Integers that depend on the input are `UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from interp.checkpoints.graph.aten import OPERATIONS, Arguments
from interp.checkpoints.graph.steps import Step, UnknownOperation, layer_name
from interp.checkpoints.graph.values import UNKNOWN, Ref, Stored, Unknown


def read_operation(name: str, given: Sequence[Any], named: Arguments, output: str) -> Step | Ref | Stored | Unknown:
    """Read one call of a torch operation.

    Parameters
    ----------
    name
        Name of the operation, such as ``conv2d``; in-place forms count as the plain ones.
    given, named
        Arguments by position and by name.
    output
        Name for the value that it makes.

    Returns
    -------
    Step, Ref, Stored or Unknown
        A step of the network; a value that is passed on unchanged; a stored tensor laid out anew; or a value that no
        input reaches.

    Raises
    ------
    UnknownOperation
        If it is not listed, or not in this form.
    """
    plain = name.rstrip("_") if not name.startswith("_") else name
    if plain in PASSING:
        return _passed(plain, given, named)
    if plain in LAID_OUT and isinstance(_first(given, named), Stored):
        return _laid_out(plain, given, named)
    if not any(isinstance(value, Ref) for value in _flat([*given, *named.values()])):
        return UNKNOWN
    operation = OPERATIONS.get(plain)
    if operation is None:
        raise UnknownOperation(plain)
    arguments = {**dict(zip(operation.names, given, strict=False)), **named}
    if odd := named.keys() - {*operation.names, *WITHOUT_EFFECT}:
        raise UnknownOperation(f"{plain} with {sorted(odd)[0]}")
    inputs = tuple(value.name for value in _flat(arguments.values()) if isinstance(value, Ref))
    part = operation.part(arguments)
    weight = arguments.get("weight")
    return Step(layer_name(weight.name, output) if isinstance(weight, Stored) else output, part, inputs, output)


def _flat(values: Any) -> list[Any]:
    return [one for value in values for one in (value if isinstance(value, list) else [value])]


def _first(given: Sequence[Any], named: Arguments) -> Any:
    return given[0] if given else next(iter(named.values()), None)


# --------------------------------------------------------------------------- what needs no part

PASSING = {
    "alias", "clone", "contiguous", "detach", "dropout", "feature_dropout", "alpha_dropout", "identity",
    "lift_fresh_copy", "to", "_to_copy", "type_as", "native_dropout", "_assert_tensor_metadata",
}  # fmt: skip
"""Operations that pass their first argument on, in eval mode and in one precision."""

WITHOUT_EFFECT = {"dtype", "layout", "device", "memory_format", "inplace", "half_to_float", "cudnn_enable"}
"""Named arguments that change no value, since all is computed in one precision on one device."""

FLOATS = (5, 6, 7, 15)  # torch's codes of half, float, double and bfloat16
LAID_OUT = ("t", "permute", "transpose", "numpy_T", "view", "reshape")


def _passed(name: str, given: Sequence[Any], named: Arguments) -> Ref | Stored:
    value = _first(given, named)
    if not isinstance(value, (Ref, Stored)):
        raise UnknownOperation("a copy of a number")
    for kind in [*given[1:], *named.values()]:
        whole = isinstance(kind, torch.dtype) and not kind.is_floating_point
        if whole or (type(kind) is int and name == "to" and kind not in FLOATS):
            raise UnknownOperation("a cast to whole numbers")
    return value


def _laid_out(name: str, given: Sequence[Any], named: Arguments) -> Stored:
    stored, *rest = [*given, *named.values()]
    try:
        if name in ("t", "numpy_T"):
            return Stored(stored.name, stored.tensor.T)
        return Stored(stored.name, getattr(stored.tensor, name)(*rest))
    except (TypeError, RuntimeError) as error:
        raise UnknownOperation(f"{name} of {stored.name}") from error
