"""How often intervals of shares hold the truth, computed and not drawn: sums over all that can be counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy import stats

from interp.analysis import share_interval

Interval = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]

WANTED = (0.93, 0.97)
COUNTS = (26, 64, 100, 512, 1000, 10_000)
"""Numbers of nodes or samples."""


def coverage(interval: Interval, count: int, shares: np.ndarray) -> np.ndarray:
    """Give the chance that the interval of a binomial count holds the share it was drawn with, (P,) -> (P,)."""
    low, high = interval(np.arange(count + 1), count)
    first, last = np.searchsorted(high, shares - 1e-12), np.searchsorted(low, shares + 1e-12, side="right") - 1
    return stats.binom.cdf(last, count, shares) - stats.binom.cdf(first - 1, count, shares)


def lines() -> list[str]:
    """Give a row in Markdown for each count.

    Rows: the least coverage over all shares of up to half of the things, looked at on both sides of every end of an
    interval; the largest of those of one expected hit or more; the mean over shares that are drawn evenly; the least
    and largest mean over those behind one count that is seen; and the expected hits from which on all shares lie within
    93 to 97 %.
    """
    return [f"| {count:,} | {' | '.join(_cells(count))} |" for count in COUNTS]


def _cells(count: int) -> Iterator[str]:
    low, high = share_interval(np.arange(count + 1), count)
    ends = np.concatenate([low, high])[:, None] + [-1e-9, 1e-9]
    shares = np.union1d(ends[(ends > 1e-3 / count) & (ends < 0.5)], np.geomspace(0.02 / count, 0.5, 2000))
    held, expected = coverage(share_interval, count, shares), shares * count
    yield f"{held.min():.1%} ({expected[held.argmin()]:.2g})"
    some = np.where(expected >= 1, held, 0)
    yield f"{some.max():.1%} ({expected[some.argmax()]:.2g})"
    behind = stats.beta(np.arange(count + 1) + 1, count - np.arange(count + 1) + 1)
    seen = behind.cdf(high) - behind.cdf(low)
    yield f"{seen.mean():.1%}"
    yield f"{seen.min():.1%} to {seen.max():.1%}"
    outside = expected[(held < WANTED[0]) | (held > WANTED[1])]
    yield f"{outside.max():.2g}"


HEAD = (
    "| of | least (at so many expected hits) | most, from one hit on | mean over shares drawn evenly "
    "| mean behind a count that is seen | all shares within from so many expected hits on |\n|---|---|---|---|---|---|"
)
