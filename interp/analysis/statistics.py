"""Intervals of means, paired tests and corrections for many tests, mostly scipy's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from interp.types import Array


def mcnemar(gained: Array | int, lost: Array | int) -> Array:
    """Give the exact two-sided McNemar p-value (McNemar 1947; binomial form).

    Parameters
    ----------
    gained, lost
        Number of samples that only the second, or only the first, of two sets of predictions has right; any shape.

    Returns
    -------
    Array
        P-values, of the same shape; 1 where no sample differs.

    Examples
    --------
    >>> float(mcnemar(0, 5))
    0.0625
    """
    gained, lost = np.asarray(gained), np.asarray(lost)
    both_tails = 2 * scipy.stats.binom.cdf(np.minimum(gained, lost), gained + lost, 0.5)
    return np.asarray(np.minimum(1.0, both_tails))


def benjamini_hochberg(p_values: Array) -> Array:
    """Correct p-values for their number (Benjamini and Hochberg 1995).

    Parameters
    ----------
    p_values
        P-values, any shape; NaN stays NaN and does not count as a test.

    Returns
    -------
    Array
        Least false discovery rates at which each test is rejected, of the same shape.

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.04, np.nan]))
    array([0.02, 0.04,  nan])
    """
    corrected: Array = np.full(np.shape(p_values), np.nan)
    known = np.isfinite(p_values)
    if known.any():
        corrected[known] = scipy.stats.false_discovery_control(np.asarray(p_values)[known])
    return corrected


def poisson_binomial_law(shares: Array) -> Array:
    """Give the probability that exactly 0, 1, ..., N of N independent events happen (Poisson-binomial law).

    Parameters
    ----------
    shares
        Probability of each event (N, ...); one law for each element of the further axes.

    Returns
    -------
    law
        Probabilities (N + 1, ...), which add up to 1 along the first axis.

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


def paired_bootstrap(right: Array, repetitions: int = 400, seed: int = 0) -> Array:
    """Give the share of right predictions in bootstrap draws of the samples (Efron 1979).

    In one draw all sets of predictions have the same samples, so that what is computed from several of them, such as
    a difference or the level at which a curve falls, varies as it would over data sets.

    Parameters
    ----------
    right
        True where a set of predictions is right on a sample (E, S), for E sets and S samples.
    repetitions
        Number of bootstrap draws, R.
    seed
        Seed of the random number generator.

    Returns
    -------
    shares
        Share that is right in each draw, for each set of predictions (R, E), to the last bit what a mean of as many
        samples gives: shares are compared with limits that some of them meet exactly.

    Examples
    --------
    >>> right = np.array([[True, True, False], [True, True, True]])
    >>> shares = paired_bootstrap(right, repetitions=4)
    >>> shares.shape, shares[:, 1].tolist()
    ((4, 2), [1.0, 1.0, 1.0, 1.0])
    """
    samples = right.shape[1]
    drawn = np.random.default_rng(seed).multinomial(samples, np.full(samples, 1 / samples), repetitions)
    counts = drawn.astype(np.float32) @ right.T.astype(np.float32)  # exact below 2^24 samples
    shares: Array = counts.astype(float) / samples
    return shares


def percentile_interval(draws: Array, confidence: float = 0.95) -> tuple[Array, Array]:
    """Give the central range of bootstrap draws; its ends are two of the draws, so draws may be infinite.

    Parameters
    ----------
    draws
        Bootstrap draws (R, ...).
    confidence
        Coverage of the range, in (0, 1).

    Returns
    -------
    low, high
        Ends of the range (...).

    Examples
    --------
    >>> low, high = percentile_interval(np.arange(1, 101))
    >>> int(low), int(high)
    (3, 98)
    >>> percentile_interval(np.array([1.0, 2.0, np.nan]))
    (np.float64(-inf), np.float64(inf))
    """
    edge = (1 - confidence) / 2
    low = np.quantile(np.where(np.isnan(draws), -np.inf, draws), edge, axis=0, method="inverted_cdf")
    high = np.quantile(np.where(np.isnan(draws), np.inf, draws), 1 - edge, axis=0, method="inverted_cdf")
    return low, high


LEAST_RUNS = 5
"""Number of runs from which their mean has an interval: of fewer, as skewed as an exponential, it would hold 88 %."""

WIDENED = {5: 1.15, 6: 1.1, 7: 1.05}
"""Number of runs -> factor of the t quantile: so few cannot show how skewed they are, and would hold 92 or 93 %."""


def mean_interval(values: Array, confidence: float = 0.95) -> tuple[float, float, float]:
    """Give the mean over independent runs and its interval: Student's t (1908), mended for runs that are skewed.

    Runs scatter to one side where some fail. The t statistic is then skewed as well; a cubic of it is not, to the next
    order (Hall 1992, "On the removal of skewness by transformation"), and its ends are taken back to the mean. Of five
    to seven runs the quantile of t is wider, see `WIDENED`.

    Parameters
    ----------
    values
        One value for each run (R,), R >= 1.
    confidence
        Coverage of the interval, in (0, 1).

    Returns
    -------
    mean, low, high
        Mean and the ends of its interval, which are NaN for fewer than `LEAST_RUNS`.

    Examples
    --------
    >>> [round(x, 3) for x in mean_interval(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))]
    [3.0, 0.742, 5.258]
    >>> [round(x, 3) for x in mean_interval(np.array([0.5, 0.88, 0.89, 0.9, 0.91]))]  # further down, where a run failed
    [0.816, 0.079, 0.977]
    """
    values = np.asarray(values, float)
    mean, runs = float(np.mean(values)), len(values)
    if runs < LEAST_RUNS:
        return mean, float("nan"), float("nan")
    quantile = float(scipy.stats.t.ppf(0.5 + confidence / 2, runs - 1)) * WIDENED.get(runs, 1.0)
    half = quantile / float(np.sqrt(runs))
    skewness = _skewness(values)
    low, high = (_unskewed(end, skewness, runs) for end in (half, -half))
    spread = float(np.std(values, ddof=1))
    return mean, mean - spread * low, mean - spread * high


def _skewness(values: Array) -> float:
    """Give the skewness; 0 where all values are equal but for rounding."""
    away = values - values.mean()
    spread = float(np.sqrt(np.mean(away**2)))
    return float(np.mean(away**3)) / spread**3 if spread > 1e-12 * np.abs(values).max() else 0.0


def _unskewed(end: float, skewness: float, runs: int) -> float:
    """Invert Hall's cubic t + g t^2 / 3 + g^2 t^3 / 27 + g / (6 n), of t the mean's error in standard deviations."""
    if abs(skewness) < 1e-6:
        return end
    return float(3 / skewness * (np.cbrt(1 + skewness * (end - skewness / (6 * runs))) - 1))


def mean_from_sums(
    total: Array, squares: Array, count: int, confidence: float = 0.95
) -> tuple[Array, Array, Array, Array]:
    """Give means, their t intervals and p-values against 0, from sums over samples (Student 1908).

    Parameters
    ----------
    total, squares
        Sums of the values and of their squares over the samples, any shape.
    count
        Number of samples; with fewer than 2, or where all values are equal, both ends of an interval are the mean.
    confidence
        Coverage of the interval, in (0, 1).

    Returns
    -------
    mean, low, high, p_value
        Mean, ends of its interval, and two-sided p-value, which is 1 where all values are 0; of the shape of `total`.

    Examples
    --------
    >>> [round(float(x), 3) for x in mean_from_sums(np.array(6.0), np.array(14.0), 3)]
    [2.0, -0.484, 4.484, 0.074]
    """
    total, squares = np.asarray(total, float), np.asarray(squares, float)
    mean, free = total / count, max(count - 1, 1)
    error = np.sqrt(np.maximum(squares - total**2 / count, 0) / free / count)
    half = scipy.stats.t.ppf(0.5 + confidence / 2, free) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(error > 0, np.abs(mean) / error, np.where(mean == 0, 0.0, np.inf))
    p_value = np.where(np.isnan(mean), np.nan, 2 * scipy.stats.t.sf(t, free))
    return mean, mean - half, mean + half, p_value


LEAST_SCORED = 300
"""Number of samples from which R² has an interval: with fewer, heavy tails leave it short of its 95 %."""


def explained_interval(
    error: Array, spread: Array, error_square: Array, spread_square: Array, product: Array, count: int
) -> tuple[Array, Array]:
    """Give the 95 % interval of R², 1 - (mean error) / (mean spread), from sums over samples.

    The spread of the answers is estimated as much as the errors are: taken as known, intervals cover 63 to 89 %. The
    ratio's error is the delta method's, on a logarithmic scale, since a mean of squares is skewed.

    Parameters
    ----------
    error, spread
        Sums of squared errors, and of squared deviations of the answers from their mean, in one unit; any shape.
    error_square, spread_square, product
        Sums of their squares, and of their products.
    count
        Number of samples.

    Returns
    -------
    low, high
        NaN for fewer than `LEAST_SCORED` samples, and where nothing is left to explain.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> errors, spread = rng.normal(0, 0.5, 1000) ** 2, rng.normal(0, 1, 1000) ** 2
    >>> sums = ((errors**2).sum(), (spread**2).sum(), (errors * spread).sum())
    >>> [round(float(end), 2) for end in explained_interval(errors.sum(), spread.sum(), *sums, 1000)]
    [0.74, 0.8]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.asarray(error, float) / spread
        squares = error_square - 2 * left * product + left**2 * spread_square
        relative = np.sqrt(np.maximum(squares, 0) * count / (count - 1)) / error
        reach = np.exp(scipy.stats.t.ppf(0.975, max(count - 1, 1)) * relative)
        ends = 1 - left * reach, 1 - left / reach
    return tuple(np.where(count >= LEAST_SCORED, end, np.nan) for end in ends)  # type: ignore[return-value]


def explained_change(
    change: Array, spread: Array, change_square: Array, spread_square: Array, product: Array, count: int
) -> tuple[Array, Array]:
    """Give the 95 % interval of a change of R² between two readings of the same samples, from sums over samples.

    The change is a ratio of two means, and the interval that of Fieller (1954): the ratios r for which the mean of
    ``decrease - r * spread`` is no farther from 0 than Student's t allows. Taken by the delta method, which overlooks
    that heavy tails make the spread uncertain, it would hold 93.9 % of 300 samples with tails of Student's t of 5
    degrees in place of 95 to 95.6 %.

    Parameters
    ----------
    change, spread
        Sums of the decreases of squared errors, and of squared deviations of the answers from their mean, in one unit.
    change_square, spread_square, product
        Sums of their squares, and of their products.
    count
        Number of samples.

    Returns
    -------
    low, high
        NaN for fewer than `LEAST_SCORED` samples, and where the mean spread itself is not clearly above 0.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> less, spread = rng.normal(0.1, 0.5, 1000), rng.normal(0, 1, 1000) ** 2
    >>> sums = ((less**2).sum(), (spread**2).sum(), (less * spread).sum())
    >>> [round(float(end), 2) for end in explained_change(less.sum(), spread.sum(), *sums, 1000)]
    [0.04, 0.1]
    """
    free = max(count - 1, 1)
    reach = scipy.stats.t.ppf(0.975, free) ** 2
    numerator, denominator = np.asarray(change, float) / count, np.asarray(spread, float) / count
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = numerator / denominator
        squares = change_square - 2 * ratio * product + ratio**2 * spread_square
        left = np.maximum(squares, 0) / count / free  # variance of the mean of decrease - ratio * spread
        of_spread = (spread_square - count * denominator**2) / count / free
        shared = (product - count * numerator * denominator) / count / free
        of_change = left + 2 * ratio * shared - ratio**2 * of_spread
        clear = denominator**2 - reach * of_spread
        inside = denominator**2 * left - reach * (of_change * of_spread - shared**2)
        half = np.sqrt(reach * np.maximum(inside, 0)) / clear
        middle = (numerator * denominator - reach * shared) / clear
    known = (count >= LEAST_SCORED) & (clear > 0)
    return np.where(known, middle - half, np.nan), np.where(known, middle + half, np.nan)


@dataclass(frozen=True)
class RunsTest:
    """Paired comparison of independently trained networks with and without an intervention.

    Attributes
    ----------
    difference, low, high
        Mean change over the runs and the ends of its t interval.
    t, p_value
        Statistic and two-sided p-value of the paired t-test against no change.
    effect_size
        Cohen's d of the paired differences, their mean divided by their standard deviation.
    runs
        Number of runs.
    """

    difference: float
    low: float
    high: float
    t: float
    p_value: float
    effect_size: float
    runs: int


def paired_runs(unperturbed: Array, perturbed: Array, confidence: float = 0.95) -> RunsTest:
    """Test the change of a figure over independently trained networks (paired t-test; Student 1908).

    Parameters
    ----------
    unperturbed, perturbed
        Figure of each run without and with the intervention (R,), in the same order.
    confidence
        Coverage of the interval, in (0, 1).

    Returns
    -------
    RunsTest
        Mean change with its interval and test; NaN where there is one run, or where all change by the same amount.

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
    test = scipy.stats.ttest_rel(perturbed, unperturbed)
    ends = test.confidence_interval(confidence)
    return RunsTest(
        mean, float(ends.low), float(ends.high), float(test.statistic), float(test.pvalue), mean / spread, runs
    )


def detectable_difference(count: int, discordant: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """Give the smallest change of accuracy that McNemar's test would find (Connor 1987).

    Parameters
    ----------
    count
        Number of samples.
    discordant
        Share of the samples that only one of the two sets of predictions has right, in (0, 1].
    power
        Probability that the test finds the change, in (0, 1).
    alpha
        Level of the two-sided test, in (0, 1).

    Returns
    -------
    float
        Change of the share that is right, at most `discordant`; NaN where even a change of all of these is not found.

    Examples
    --------
    >>> round(detectable_difference(10_000, 0.01), 5)
    0.0028
    >>> detectable_difference(500, 0.01)
    nan
    """
    at_null, at_change = scipy.stats.norm.ppf(1 - alpha / 2), scipy.stats.norm.ppf(power)
    change = 0.0
    for _ in range(50):  # fixed-point iteration: the change enters its own variance, weakly, so that it converges
        spread = np.sqrt(max(discordant - change**2, 0.0))
        change = (at_null * np.sqrt(discordant) + at_change * spread) / np.sqrt(count)
    return float(change) if change <= discordant else float("nan")
