"""Samples whose activations are stored: all, a share or a number of them, drawn by a hash of their index and the seed.

A sample's index and the seed alone decide, so that batches, processes, and the number of samples that are still to
come change nothing: a share is the samples whose hash is below it, a number those of the smallest hashes. Each of
many shares or numbers holds the smaller ones. The hash is SplitMix64 (Steele, Lea and Flood 2014), whose bits are
even and differ for all indices.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, TypeAlias

import numpy as np

from interp.analysis.mergeable.draws import mixed
from interp.errors import UsageError
from interp.types import Array

Store: TypeAlias = bool | int | float
"""Samples that are stored of each split: all (True), none (False), a share (0.1) or a number (5000)."""

EXPECTED = "a share such as 10%, or a number of samples such as 5000"


def store_of(given: Any, label: str) -> Store:
    """Read which samples are to be stored.

    Parameters
    ----------
    given
        Truth value, share above 0 and up to 1, number from 1 on; or one of these two as text, a share also in percent,
        or the word ``all``.
    label
        Name of the setting in errors.

    Returns
    -------
    bool, int or float
        Samples that are stored: all, none, a share or a number; all where the share is 1.

    Raises
    ------
    UsageError
        If it is none of these.

    Examples
    --------
    >>> store_of("12.5%", "--store"), store_of("5000", "--store"), store_of(0.1, "store"), store_of(1.0, "store")
    (0.125, 5000, 0.1, True)
    >>> store_of("200%", "--store")
    Traceback (most recent call last):
    ...
    interp.errors.UsageError: --store: found '200%'; expected a share such as 10%, or a number of samples such as \
5000; leave it out to store all
    """
    found = _said(given) if isinstance(given, str) else given
    if isinstance(found, bool) or (isinstance(found, int) and found >= 1):
        return found
    if isinstance(found, float) and 0 < found <= 1:
        return found if found < 1 else True
    none = "--no-store" if label.startswith("--") else "store=False"
    do = f"give {none} to store none" if found == 0 else "leave it out to store all"
    raise UsageError(label, found=repr(given), expected=EXPECTED, do=do)


def _said(text: str) -> Store | None:
    """Read a number, a share as one or in percent, or ``all``; None where it is none of these."""
    if text == "all":
        return True
    if re.fullmatch(r"[0-9]{1,18}", text):
        return int(text)
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(%?)", text)
    if found is None:
        return None
    return float(found[1]) / 100 if found[2] else float(found[1])


def is_drawn(store: Store) -> bool:
    """Whether some samples are stored and others not, as far as there are enough of them.

    Examples
    --------
    >>> is_drawn(0.1), is_drawn(5000), is_drawn(True), is_drawn(False)
    (True, True, False, False)
    """
    return not isinstance(store, bool)


def stored_samples(samples: int, store: Store, seed: int) -> Array | None:
    """Draw the samples of a split whose activations are stored; one at least.

    Parameters
    ----------
    samples
        Number of samples of the split, S.
    store
        Samples that are stored: all, a share or a number.
    seed
        Seed of the draw.

    Returns
    -------
    Array or None
        Indices of the samples, ascending; None where all are stored.

    Examples
    --------
    >>> stored_samples(20, 0.25, 0).tolist(), stored_samples(20, 3, 0).tolist(), stored_samples(20, 99, 0)
    ([2, 5, 7, 8, 9, 11, 17, 18], [5, 9, 17], None)
    """
    if isinstance(store, bool) or (isinstance(store, int) and store >= samples):
        return None
    hashes = mixed(np.arange(samples), _salt(seed))
    count = store if isinstance(store, int) else max(1, int((hashes < np.uint64(store * 2.0**64)).sum()))
    return None if count == samples else np.sort(np.argpartition(hashes, count - 1)[:count])


def _salt(seed: int) -> int:
    """Give the number of this draw: far from those of other draws of a run, which would be the same samples."""
    return int.from_bytes(hashlib.sha256(f"stored samples, seed {seed}".encode()).digest()[:8], "big")


def rule_of(store: Store, seed: int) -> str:
    """Say how samples are drawn, in words for files and the page; nothing where none are left out.

    Examples
    --------
    >>> rule_of(0.125, 3)
    'drawn by a hash (SplitMix64) of the index of a sample and the seed 3: those below 12.5 % of its range'
    >>> rule_of(5000, 0)
    'drawn by a hash (SplitMix64) of the index of a sample and the seed 0: the 5,000 smallest'
    """
    if isinstance(store, bool):
        return ""
    which = f"the {store:,} smallest" if isinstance(store, int) else f"those below {store * 100:g} % of its range"
    return f"drawn by a hash (SplitMix64) of the index of a sample and the seed {seed}: {which}"
