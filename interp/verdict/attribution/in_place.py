"""Activations that overwrite their input, which hooks still need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def out_of_place(module: nn.Module) -> Iterator[None]:
    """Make in-place activations keep their input in a block: Captum's hooks need z unchanged."""
    parts = [part for part in module.modules() if getattr(part, "inplace", False) is True]
    for part in parts:
        part.inplace = False  # type: ignore[assignment]
    try:
        yield
    finally:
        for part in parts:
            part.inplace = True  # type: ignore[assignment]
