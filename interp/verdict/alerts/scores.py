"""Alerts on scores: from one split to the other, of single classes, and with the classes in another order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from interp.analysis import share_interval
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
            f" others ({found.task.described(scores['test'])}). It memorised them, as where labels are noise."
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
            f" {test.samples:,} test samples, by at least {fall} (95 % confidence)."
        )


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
