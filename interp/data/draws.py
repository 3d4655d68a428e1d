"""Random draws that leave the generators of torch, numpy and Python as they were."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def fixed_draws(seed: int, generators: Iterable[torch.Generator | None] = ()) -> Iterator[None]:
    """Seed the global random generators in a block, and restore the states of all generators after it.

    Parameters
    ----------
    seed
        Seed of the global generators of torch, numpy and Python in the block.
    generators
        Further generators of torch whose states are restored; None among them is skipped.

    Examples
    --------
    >>> state = random.getstate()
    >>> with fixed_draws(0):
    ...     first = random.random()
    >>> with fixed_draws(0):
    ...     second = random.random()
    >>> first == second, random.getstate() == state
    (True, True)
    """
    kept = [(part, part.get_state()) for part in generators if part is not None]
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  # the user's code may draw from it
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices):
        try:
            torch.manual_seed(seed)
            random.seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002
            for part, state in kept:
                part.set_state(state)
