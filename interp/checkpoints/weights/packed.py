"""Mappings whose values are tensors, or the packed pairs of quantised layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

PACKED = "_packed_params._packed_params"


def tensors_in(mapping: Mapping[Any, Any]) -> dict[str, Tensor]:
    """Give a mapping's tensors by name; a quantised layer's (weight, bias) under the names of a plain one's."""
    found: dict[str, Tensor] = {}
    for key, value in mapping.items():
        name = str(key)
        if isinstance(value, Tensor):
            found[name] = Tensor.detach(value)  # not the tensor's own: a pickle may hide it behind an attribute
        elif name.endswith(PACKED) and _is_pair(value):
            parent = name.removesuffix(PACKED)
            pair = {parent + own: tensor for own, tensor in zip(("weight", "bias"), value, strict=True)}
            found |= {own: Tensor.detach(tensor) for own, tensor in pair.items() if tensor is not None}
    return found


def _is_pair(value: Any) -> bool:
    """Whether this is (weight, bias or None), as torch.ao's quantised `Linear` saves."""
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and isinstance(value[0], Tensor)
        and (value[1] is None or isinstance(value[1], Tensor))
    )
