"""Alerts on scores: beside chance, from one split to the other, and with the classes in another order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from interp.analysis import share_interval
from interp.tasks.simple import Simple
from interp.types import Inference
from interp.verdict.alerts.rule import Seen
from interp.verdict.evidence import Evidence

WIDE_GAP = 0.05
"""Largest fall of the score from training to test split, at the near end of its interval, that is not said."""

LEARNED, NOT_LEARNED = 0.5, 0.1
"""Shares of the way from chance to perfection: memorised from the one on in training, up to the other in test."""

ENOUGH = 20
"""Least number of samples of a class that is called never predicted."""


class Score(NamedTuple):
    """A score of one split with its 95 % interval.

    Attributes
    ----------
    value, low, high
        Score, and the ends of its 95 % interval.
    samples
        Number of samples.
    """

    value: float
    low: float
    high: float
    samples: int


def score_on(found: Evidence, split: str) -> Score | None:
    """Give the score on a split with its interval, NaN of too few samples; None where either is not known.

    Parameters
    ----------
    found
        Results of a run.
    split
        Name of the split.
    """
    part = found.data.splits.get(split)
    if part is None or split not in found.model.scores:
        return None
    value, samples = found.model.scores[split], len(part)
    if found.task.score.share:
        low, high = share_interval(round(value * samples), samples)
        return Score(value, float(low), float(high), samples)
    table = found.effects.whole_layers
    rows = table[(table["split"] == split) & table["no_op"].astype(bool)] if len(table) else table
    if rows.empty:
        return None
    own = rows.iloc[0]
    if np.isnan(own["low"]) and own["samples"] < samples:  # more of them would have had an interval
        return None
    return Score(value, float(own["low"]), float(own["high"]), samples)


def chance_on(found: Evidence, split: str) -> float:
    """Give the score of the best constant answer on a split; NaN without answers."""
    part = found.data.splits.get(split)
    answers = None if part is None else found.task.answers(part)
    return float("nan") if answers is None else found.task.chance(answers)


def skill(score: float, chance: float) -> float:
    """Give the position of a score between chance (0) and perfection (1)."""
    return (score - chance) / max(1 - chance, 1e-12)


def memorising(found: Evidence) -> Iterator[Seen]:
    """Say so where the network knows its training samples and nothing of others."""
    if _is_memorising(found):
        scores = found.model.scores
        yield Seen(
            f"The network knows its training samples ({found.task.described(scores['train'])}) and next to nothing of"
            f" others ({found.task.described(scores['test'])}): it memorised them, as where labels are noise."
        )


def _is_memorising(found: Evidence) -> bool:
    """Whether the training score is learned and that of the test split is not, in all its interval."""
    train, test = score_on(found, "train"), score_on(found, "test")
    if train is None or test is None:
        return False
    chance = chance_on(found, "test")
    is_learned = skill(train.value, chance_on(found, "train")) >= LEARNED
    return is_learned and skill(test.value, chance) <= NOT_LEARNED and skill(test.high, chance) <= LEARNED


def train_test_gap(found: Evidence) -> Iterator[Seen]:
    """Say so where the score falls from training to test split by more than sampling explains."""
    train, test = score_on(found, "train"), score_on(found, "test")
    if train is None or test is None or _is_memorising(found):
        return
    gap = train.value - test.value
    near = gap - np.hypot(train.value - train.low, test.high - test.value)  # Newcombe 1998, method 10
    if near > WIDE_GAP:
        name = found.task.score
        fall = f"{100 * near:.1f} points" if name.share else f"{near:.2f}"
        yield Seen(
            f"The {name.words} falls from {name.shown(train.value)} in training to {name.shown(test.value)} on"
            f" {test.samples:,} test samples, by at least {fall} at 95 % confidence."
        )


class Beside(NamedTuple):
    """A network's score on the test samples beside that of a simple model.

    Attributes
    ----------
    score
        Score of the network, with its interval.
    simple
        Simple model, with its score on the same samples.
    said
        Both scores in words, with the number of samples.
    """

    score: Score
    simple: Simple
    said: str


def simple_model(found: Evidence) -> Iterator[Seen]:
    """Say so where a simple model scores no less than the network on the test samples."""
    beside = _beside_simple(found)
    if beside is not None and beside.simple.score >= beside.score.value:
        yield Seen(f"The network does no better than a simple model: {beside.said}.")


def near_simple_model(found: Evidence) -> Iterator[Seen]:
    """Say so where a simple model scores less than the network, but inside the 95 % interval of the network's score."""
    beside = _beside_simple(found)
    if beside is None or beside.simple.score >= beside.score.value:
        return
    has_interval = bool(np.isfinite(beside.score.low))
    least = beside.score.low if has_interval else _half_way(beside.score.value, chance_on(found, "test"))
    if beside.simple.score >= least:
        few = "" if has_interval else ", which are too few for an interval"
        yield Seen(f"We cannot tell whether the network does better than a simple model: {beside.said}{few}.")


def _beside_simple(found: Evidence) -> Beside | None:
    """Set the network beside the simple model; None where either has no score, or every model would do better."""
    score, simple = score_on(found, "test"), found.simple
    if score is None or simple is None or _knows_nothing(found):
        return None
    name = found.task.score
    interval = f" (95 % interval {name.shown(score.low)} to {name.shown(score.high)})" if np.isfinite(score.low) else ""
    said = (
        f"the network gets {found.task.described(score.value)}{interval}, the simple model {name.shown(simple.score)}"
        f" ({simple.what}), on the same {score.samples:,} test samples"
    )
    return Beside(score, simple, said)


def _half_way(score: float, chance: float) -> float:
    """Give the score half way from chance to another."""
    return chance + LEARNED * (score - chance)


def _knows_nothing(found: Evidence) -> bool:
    """Whether the network is untrained or at chance, so that every model does better."""
    trained, fit = found.model.inferred.get("trained"), found.model.inferred.get("fit")
    return (trained is not None and trained.value is False) or (fit is not None and fit.value == "at chance")


def label_order(found: Evidence) -> Iterator[Seen]:
    """Say so where a network at chance, or poor, would be good with its classes in another order."""
    if (said := order_in_doubt(found)) is not None:
        yield Seen(f"{said.evidence[0].upper()}{said.evidence[1:]}.")


def order_in_doubt(found: Evidence) -> Inference | None:
    """Give the fact about another order of the classes where the labels stand as given, and the network is poor so."""
    said, fit = found.model.inferred.get("label_order"), found.model.inferred.get("fit")
    is_poor = fit is not None and fit.value not in ("as expected", "doubtful")
    return said if said is not None and said.confidence == "uncertain" and is_poor else None


def labels_reordered(found: Evidence) -> Iterator[Seen]:
    """Say so where the labels of the data were brought into the order of the outputs without being asked for."""
    said = found.model.inferred.get("label_order")
    if said is not None and said.confidence == "likely":
        yield Seen(f"The classes of the data are likely in another order than in training: {said.evidence}.")


def never_predicted(found: Evidence) -> Iterator[Seen]:
    """Name the classes that have samples and are never predicted."""
    split = "test" if "test" in found.confusion else "train"
    counts, fit = found.confusion.get(split), found.model.inferred.get("fit")
    if counts is None or (fit is not None and fit.value == "at chance"):
        return
    there = counts.sum(axis=1) >= ENOUGH
    missed = np.flatnonzero(there & (counts.sum(axis=0) == 0))
    if len(missed):
        names = ", ".join(_class_name(found, int(label)) for label in missed[:6])
        more = f" and {len(missed) - 6} more" if len(missed) > 6 else ""
        samples = int(counts[missed].sum())
        yield Seen(f"Never predicted on the {split} split: {names}{more}, which {samples:,} samples are of.")


def _class_name(found: Evidence, label: int) -> str:
    names = found.data.classes
    return names[label] if label < len(names) else str(label)
