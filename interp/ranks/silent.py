"""Silence of processes that do what another one does too, which speaks for all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import TextIO


@contextmanager
def silent(is_silent: bool) -> Iterator[None]:
    """Print nothing in the block, of Python's; a process that has to say why it ends writes past that.

    Parameters
    ----------
    is_silent
        Whether to; without, nothing is changed.

    Examples
    --------
    >>> with silent(True):
    ...     print("unheard")
    """
    if not is_silent:
        yield
        return
    with redirect_stdout(_nowhere()), redirect_stderr(_nowhere()):
        yield


@cache
def _nowhere() -> TextIO:
    """Open what keeps nothing, for good: a logger that was set up in a block goes on writing there after it."""
    return Path(os.devnull).open("w")
