"""How often a network is called better, or worse, than a simple model that is as good: 2.5 % each way are meant.

python benchmarks/simple_model.py [--trials 4000]

Both are drawn with the same truth. Of accuracy, ``alike`` is the share of samples on which they do the same; none is
the worst case, since the interval takes the two as independent. Of R² it is the share of the variance of their errors
that is common; the interval is paired. The worst case is errors of unlike tails: a mean of squares with a long tail is
mostly below the truth, so that the one with the longer tail looks better than it is.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from interp.analysis import share_interval
from interp.types import Array
from interp.verdict.alerts.scores import Score
from interp.verdict.alerts.simple import difference
from interp.verdict.lead import lead_interval

SHARES = list(product((45, 133, 540, 2000), (0.6, 0.9, 0.98), (0.0, 0.5, 0.9)))
"""Samples, accuracy of both, and share of samples on which they do the same."""

Draw = Callable[[np.random.Generator, int], Array]
"""Function of a generator and a number of samples that draws values of mean 0 and variance 1."""

KINDS: dict[str, Draw] = {
    "Gaussian": lambda rng, count: rng.standard_normal(count),
    "uniform": lambda rng, count: rng.uniform(-1, 1, count) * 3**0.5,
    "two-valued": lambda rng, count: rng.choice([-1.0, 1.0], count),
    "Laplace": lambda rng, count: rng.laplace(size=count) / 2**0.5,
    "t of 5": lambda rng, count: rng.standard_t(5, count) * 0.6**0.5,
    "t of 3": lambda rng, count: rng.standard_t(3, count) / 3**0.5,
    "2 % six times as wide": lambda rng, count: (
        rng.standard_normal(count) * np.where(rng.random(count) < 0.02, 6, 1) / 1.7**0.5
    ),
}
"""Name of a distribution -> values of it."""

ALIKE_TAILS = [(one, one) for one in ("Gaussian", "uniform", "Laplace", "t of 5", "2 % six times as wide")]
UNLIKE_TAILS = [("Gaussian", one) for one in ("Laplace", "t of 5", "t of 3", "2 % six times as wide")]
"""Distributions of the network's errors and of the simple model's."""

VALUES: list[tuple[int, str, tuple[str, str], float]] = [
    *product((300, 1000), ("Gaussian", "uniform", "two-valued"), [*ALIKE_TAILS, *UNLIKE_TAILS], (0.0,)),
    *product((300, 1000), ("uniform",), ALIKE_TAILS[:3], (0.5, 0.9)),
]
"""Samples, distribution of the targets, of the errors of both, and share of the errors' variance that is common."""

EXPLAINED = 0.4
"""R² of both."""


def ends_of_shares(
    rng: np.random.Generator, trials: int, samples: int, accuracy: float, alike: float
) -> Iterator[tuple[float, float]]:
    """Yield the interval of the difference of two networks that are right equally often."""
    for _ in range(trials):
        own = rng.random(samples) < accuracy
        other = np.where(rng.random(samples) < alike, own, rng.random(samples) < accuracy)
        low, high = share_interval(int(own.sum()), samples)
        yield difference(Score(own.mean(), float(low), float(high), samples), float(other.mean()))


def ends_of_values(
    rng: np.random.Generator, trials: int, samples: int, targets: str, errors: tuple[str, str], alike: float
) -> Iterator[tuple[float, float]]:
    """Yield the interval of the difference of two models that explain equally much."""
    for _ in range(trials):
        values, common = KINDS[targets](rng, samples), KINDS[errors[0]](rng, samples)
        own, other = (np.sqrt(alike) * common + np.sqrt(1 - alike) * KINDS[kind](rng, samples) for kind in errors)
        scale = (1 - EXPLAINED) ** 0.5
        yield lead_interval(*((values + scale * part)[:, None] for part in (own, other, 0 * values)))


ASKED: list[tuple[str, Callable[..., Iterator[tuple[float, float]]], Sequence[tuple[Any, ...]]]] = [
    ("accuracy", ends_of_shares, SHARES),
    ("R²", ends_of_values, VALUES),
]
"""Score, function that draws intervals of its differences, and its cases."""


def main() -> None:
    """Print a row for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=4000)
    trials = parser.parse_args().trials
    print("| of | case | called better | worse |\n|---|---|---|---|")
    for name, draw, cases in ASKED:
        for number, case in enumerate(cases):
            low, high = np.array([*draw(np.random.default_rng(number), trials, *case)]).T
            shown = ", ".join(map(str, case))
            print(f"| {name} | {shown} | {(low > 0).mean():.2%} | {(high < 0).mean():.2%} |", flush=True)


if __name__ == "__main__":
    main()
