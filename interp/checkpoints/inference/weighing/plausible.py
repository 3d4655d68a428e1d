"""Which activations are worth weighing: those that do best on few rows, one behind all layers or several kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from interp.checkpoints.inference.candidates.by_layer import JOINT
from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.outputs import LOGITS
from interp.checkpoints.inference.candidates.trial import Trial, TryOut
from interp.checkpoints.inference.stack.layers import Layer
from interp.checkpoints.inference.weighing.mixing import mixed
from interp.network.activations import ACTIVATIONS
from interp.network.inputs import as_tensor
from interp.tasks import Scorer
from interp.types import Array

RANKED = {False: 500, True: 400}
"""Number of rows on which candidates are ranked before signs are looked for, likewise."""

SEARCHED = {False: 500, True: 128}
"""Number of rows on which other activations are looked for, likewise."""

NEVER_NEGATIVE = ("relu", "abs", "softplus", "sigmoid")
"""Activations behind outputs whose smallest is the answer, as a distance is."""

MOST = {False: 30, True: 24}
"""Largest number of candidates whose signs are looked for, likewise."""

MOST_OF_SMALL, WORK = 90, 10**9
"""Largest number of them of small dense stacks, and the largest number of weights times rows that they may take."""


def plausible(
    layers: Sequence[Layer], try_out: TryOut, base: Candidate, scorer: Scorer, inputs: Array, values: Array
) -> list[Candidate]:
    """List the candidates that do best on few rows: every activation, and several kinds.

    Parameters
    ----------
    layers
        Layers in running order, none with slopes.
    try_out
        Function that tries candidates on rows.
    base
        Candidate that states everything but the activations.
    scorer
        Scorer of outputs under its scaling.
    inputs
        Inputs of training rows as stored, (S, D), in random order; only the first few are used.
    values
        Labels of these rows, (S,).
    """
    with_images = layers[0].is_convolution
    few, more = slice(SEARCHED[with_images]), slice(RANKED[with_images])
    names = NEVER_NEGATIVE if base.output == "negated-activation" else tuple(ACTIVATIONS)
    tried = try_out([replace(base, activation=name) for name in names], inputs[more], values[more])
    if len(layers) > 2 and base.output in LOGITS:
        early = sorted(tried, key=lambda trial: trial.loss)
        shape = base.layout.image if base.layout else (inputs.shape[1],)
        loss = partial(loss_of, torch.from_numpy(values[few]), scorer)
        begin = [trial.candidate.activation for trial in early]
        several = mixed(layers, base, begin, as_tensor(inputs[few], base.scaling, shape), loss)
        tried += try_out(several, inputs[more], values[more])
    most = MOST[with_images] if with_images else _affordable(layers, len(values))
    return [trial.candidate for trial in sorted(tried, key=_against)[:most]]


def _affordable(layers: Sequence[Layer], rows: int) -> int:
    """Give the number of candidates of a dense stack: more of small ones on few rows, which take little time."""
    weights = sum(layer.weight.numel() for layer in layers)
    return min(max(MOST[False], WORK // (weights * rows)), MOST_OF_SMALL)


def _against(trial: Trial) -> float:
    """Weigh what is known on few rows: errors and loss."""
    errors = max(1 - trial.score, 0) + 1 / len(trial.per_sample)
    kinds = JOINT in trial.candidate.activation
    return float(0.8 * np.log(errors) + 2.5 * np.log(trial.loss + 1e-3)) + kinds


def loss_of(truth: Tensor, scorer: Scorer, z: Tensor) -> float:
    """Give the mean loss of logits; what is no number is infinite."""
    loss = float(scorer(z, truth, "linear")[1].double().mean())
    return loss if loss == loss else np.inf
