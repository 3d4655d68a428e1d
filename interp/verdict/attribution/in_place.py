"""Activations that overwrite their input, while somebody else looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def out_of_place(module: nn.Module) -> Iterator[None]:
    """Turn in-place activations off for a while: Captum's hooks need z to stay what it was."""
    parts = [part for part in module.modules() if getattr(part, "inplace", False) is True]
    for part in parts:
        part.inplace = False  # type: ignore[assignment]
    try:
        yield
    finally:
        for part in parts:
            part.inplace = True  # type: ignore[assignment]
