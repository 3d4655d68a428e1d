"""Intervals over samples: accuracy, R², their changes, tolerances, and means over runs."""

from __future__ import annotations

import numpy as np

from interp.analysis import (
    agresti_interval,
    explained_change,
    explained_interval,
    mean_interval,
    paired_difference,
    paired_runs,
)
from interp.interventions.readouts.tolerance import tolerance, tolerance_row

Covered = np.ndarray
"""1 where an interval holds the truth, 0 where it does not, NaN where there is none."""


def held(low, high, truth) -> Covered:
    known = ~(np.isnan(low) | np.isnan(high))
    return np.where(known, (low <= truth + 1e-12) & (truth <= high + 1e-12), np.nan)


def accuracy(rng, trials, samples, share) -> Covered:
    return held(*agresti_interval(rng.binomial(samples, share, trials), samples), share)


def change(rng, trials, samples, gain, loss) -> Covered:
    drawn = rng.multinomial(samples, [gain, loss, 1 - gain - loss], trials)
    return held(*paired_difference(drawn[:, 0], drawn[:, 1], samples)[1:], gain - loss)


SHAPES = {
    "normal": lambda rng, size: rng.normal(size=size),
    "laplace": lambda rng, size: rng.laplace(size=size) / np.sqrt(2),
    "t5": lambda rng, size: rng.standard_t(5, size=size) / np.sqrt(5 / 3),
    "gamma": lambda rng, size: rng.gamma(4, 0.5, size=size) - 2,
    "exponential": lambda rng, size: rng.exponential(size=size) - 1,
}
"""Laws of mean 0 and variance 1."""


def explained(rng, trials, samples, answers, errors, r2=0.8) -> Covered:
    values = SHAPES[answers](rng, (trials, samples))
    error = (SHAPES[errors](rng, values.shape) ** 2) * (1 - r2)
    spread = (values - values.mean(1, keepdims=True)) ** 2
    sums = (error.sum(1), spread.sum(1), (error**2).sum(1), (spread**2).sum(1), (error * spread).sum(1))
    return held(*explained_interval(*sums, samples), r2)


def change_of_explained(rng, trials, samples, answers, errors, r2=0.8, worse=0.1) -> Covered:
    values = SHAPES[answers](rng, (trials, samples))
    first = SHAPES[errors](rng, values.shape) * np.sqrt(1 - r2)
    second = first + rng.normal(size=values.shape) * np.sqrt(worse)
    less, spread = first**2 - second**2, (values - values.mean(1, keepdims=True)) ** 2
    sums = (less.sum(1), spread.sum(1), (less**2).sum(1), (spread**2).sum(1), (less * spread).sum(1))
    return held(*explained_change(*sums, samples), -worse)


LEVELS = {"scale": np.linspace(0, 1, 41).round(4), "offset": np.linspace(-0.5, 0.5, 81).round(4)}


def bounds(rng, trials, samples, lost, power, which) -> Covered:
    """Cost grows as (distance from the no-op / `lost`)^power, through 1 % at `lost`; a quarter of it for shifts."""
    away = {"scale": 1 - LEVELS["scale"], "offset": np.abs(LEVELS["offset"])}
    cost = {
        kind: np.minimum(0.01 * (away[kind] / (lost if kind == "scale" else lost / 4)) ** power, 1) for kind in away
    }
    found = tolerance(LEVELS, {kind: 1 - part for kind, part in cost.items()})
    truth = {"scale_low": found.scale[0], "width": found.width, "ratio": found.ratio}[which]
    out = []
    for trial in range(trials):
        first = rng.random(samples)
        second = np.where(rng.random(samples) < 0.5, first, rng.random(samples))
        right = {
            "scale": first >= cost["scale"][:, None],
            "offset": second >= cost["offset"][:, None],
        }
        row = tolerance_row(LEVELS, right, trial, 400)
        out.append(held(row[f"{which}_from"], row[f"{which}_to"], truth))
    return np.array(out, float)


def runs(rng, trials, count, shape) -> Covered:
    drawn = 0.9 + 0.02 * SHAPES[shape](rng, (trials, count))
    ends = np.array([mean_interval(one)[1:] for one in drawn])
    return held(ends[:, 0], ends[:, 1], 0.9)


def change_of_runs(rng, trials, count, shape) -> Covered:
    before = rng.normal(0.9, 0.02, (trials, count))
    tests = [paired_runs(one, one - 0.01 + 0.01 * SHAPES[shape](rng, count)) for one in before]
    return held(np.array([test.low for test in tests]), np.array([test.high for test in tests]), -0.01)
