"""How often intervals of shares hold the truth, computed and not drawn: sums over all that can be counted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import stats

from interp.analysis import agresti_interval, share_interval

Interval = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]

WANTED = (0.93, 0.97)
SHARES = {"share of nodes": (share_interval, (5, 10, 20, 64, 512)), "accuracy": (agresti_interval, (100, 1000, 10_000))}
"""Interval on the page -> its function, and numbers of nodes or samples."""


def coverage(interval: Interval, count: int, shares: np.ndarray) -> np.ndarray:
    """Give the chance that the interval of a binomial count holds the share it was drawn with, (P,) -> (P,)."""
    low, high = interval(np.arange(count + 1), count)
    first, last = np.searchsorted(high, shares - 1e-12), np.searchsorted(low, shares + 1e-12, side="right") - 1
    return stats.binom.cdf(last, count, shares) - stats.binom.cdf(first - 1, count, shares)


def lines() -> list[str]:
    """Give a row in Markdown for each interval and count.

    Rows: the least coverage over all shares of at least one expected hit and miss; its mean over them; the share of
    them within 93 to 97 %; the number of hits from which on all lie within, and the coverage of a tenth of a hit.
    """
    out = []
    for name, (interval, counts) in SHARES.items():
        for count in counts:
            expected = np.geomspace(0.02, count / 2, 4000)
            held = coverage(interval, count, expected / count)
            some = expected >= 1
            mean = np.average(held, weights=np.gradient(expected))
            within = np.average((held >= WANTED[0]) & (held <= WANTED[1]), weights=np.gradient(expected))
            outside = expected[(held < WANTED[0]) | (held > WANTED[1])]
            settled = f"{outside.max():.2g}" if outside.max() < count / 2 * 0.99 else "never"
            cells = [f"{held.min():.1%} ({expected[held.argmin()]:.2g})", f"{held[some].max():.1%}", f"{mean:.1%}"]
            out.append(f"| {name} | {count:,} | {' | '.join(cells)} | {within:.0%} | {settled} |")
    return out


HEAD = (
    "| interval | of | least (at so many expected hits) | most, from one hit on | mean over all shares "
    "| shares within 93 to 97 % | all within from so many expected hits on |\n|---|---|---|---|---|---|---|"
)
