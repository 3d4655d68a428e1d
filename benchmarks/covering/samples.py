"""Intervals over samples: accuracy, R², their changes, tolerances, and means over runs."""

from __future__ import annotations

import numpy as np

from interp.analysis import (
    explained_change,
    explained_interval,
    mean_interval,
    paired_difference,
    paired_runs,
    share_interval,
)
from interp.interventions.readouts.tolerance import tolerance, tolerance_row

Covered = np.ndarray
"""1 where an interval holds the truth, 0 where it does not, NaN where there is none."""


def held(low, high, truth) -> Covered:
    low, high, truth = np.broadcast_arrays(low, high, truth)
    known = ~(np.isnan(low) | np.isnan(high))
    return np.where(known, (low <= truth + 1e-12) & (truth <= high + 1e-12), np.nan)


def accuracy(rng, trials, samples, least) -> Covered:
    """Draw accuracies evenly from the least to 1, and the number of right samples of each."""
    share = rng.uniform(least, 1, trials)
    return held(*share_interval(rng.binomial(samples, share), samples), share)


def accuracy_seen(rng, trials, samples, wrong) -> Covered:
    """Draw accuracies evenly, and keep those of which so many samples are wrong."""
    shares = kept(lambda share: rng.binomial(samples, share) == wrong, rng, trials, min((3 * wrong + 15) / samples, 1))
    return held(*share_interval(samples - wrong, samples), 1 - shares)


def kept(is_seen, rng, trials, most) -> np.ndarray:
    """Draw shares evenly up to `most`, beyond which next to none is seen, until there are as many as trials."""
    found = np.empty(0)
    while len(found) < trials:
        share = rng.uniform(0, most, 200_000)
        found = np.concatenate([found, share[is_seen(share)]])
    return found[:trials]


def change(rng, trials, samples, most_gain, most_loss) -> Covered:
    """Draw shares of gained and lost samples evenly, and how many there are of each."""
    gain, loss = rng.uniform(0, most_gain, trials), rng.uniform(0, most_loss, trials)
    gained = rng.binomial(samples, gain)
    lost = rng.binomial(samples - gained, loss / (1 - gain))
    return held(*paired_difference(gained, lost, samples)[1:], gain - loss)


def change_seen(rng, trials, samples, gained, lost) -> Covered:
    """Draw shares of gained and lost samples evenly, and keep those of which so many are."""
    found = np.empty(0)
    while len(found) < trials:
        gain, loss = (rng.uniform(0, (3 * seen + 15) / samples, 500_000) for seen in (gained, lost))
        gains = rng.binomial(samples, gain)
        is_seen = (gains == gained) & (rng.binomial(samples - gains, loss / (1 - gain)) == lost)
        found = np.concatenate([found, (gain - loss)[is_seen]])
    return held(*paired_difference(np.array(gained), np.array(lost), samples)[1:], found[:trials])


SHAPES = {
    "normal": lambda rng, size: rng.normal(size=size),
    "laplace": lambda rng, size: rng.laplace(size=size) / np.sqrt(2),
    "t5": lambda rng, size: rng.standard_t(5, size=size) / np.sqrt(5 / 3),
    "gamma": lambda rng, size: rng.gamma(4, 0.5, size=size) - 2,
    "exponential": lambda rng, size: rng.exponential(size=size) - 1,
    "uniform": lambda rng, size: rng.uniform(-(3**0.5), 3**0.5, size=size),
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


def bounds(rng, trials, samples, least, most, power, which) -> Covered:
    """Cost grows as (distance from the no-op / lost)^power, through 1 % at `lost`; a quarter of it for shifts.

    `lost` is drawn evenly for every simulation, between the least and the most.
    """
    out = []
    for trial in range(trials):
        cost = _cost(rng.uniform(least, most) if least < most else least, power)
        found = tolerance(LEVELS, {kind: 1 - part for kind, part in cost.items()})
        truth = {"scale_low": found.scale[0], "width": found.width}[which]
        first = rng.random(samples)
        second = np.where(rng.random(samples) < 0.5, first, rng.random(samples))
        right = {
            "scale": first >= cost["scale"][:, None],
            "offset": second >= cost["offset"][:, None],
        }
        row = tolerance_row(LEVELS, right, trial, 400)
        out.append(held(row[f"{which}_from"], row[f"{which}_to"], truth))
    return np.array(out, float)


def _cost(lost, power) -> dict[str, np.ndarray]:
    away = {"scale": (1 - LEVELS["scale"]) / lost, "offset": np.abs(LEVELS["offset"]) / lost * 4}
    return {kind: np.minimum(0.01 * part**power, 1) for kind, part in away.items()}


def runs(rng, trials, count, shape) -> Covered:
    drawn = 0.9 + 0.02 * SHAPES[shape](rng, (trials, count))
    ends = np.array([mean_interval(one)[1:] for one in drawn])
    return held(ends[:, 0], ends[:, 1], 0.9)


def change_of_runs(rng, trials, count, shape) -> Covered:
    before = rng.normal(0.9, 0.02, (trials, count))
    tests = [paired_runs(one, one - 0.01 + 0.01 * SHAPES[shape](rng, count)) for one in before]
    return held(np.array([test.low for test in tests]), np.array([test.high for test in tests]), -0.01)
