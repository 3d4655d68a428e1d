"""Candidates that do well, each with the share of the evidence that speaks for it.

The share of a candidate is proportional to exp(-weights . signs): a conditional logit model (McFadden 1974) whose
weights were fitted to networks that were trained for it, by `benchmarks/inference.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.trial import TryOut
from interp.checkpoints.inference.stack.layers import Layer
from interp.checkpoints.inference.weighing.contrast import contrasts
from interp.checkpoints.inference.weighing.plausible import plausible
from interp.checkpoints.inference.weighing.signs import UNKNOWN, Signs, signs_of_all
from interp.tasks import Scorer
from interp.types import Array, Scaling

FIRST = np.array([0.44, 0.8, 1.58, 2.46, 2.61])
"""Weights of the signs of one candidate alone, in the order of `signs.NAMES`."""

WEIGHTS = np.array([0.72, 0.51, 0.91, 0.66, 2.42, 0.41])
"""Weights of these signs beside `contrasts`, which follows them."""

AT_REST = np.array([0.72, 0.51, 0.91, 0.66, 3.4, 0.6])
"""The same weights where training came to rest on the rows looked at: what is left of slopes tells more then."""

CLOSE = 20
"""Number of candidates that are compared with each other at last."""

LIKELY = 0.85
"""Least share of the evidence with which a value is called likely."""

ROWS = {False: 6000, True: 800}
"""Number of rows for the signs, of dense stacks and of those with convolutions."""


@dataclass(frozen=True)
class Weighed:
    """A candidate with its evidence.

    Attributes
    ----------
    signs
        Signs of the candidate.
    share
        Share of the evidence of all candidates weighed, from 0 to 1.
    """

    signs: Signs
    share: float


def shares(signs: Sequence[Signs], weights: Array = WEIGHTS) -> Array:
    """Give the share of the evidence for each of some activations, (K,).

    Parameters
    ----------
    signs
        Signs of candidates, the likeliest by their own signs first.
    weights
        Weights of the signs and of `contrasts`, (6,).
    """
    own = np.stack([one.values for one in signs])
    return softened(np.column_stack([own, contrasts([one.slopes for one in signs])]) @ weights)


def shares_at_rest(signs: Sequence[Signs]) -> Array:
    """Give such shares on the rows that training came to rest on."""
    return shares(signs, AT_REST)


def shares_alone(signs: Sequence[Signs]) -> Array:
    """Give the share of the evidence for each of some scalings, (K,), by each candidate's own signs."""
    return softened(np.array([against(one) for one in signs]))


def softened(against: Array) -> Array:
    """Give shares that are proportional to exp(-against), (K,).

    Examples
    --------
    >>> softened(np.array([0.0, np.log(3)])).round(2).tolist()
    [0.75, 0.25]
    """
    odds = np.exp(against.min() - against)
    return np.asarray(odds / odds.sum())


def activations_looked_at(
    layers: Sequence[Layer],
    try_out: TryOut,
    base: Candidate,
    scorers: Mapping[str, Scorer],
    inputs: Array,
    values: Array,
    seed: int = 0,
) -> list[Signs]:
    """Give the signs of plausible activations of a stack that is settled but for these: one, or one a layer.

    Parameters
    ----------
    layers
        Layers in running order, none with slopes.
    try_out
        Function that tries candidates on rows.
    base
        Candidate that did best, or stands for it.
    scorers
        Scorer of outputs by the name of the scaling of the inputs.
    inputs
        Inputs of the training rows as stored, (S, D).
    values
        Labels of the training rows (S,).
    seed
        Seed of the random order in which rows are taken.

    Returns
    -------
    list of Signs
        Signs of the candidates, of which those that give the same outputs as another are left out.
    """
    x, y = some(inputs, values, ROWS[layers[0].is_convolution], seed)
    found = plausible(layers, try_out, base, scorers[base.scaling.name], x, y)
    return distinct(signs_of_all(layers, list(dict.fromkeys([base, *found])), x, y, scorers))


def weigh(looked_at: Sequence[Signs], least: float) -> list[Weighed]:
    """Weigh activations by their signs, the likeliest first.

    Parameters
    ----------
    looked_at
        Signs of candidates, from `activations_looked_at`.
    least
        Score below which a candidate has no share of the evidence, whatever its slopes.
    """
    left, beaten = parted(looked_at, least)
    close = sorted(left, key=against)[:CLOSE]
    return [*by_share(close, shares(close)), *beaten]


def weigh_scalings(
    layers: Sequence[Layer],
    try_out: TryOut,
    base: Candidate,
    scalings: Sequence[Scaling],
    scorers: Mapping[str, Scorer],
    inputs: Array,
    values: Array,
    least: float,
    seed: int = 0,
    known: Iterable[Signs] = (),
) -> list[Weighed]:
    """Weigh the scalings of inputs of a stack that is settled but for that, the likeliest first.

    Slopes grow with the inputs, so each candidate's are seen beside their own spread alone; of candidates that score
    below the least they are not looked at.

    Parameters
    ----------
    layers, try_out, scorers, inputs, values, seed
        Arguments of `activations_looked_at`.
    least
        Argument of `weigh`.
    base
        Candidate that stands.
    scalings
        Scalings to weigh.
    known
        Signs of candidates that were looked at on these rows before.
    """
    x, y = some(inputs, values, ROWS[layers[0].is_convolution], seed)
    trials = try_out([replace(base, scaling=one) for one in scalings], x, y)
    left, beaten = parted(distinct(Signs(trial, UNKNOWN) for trial in trials), least)
    signs = {one.trial.candidate: one for one in known}
    rest = [one.trial.candidate for one in left if one.trial.candidate not in signs]
    signs |= {one.trial.candidate: one for one in signs_of_all(layers, rest, x, y, scorers)}
    found = [signs[one.trial.candidate] for one in left]
    return [*by_share(found, shares_alone(found)), *beaten]


def some(inputs: Array, values: Array, most: int, seed: int) -> tuple[Array, Array]:
    """Draw rows for the signs, once: inputs may lie on disk, more than memory holds.

    Parameters
    ----------
    inputs, values
        Inputs (S, D) and labels (S,).
    most
        Largest number of rows, those of a smaller one among them.
    seed
        Seed of the order in which rows are taken.
    """
    rows = np.random.default_rng(seed).permutation(len(values))[:most]
    return inputs[rows], values[rows]


def against(signs: Signs) -> float:
    """Weigh what a candidate's own signs say against it."""
    return float(signs.values @ FIRST)


def by_share(signs: Sequence[Signs], shares: Array) -> list[Weighed]:
    """Put candidates with their shares in order, the likeliest first."""
    weighed = [Weighed(one, float(share)) for one, share in zip(signs, shares, strict=True)]
    return sorted(weighed, key=lambda one: -one.share)


def parted(signs: Sequence[Signs], least: float) -> tuple[list[Signs], list[Weighed]]:
    """Part those that score well from the others, which have no share of the evidence.

    Under an activation that makes all answers alike, the loss hardly changes with the weights, as where training ended.

    Parameters
    ----------
    signs
        Signs of candidates, one at least.
    least
        Least score of those that are weighed; the best score where none reaches it.
    """
    least = min(least, max(one.trial.score for one in signs))
    beaten = [Weighed(one, 0.0) for one in signs if one.trial.score < least]
    return [one for one in signs if one.trial.score >= least], beaten


def distinct(signs: Iterable[Signs]) -> list[Signs]:
    """Keep the first of those that give the same outputs.

    Parameters
    ----------
    signs
        Signs of candidates, the simplest first.
    """
    found: list[Signs] = []
    for one in signs:
        if not any(_same(one, other) for other in found):
            found.append(one)
    return found


def _same(first: Signs, second: Signs) -> bool:
    """Whether two candidates give the same outputs, as far as loss and answers tell: of a loss of 0 nothing does."""
    gap = abs(first.trial.loss - second.trial.loss)
    alike = np.array_equal(first.trial.per_sample, second.trial.per_sample)
    return first.trial.loss > 0 and gap <= 1e-6 * first.trial.loss and bool(alike)
