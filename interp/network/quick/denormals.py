"""Passes without denormal numbers, each of which takes a processor as long as a hundred others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

DENORMAL = 2.0**-140
"""A float32 that is denormal: below 2^-126, about 1e-38."""


@contextmanager
def denormals_as_zero() -> Iterator[None]:
    """Take denormal numbers for 0 in this thread, as far as its processor can.

    Slopes of a network that is sure of its answers are full of them, and matter to no sum that is not one itself.
    Threads that others begin in it have their own setting.

    Examples
    --------
    >>> with denormals_as_zero():
    ...     pass
    """
    before = are_zero()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def are_zero() -> bool:
    """Whether denormal numbers are taken for 0 in this thread; torch does not tell.

    Examples
    --------
    >>> are_zero()
    False
    """
    return float(torch.tensor([DENORMAL]).mul(1)) == 0
