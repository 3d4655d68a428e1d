"""Intervals, paired tests and corrections, thin over scipy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from interp.types import Array


def wilson_interval(hits: Array | int, count: Array | int, confidence: float = 0.95) -> tuple[Array, Array]:
    """Give Wilson's score interval of a share (Wilson 1927).

    Parameters
    ----------
    hits
        Successes, any shape.
    count
        Trials, at least 1, for all or one for each.

    Examples
    --------
    >>> low, high = wilson_interval(5, 10)
    >>> round(float(low), 4), round(float(high), 4)
    (0.2366, 0.7634)
    """
    z = stats.norm.ppf(0.5 + confidence / 2)
    share = np.asarray(hits, float) / count
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    # At a share of 0 or 1 the bound is exact; rounding must not push it past.
    return np.where(share == 0, 0.0, centre - half), np.where(share == 1, 1.0, centre + half)


def mcnemar(gained: Array | int, lost: Array | int) -> Array:
    """Give the exact two-sided McNemar p-value (McNemar 1947; binomial form).

    Parameters
    ----------
    gained, lost
        Samples that only the second, or only the first, gets right; any shape.

    Examples
    --------
    >>> float(mcnemar(0, 5))
    0.0625
    """
    gained, lost = np.asarray(gained), np.asarray(lost)
    both_tails = 2 * stats.binom.cdf(np.minimum(gained, lost), gained + lost, 0.5)
    return np.asarray(np.minimum(1.0, both_tails))


def paired_difference(gained: Array, lost: Array, count: int, confidence: float = 0.95) -> tuple[Array, Array, Array]:
    """Give the change of accuracy between two sets of predictions of the same samples, with its interval.

    The interval adds half a pair to either side of the discordant pairs (Agresti and Min 2005),
    which keeps its coverage when few pairs differ.

    Returns
    -------
    difference, low, high
        In shares, (gained - lost) / count and its bounds.
    """
    gained, lost = np.asarray(gained, float), np.asarray(lost, float)
    more, less, total = gained + 0.5, lost + 0.5, count + 2
    z = stats.norm.ppf(0.5 + confidence / 2)
    centre = (more - less) / total
    half = z * np.sqrt(more + less - (more - less) ** 2 / total) / total
    difference = (gained - lost) / count
    low, high = np.minimum(centre - half, difference), np.maximum(centre + half, difference)
    return difference, np.maximum(low, -1), np.minimum(high, 1)


def benjamini_hochberg(p_values: Array) -> Array:
    """Correct p-values for their number (Benjamini and Hochberg 1995); NaN stays NaN and counts for none."""
    corrected: Array = np.full(np.shape(p_values), np.nan)
    known = np.isfinite(p_values)
    if known.any():
        corrected[known] = stats.false_discovery_control(np.asarray(p_values)[known])
    return corrected


def poisson_binomial_law(shares: Array) -> Array:
    """Give P(exactly k of N independent events happen) for k = 0..N, each event with its own share.

    Parameters
    ----------
    shares
        (N, ...): one law for each of the further axes, all built in one pass over the events.

    Returns
    -------
    law
        (N + 1, ...).

    Examples
    --------
    >>> poisson_binomial_law(np.array([0.5, 0.5]))
    array([0.25, 0.5 , 0.25])
    """
    law = np.zeros((len(shares) + 1, *shares.shape[1:]))
    law[0] = 1
    for known, share in enumerate(shares, 1):
        happens = law[:known] * share
        law[:known] *= 1 - share
        law[1 : known + 1] += happens
    return law


def bootstrap_shares(flags: Array, repetitions: int, seed: int, confidence: float = 0.95) -> tuple[Array, Array]:
    """Give the percentile bootstrap interval of column shares, resampling rows (Efron 1979).

    Parameters
    ----------
    flags
        (N, E) booleans, N >= 1.

    Returns
    -------
    low, high
        (E,).
    """
    draws = np.random.default_rng(seed).multinomial(len(flags), np.full(len(flags), 1 / len(flags)), repetitions)
    shares = draws @ flags.astype(float) / len(flags)
    edge = (1 - confidence) / 2
    low, high = np.quantile(shares, [edge, 1 - edge], axis=0)
    return low, high


def paired_bootstrap(right: Array, repetitions: int = 400, seed: int = 0) -> Array:
    """Draw the samples anew and give the share that is right under every edit (Efron 1979).

    All edits see the same samples of a draw, so that what is computed from several of them, such as a difference
    or the level at which a curve falls, varies as it would over data sets.

    Parameters
    ----------
    right
        (E, S) booleans: which of S samples the network gets right under each of E edits.

    Returns
    -------
    shares
        (repetitions, E).
    """
    samples = right.shape[1]
    drawn = np.random.default_rng(seed).multinomial(samples, np.full(samples, 1 / samples), repetitions)
    shares: Array = drawn.astype(np.float32) @ right.T.astype(np.float32) / samples
    return shares


def percentile_interval(draws: Array, confidence: float = 0.95) -> tuple[Array, Array]:
    """Give the central range of bootstrap draws, (R, ...) -> two (...); the ends are draws, so infinities may stand.

    Examples
    --------
    >>> low, high = percentile_interval(np.arange(1, 101))
    >>> int(low), int(high)
    (3, 98)
    """
    edge = (1 - confidence) / 2
    low, high = np.quantile(draws, [edge, 1 - edge], axis=0, method="inverted_cdf")
    return low, high


def mean_interval(values: Array, confidence: float = 0.95) -> tuple[float, float, float]:
    """Give the mean of independent runs and its t interval (Student 1908); NaN ends for one run.

    Examples
    --------
    >>> [round(x, 3) for x in mean_interval(np.array([1.0, 2.0, 3.0]))]
    [2.0, -0.484, 4.484]
    """
    values = np.asarray(values, float)
    mean, runs = float(np.mean(values)), len(values)
    if runs < 2:
        return mean, float("nan"), float("nan")
    half = float(stats.t.ppf(0.5 + confidence / 2, runs - 1) * np.std(values, ddof=1) / np.sqrt(runs))
    return mean, mean - half, mean + half


def mean_from_sums(
    total: Array, squares: Array, count: int, confidence: float = 0.95
) -> tuple[Array, Array, Array, Array]:
    """Give means, their t intervals and p-values against 0, from sums over samples (Student 1908).

    Parameters
    ----------
    total, squares
        Sums of the values and of their squares, any shape.
    count
        Samples; with fewer than 2, or without any spread, an interval is the mean alone.

    Returns
    -------
    mean, low, high, p_value
        The p-value is 1 where all values are 0.

    Examples
    --------
    >>> [round(float(x), 3) for x in mean_from_sums(np.array(6.0), np.array(14.0), 3)]
    [2.0, -0.484, 4.484, 0.074]
    """
    total, squares = np.asarray(total, float), np.asarray(squares, float)
    mean, free = total / count, max(count - 1, 1)
    error = np.sqrt(np.maximum(squares - total**2 / count, 0) / free / count)
    half = stats.t.ppf(0.5 + confidence / 2, free) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(error > 0, np.abs(mean) / error, np.where(mean == 0, 0.0, np.inf))
    p_value = np.where(np.isnan(mean), np.nan, 2 * stats.t.sf(t, free))
    return mean, mean - half, mean + half, p_value


@dataclass(frozen=True)
class RunsTest:
    """Several runs with and without an intervention, paired by run.

    Attributes
    ----------
    difference, low, high
        Mean change over runs and its t interval.
    t, p_value
        Paired t-test against no change, two-sided.
    effect_size
        Cohen's d of paired differences: mean / standard deviation.
    runs
        How many.
    """

    difference: float
    low: float
    high: float
    t: float
    p_value: float
    effect_size: float
    runs: int


def paired_runs(unperturbed: Array, perturbed: Array, confidence: float = 0.95) -> RunsTest:
    """Test the change of a figure over independently trained networks (Student 1908).

    NaN where nothing can be said: one run, or the same change in all.

    Examples
    --------
    >>> found = paired_runs(np.array([0.9, 0.8, 0.7]), np.array([0.8, 0.6, 0.4]))
    >>> round(found.difference, 3), round(found.t, 3), round(found.effect_size, 3)
    (-0.2, -3.464, -2.0)
    """
    change = np.asarray(perturbed, float) - np.asarray(unperturbed, float)
    runs, mean = len(change), float(np.mean(change))
    spread = float(np.std(change, ddof=1)) if runs > 1 else 0.0
    if spread <= 1e-12 * max(abs(mean), 1e-300):
        nan = float("nan")
        return RunsTest(mean, nan, nan, nan, nan, nan, runs)
    test = stats.ttest_rel(perturbed, unperturbed)
    ends = test.confidence_interval(confidence)
    return RunsTest(
        mean, float(ends.low), float(ends.high), float(test.statistic), float(test.pvalue), mean / spread, runs
    )


def detectable_difference(count: int, discordant: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """Give the smallest change of accuracy that McNemar's test would find (Connor 1987).

    Parameters
    ----------
    count
        Samples.
    discordant
        Share of samples that are right in one of two sets of predictions only, in (0, 1].
    power, alpha
        Chance to find it; chance of a false alarm.

    Examples
    --------
    >>> round(detectable_difference(10_000, 0.01), 5)
    0.0028
    """
    at_null, at_change = stats.norm.ppf(1 - alpha / 2), stats.norm.ppf(power)
    change = 0.0
    for _ in range(50):  # a contraction: the change enters its own variance, weakly
        spread = np.sqrt(max(discordant - change**2, 0.0))
        change = min((at_null * np.sqrt(discordant) + at_change * spread) / np.sqrt(count), discordant)
    return float(change)
