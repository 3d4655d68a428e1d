"""Candidates that do well, each with the share of the evidence that speaks for it.

The share of a candidate is proportional to exp(-weights . signs): a conditional logit model (McFadden 1974) whose
weights were fitted to networks that were trained for it, by `benchmarks/inference.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.trial import Trial, TryOut
from interp.checkpoints.inference.stack.layers import Layer
from interp.checkpoints.inference.weighing.mixing import mixed
from interp.checkpoints.inference.weighing.signs import Signs, signs_of
from interp.network.activations import ACTIVATIONS
from interp.network.inputs import as_tensor
from interp.tasks import Scorer
from interp.types import Array

WEIGHTS = np.array([0.8, 1.0, 1.5, 1.2, 1.0, 0.1, 2.6])
"""Weights of the signs, in the order of `signs.NAMES`."""

ROWS = {False: 3000, True: 1000}
"""Number of rows for the signs, of dense stacks and of those with convolutions."""

SEARCHED = {False: 500, True: 128}
"""Number of rows on which other activations are looked for, likewise."""

EARLY = {False: len(ACTIVATIONS), True: 5}
"""Number of activations that are tried behind first layers, likewise: the best of those behind all layers."""

NEVER_NEGATIVE = ("relu", "abs", "softplus", "sigmoid")
"""Activations behind outputs whose smallest is the answer, as a distance is."""

MOST = {False: 30, True: 12}
"""Largest number of candidates that are weighed."""


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
    """Give the share of the evidence for each candidate, (K,)."""
    against = np.stack([one.values for one in signs]) @ weights
    odds = np.exp(against.min() - against)
    return np.asarray(odds / odds.sum())


def weigh(
    layers: Sequence[Layer],
    try_out: TryOut,
    base: Candidate,
    scorer: Scorer,
    inputs: Array,
    values: Array,
    seed: int = 0,
) -> list[Weighed]:
    """Weigh the activations of a stack whose scaling, output, order and layout are settled: one, or one a layer.

    Parameters
    ----------
    layers
        Layers in running order, none with slopes.
    try_out
        Function that tries candidates on rows.
    base
        Candidate that did best, or stands for it.
    scorer
        Scorer of outputs under its scaling.
    inputs
        Inputs of the training rows as stored, (S, D).
    values
        Labels of the training rows (S,).
    seed
        Seed of the random order in which rows are taken.

    Returns
    -------
    list of Weighed
        Candidates, the likeliest first; the base is among them.
    """
    with_images = layers[0].is_convolution
    order = np.random.default_rng(seed).permutation(len(values))
    few, rows = order[: SEARCHED[with_images]], order[: ROWS[with_images]]
    found = [base, *_plausible(layers, try_out, base, scorer, inputs[few], values[few])]
    tried = distinct(signs_of(layers, one, inputs[rows], values[rows], scorer) for one in dict.fromkeys(found))
    weighed = [Weighed(one, float(share)) for one, share in zip(tried, shares(tried), strict=True)]
    return sorted(weighed, key=lambda one: -one.share)


# --------------------------------------------------------------------------- which are weighed


def _plausible(
    layers: Sequence[Layer], try_out: TryOut, base: Candidate, scorer: Scorer, inputs: Array, values: Array
) -> list[Candidate]:
    """List the candidates that do best on few rows: every activation, and several kinds of them."""
    with_images = layers[0].is_convolution
    names = NEVER_NEGATIVE if base.output == "negated-activation" else tuple(ACTIVATIONS)
    tried = try_out([replace(base, activation=name) for name in names], inputs, values)
    if len(layers) > 2 and base.output == "linear":
        early = sorted(tried, key=lambda trial: trial.loss)[: EARLY[with_images]]
        shape = base.layout.image if base.layout else (inputs.shape[1],)
        loss = partial(_loss, torch.from_numpy(values), scorer)
        begin = [trial.candidate.activation for trial in early]
        tried += try_out(mixed(layers, base, begin, as_tensor(inputs, base.scaling, shape), loss), inputs, values)
    return [trial.candidate for trial in sorted(tried, key=_against)[: MOST[with_images]]]


def _against(trial: Trial) -> float:
    """Weigh what is known on few rows: errors and loss."""
    errors = max(1 - trial.score, 0) + 1 / len(trial.per_sample)
    return float(WEIGHTS[0] * np.log(errors) + (WEIGHTS[1] + WEIGHTS[2]) * np.log(trial.loss + 1e-3))


def _loss(truth: Tensor, scorer: Scorer, z: Tensor) -> float:
    loss = float(scorer(z, truth, "linear")[1].double().mean())
    return loss if loss == loss else np.inf


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
