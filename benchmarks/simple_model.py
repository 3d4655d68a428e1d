"""How often a network is called better, or worse, than a simple model that is as good: 2.5 % each way are meant.

python benchmarks/simple_model.py [--trials 4000]

Both are drawn with the same truth; ``alike`` is the share of samples on which they do the same, or of R² the
correlation of their errors. None is the worst case: the intervals take the two as independent.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import product

import numpy as np

from interp.analysis import explained_interval, share_interval
from interp.verdict.alerts.scores import Score
from interp.verdict.alerts.simple import difference

SHARES = list(product((45, 133, 540, 2000), (0.6, 0.9, 0.98), (0.0, 0.5, 0.9)))
"""Samples, accuracy of both, and share of samples on which they do the same."""

VALUES = list(product((300, 1000), (0.4,), (0.0, 0.3, 0.5, 0.9)))
"""Samples, R² of both, and correlation of their errors."""


def ends_of_shares(
    rng: np.random.Generator, trials: int, samples: int, accuracy: float, alike: float
) -> Iterator[tuple[float, float]]:
    """Yield the interval of the difference of two networks that are right equally often."""
    for _ in range(trials):
        own = rng.random(samples) < accuracy
        other = np.where(rng.random(samples) < alike, own, rng.random(samples) < accuracy)
        low, high = share_interval(int(own.sum()), samples)
        yield difference(Score(own.mean(), float(low), float(high), samples), float(other.mean()), True)


def ends_of_values(
    rng: np.random.Generator, trials: int, samples: int, explained: float, alike: float
) -> Iterator[tuple[float, float]]:
    """Yield the interval of the difference of two networks that explain equally much, with Gaussian errors."""
    for _ in range(trials):
        shared, *parts = rng.standard_normal((3, samples))
        own, other = ((1 - explained) * (np.sqrt(alike) * shared + np.sqrt(1 - alike) * part) ** 2 for part in parts)
        values = rng.standard_normal(samples)
        spread = (values - values.mean()) ** 2
        sums = own.sum(), spread.sum(), (own**2).sum(), (spread**2).sum(), (own * spread).sum()
        low, high = (float(end) for end in explained_interval(*sums, samples)[-2:])
        score = 1 - own.sum() / spread.sum()
        yield difference(Score(score, low, high, samples), 1 - other.sum() / spread.sum(), False)


def main() -> None:
    """Print a row for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=4000)
    trials = parser.parse_args().trials
    print("| of | samples | score of both | alike | called better | worse |\n|---|---|---|---|---|---|")
    for name, draw, cases in (("accuracy", ends_of_shares, SHARES), ("R²", ends_of_values, VALUES)):
        for number, case in enumerate(cases):
            low, high = np.array([*draw(np.random.default_rng(number), trials, *case)]).T
            shown = " | ".join(map(str, case))
            print(f"| {name} | {shown} | {(low > 0).mean():.2%} | {(high < 0).mean():.2%} |", flush=True)


if __name__ == "__main__":
    main()
