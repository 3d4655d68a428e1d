"""How well a draft does on some training rows, by which ways of reading the data are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import NamedTuple, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from interp.checkpoints.drafts.draft import Draft
from interp.checkpoints.inference.candidates.trial import known_scores
from interp.checkpoints.inference.expected import Expected, expected
from interp.checkpoints.inference.weighing.signs import least_of_convex
from interp.network.inputs import channels_last, outputs_on
from interp.tasks import find_task
from interp.types import Array, Dataset

ROWS = 1000
"""Number of training rows on which ways of reading the data are compared."""

SIZES = tuple(2.0 ** (step / 2) for step in range(-20, 7))
"""Factors by which logits are multiplied to see which size fits best: down to a thousandth, as of raw bytes."""

Measure = TypeVar("Measure")


def _once(measured: Callable[[Draft], Measure]) -> Callable[[Draft], Measure]:
    """Measure a draft once, however many ways of reading the data ask for it."""
    known: WeakKeyDictionary[Draft, Measure] = WeakKeyDictionary()

    @wraps(measured)
    def measure(found: Draft) -> Measure:
        if found not in known:
            known[found] = measured(found)
        return known[found]

    return measure


def few_rows(data: Dataset, most: int = ROWS) -> Dataset:
    """Give some training rows alone, drawn from all, since those of a data set may lie sorted by class.

    Parameters
    ----------
    data
        Data set.
    most
        Largest number of training rows that are drawn.
    """
    return replace(data, splits={"train": data.train.take(_drawn(len(data.train), most))})


def _drawn(count: int, most: int = ROWS) -> Array:
    return np.sort(np.random.default_rng(0).permutation(count)[:most])


def score_of(found: Draft) -> float:
    """Give the score of a network on some training rows; 0 where there are no labels or targets.

    Parameters
    ----------
    found
        Network that runs, with its data.
    """
    return float(scores_of_rows(found).mean())


@_once
def scores_of_rows(found: Draft) -> Array:
    """Give the score of each of some training rows; zeros where there are no labels or targets.

    Parameters
    ----------
    found
        Network that runs, with its data.
    """
    values = _answers(found)
    if values is None:
        return np.zeros(1)
    score = _scoring(found, values, _drawn(len(values)))
    return known_scores(score(1.0)[0])


class Done(NamedTuple):
    """How a network does on some training rows.

    Attributes
    ----------
    scores
        Score of each row, (S,): booleans where rows are right or wrong, else numbers of at most 1.
    losses
        Loss of each row, (S,), in nats or squared units as the task has it; of logits, which a wrong scaling of inputs
        makes too large, that of logits of the size that fits best.
    """

    scores: Array
    losses: Array


def done_by(found: Draft) -> Done:
    """Give the score and the loss of each training row; zeros where there are no labels or targets.

    Parameters
    ----------
    found
        Network that runs, with few rows of data.
    """
    task, values = find_task(found.task), _answers(found)
    if values is None:
        return Done(np.zeros(1), np.zeros(1))
    score = _scoring(found, values, np.arange(len(values)))
    scores, own = score(1.0)
    losses = [own.double().numpy()]

    def mean_loss(place: int) -> float:
        losses.append(score(SIZES[place])[1].double().numpy())
        return float(losses[-1].mean())

    if task.counted and found.structure.output == "linear":
        least_of_convex(mean_loss, len(SIZES), SIZES.index(1.0), float(losses[0].mean()))
    best = min(losses, key=lambda one: float(np.nan_to_num(one.mean(), nan=np.inf)))
    return Done(known_scores(scores), best)


def _answers(found: Draft) -> Array | None:
    """Give labels or targets of the training rows; None where there are none."""
    return None if found.data is None else find_task(found.task).answers(found.data.train)


def _scoring(found: Draft, values: Array, rows: Array) -> Callable[[float], tuple[Tensor, Tensor]]:
    """Run a network on some rows; give the function of a factor of its outputs that gives each row's score and loss."""
    assert found.data is not None
    train, form = found.data.train, found.structure.output
    scorer = find_task(found.task).scorer_of(train, values, found.scaling)
    fast = replace(found, module=channels_last(found.module))
    outputs, truth = outputs_on(fast, train.inputs[rows]), torch.from_numpy(values[rows])

    def score(size: float) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            return scorer(size * outputs, truth, form)

    return score


@_once
def is_poor(found: Draft) -> bool:
    """Whether a network is no better than nearest class means on some training rows; never without answers.

    Parameters
    ----------
    found
        Network that runs, with its data.
    """
    few = None if found.data is None else few_rows(found.data).train
    values = None if few is None else find_task(found.task).answers(few)
    if few is None or values is None:
        return False
    return score_of(found) <= expected(found.task, few.inputs, values, None).floor


def skill_of(found: Draft) -> float:
    """Give the share of the way from chance to perfection that a network goes, on some training rows.

    Parameters
    ----------
    found
        Network that runs, with its data.
    """
    return skill_at(found, score_of(found))


def skill_at(found: Draft, score: float) -> float:
    """Give the share of the way from chance to perfection that a network with some score goes; 0 without answers.

    Parameters
    ----------
    found
        Network that runs, with its data.
    score
        Mean score on some training rows, as `score_of` gives it.
    """
    task, values = find_task(found.task), _answers(found)
    return 0.0 if values is None else Expected(task.chance(values), 0, "").skill(score)
