"""Random draws that a sample's index alone decides: the same in any block, shard or process."""

from __future__ import annotations

import numpy as np

from interp.types import Array


def mixed(indices: Array, salt: int = 0) -> Array:
    """Turn indices into random bits (Steele, Lea and Flood 2014, SplitMix64).

    Parameters
    ----------
    indices
        Whole numbers from 0, any shape.
    salt
        Number of the draw: another one gives other bits.

    Returns
    -------
    Array
        Bits, uint64, of the same shape.

    Examples
    --------
    >>> mixed(np.array([0, 1, 0])).tolist()[::2]
    [16294208416658607535, 16294208416658607535]
    """
    step = 0x9E3779B97F4A7C15
    bits = np.asarray(indices).astype(np.uint64) * np.uint64(step) + np.uint64((salt + 1) * step % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(bits ^ (bits >> np.uint64(31)))


def second_half(samples: Array) -> Array:
    """Put samples into one of two halves by a hash of each one's index, also where their number is not known yet.

    Values of known samples are divided by `interp.analysis.components.halves`, into halves of the same size.

    Parameters
    ----------
    samples
        Index of each sample (S,).

    Returns
    -------
    Array
        True for each sample of the second half (S,).

    Examples
    --------
    >>> int(second_half(np.arange(1000)).sum())
    483
    """
    return np.asarray(mixed(samples) >> np.uint64(63) == 1)
