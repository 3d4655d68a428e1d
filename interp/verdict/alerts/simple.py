"""Alerts that set a network beside a simple model of its training samples, on the same test samples: one rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from interp.analysis import share_interval
from interp.tasks.simple import Simple
from interp.verdict.alerts.rule import Seen
from interp.verdict.alerts.scores import LEARNED, Score, chance_on, score_on
from interp.verdict.evidence import Evidence

Call = Literal["better", "level", "worse", "unknown"]


class Beside(NamedTuple):
    """A network's score on the test samples beside that of a simple model.

    Attributes
    ----------
    score
        Score of the network, with its interval.
    simple
        Simple model, with its score on the same samples.
    low, high
        Ends of the 95 % interval of the network's score less the simple model's; NaN of too few samples.
    """

    score: Score
    simple: Simple
    low: float
    high: float


def beside_simple(found: Evidence) -> Beside | None:
    """Set the network beside the simple model; None where either has no score.

    Parameters
    ----------
    found
        Results of a run.
    """
    score, simple = score_on(found, "test"), found.simple
    if score is None or simple is None:
        return None
    return Beside(score, simple, *(difference(score, simple.score) if found.task.score.share else found.lead))


def difference(score: Score, simple: float) -> tuple[float, float]:
    """Give the 95 % interval of a network's share of right rows less a simple model's on the same samples.

    It is that of two independent shares (Newcombe 1998, method 10), which is too wide where both are right on the same
    samples. How often two that are equal are told apart is counted in ``docs/intervals.md``.

    Parameters
    ----------
    score
        Share of the network, with its interval.
    simple
        Share of the simple model.

    Examples
    --------
    >>> low, high = difference(Score(0.70, 0.66, 0.74, 540), 0.68)
    >>> round(low, 3), round(high, 3)
    (-0.035, 0.077)
    """
    low, high = share_interval(round(simple * score.samples), score.samples)
    below, above = simple - float(low), float(high) - simple
    gap = score.value - simple
    return gap - float(np.hypot(score.value - score.low, above)), gap + float(np.hypot(score.high - score.value, below))


def call(found: Evidence) -> Call:
    """Say how the network does beside the simple model.

    Parameters
    ----------
    found
        Results of a run.

    Returns
    -------
    str
        ``better`` or ``worse`` where the interval of the difference leaves no doubt, ``level`` where it holds 0; of too
        few samples for an interval ``level`` where the simple model is half way from chance to the network or above,
        else ``unknown``, as without either score.
    """
    beside = beside_simple(found)
    if beside is None:
        return "unknown"
    if np.isfinite(beside.low):
        return "better" if beside.low > 0 else "worse" if beside.high < 0 else "level"
    chance = chance_on(found, "test")
    return "level" if beside.simple.score >= chance + LEARNED * (beside.score.value - chance) else "unknown"


def simple_model(found: Evidence) -> Iterator[Seen]:
    """Say so where the network does worse than a simple model on the test samples."""
    yield from _seen(found, "worse", "The network does worse than a simple model")


def near_simple_model(found: Evidence) -> Iterator[Seen]:
    """Say so where it cannot be told whether the network does better than a simple model."""
    yield from _seen(found, "level", "We cannot tell whether the network does better than a simple model")


def _seen(found: Evidence, expected: Call, words: str) -> Iterator[Seen]:
    """Give both scores where the network does as expected, and knows something: else every model would do better."""
    beside = None if _knows_nothing(found) or call(found) != expected else beside_simple(found)
    if beside is not None:
        name, (score, simple) = found.task.score, beside[:2]
        yield Seen(
            f"{words} ({name.shown(score.value)} against {name.shown(simple.score)}). {_difference(found, beside)} on"
            f" the same {score.samples:,} test samples; the simple model: {simple.what}."
        )


def _difference(found: Evidence, beside: Beside) -> str:
    """Give the interval of the difference, or say that there is none."""
    shown = found.task.score.shown
    if np.isnan(beside.low):
        return "The difference has no interval"
    return f"The difference lies between {shown(beside.low)} and {shown(beside.high)} (95 % interval)"


def _knows_nothing(found: Evidence) -> bool:
    """Whether the network is untrained or at chance, so that every model does better."""
    trained, fit = found.model.inferred.get("trained"), found.model.inferred.get("fit")
    return (trained is not None and trained.value is False) or (fit is not None and fit.value == "at chance")
