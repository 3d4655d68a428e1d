"""Signs that a network is run as it was trained: few errors, a small loss, and a loss that is stationary.

An activation that is nearly the right one gives nearly the right predictions. But gradient descent ends where the loss
does not change with the weights, and under another activation it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import torch
from torch import Tensor

from interp.checkpoints.inference.candidates.by_layer import spread
from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.outputs import scored_as
from interp.checkpoints.inference.candidates.trial import Trial, apply_output, known_scores
from interp.checkpoints.inference.stack.layers import Layer
from interp.checkpoints.inference.weighing.slopes import Slopes, SlopeSums
from interp.checkpoints.inference.weighing.stretch import Stretch, stretched
from interp.network.inputs import as_tensor
from interp.tasks import Scorer
from interp.types import Array

BLOCKS = 20
"""Least number of blocks of rows, whose slopes are compared with each other."""

BLOCK = 100
"""Largest number of rows of one block."""

SIZES = tuple(2.0 ** (step / 4) for step in range(-10, 11))
"""Factors by which outputs are changed to see which size fits best."""

FAR = 20.0
"""Largest sign, of outputs that are no numbers."""

SMALL = 0.3
"""Number added to squared t values before their logarithm: below it, rounding and the last steps decide."""


@dataclass(frozen=True)
class Signs:
    """Evidence for one candidate, each the smaller the better.

    Attributes
    ----------
    trial
        Scores and loss of the candidate on the rows looked at.
    values
        Logarithms of: the share of errors, the loss with outputs of the best size, the mean squared t value of the
        loss's slope in the biases of the outputs, and in the weights of each layer, their mean; then the number of
        further kinds of activations.
    slopes
        Slopes of the loss in the weights, a tensor after the other.
    """

    trial: Trial
    values: Array
    slopes: tuple[Slopes, ...] = ()


NAMES = ("errors", "calibrated loss", "slope at the outputs", "slope in weights", "kinds")


def signs_of(layers: Sequence[Layer], candidate: Candidate, inputs: Array, answers: Array, scorer: Scorer) -> Signs:
    """Run a candidate forth and back on some rows.

    Parameters
    ----------
    layers
        Layers in running order.
    candidate
        Candidate, whose last layer is dense where its output is not linear.
    inputs
        Inputs of some samples as stored, (S, D).
    answers
        Labels or targets of these samples, as `interp.tasks.Task.answers` gives them, (S, ...).
    scorer
        Scorer of outputs under the candidate's scaling.
    """
    shape = candidate.layout.image if candidate.layout else (inputs.shape[1],)
    network, names = stretched(layers, candidate), spread(candidate.activation, len(layers) - 1)
    truth, sums = torch.from_numpy(answers), SlopeSums(network.modules)
    size = max(2, min(BLOCK, len(inputs) // BLOCKS))
    found = []
    for rows in (slice(at, at + size) for at in range(0, len(inputs), size)):
        x = as_tensor(inputs[rows], candidate.scaling, shape)
        z, at_end, of_weights = _looked_at(network, names, candidate, x, truth[rows], scorer, sums.parameters)
        sums.add(of_weights)
        found.append((z, at_end))
    z, at_end = (torch.cat(parts) for parts in zip(*found, strict=True))
    scores, losses = scorer(apply_output(z, candidate), truth, scored_as(candidate.output))
    errors = 1 - float(scores.double().mean())
    sized = min(_sized_loss(z, factor, candidate, truth, scorer) for factor in SIZES)
    slopes = tuple(sums.found())
    sizes = [one.size for one in slopes if one.is_map]
    values = [
        log(max(errors, 0) + 1 / len(z)),
        log(sized + 1e-7),
        log(_squared_t(at_end) + SMALL),
        float(np.mean(sizes)) if sizes else 0.0,
        float(len(set(names)) - 1),
    ]
    bounded = np.clip(np.nan_to_num(values, nan=FAR, posinf=FAR), -FAR, FAR)
    return Signs(Trial(candidate, known_scores(scores), float(losses.double().mean())), bounded, slopes)


def _looked_at(
    network: Stretch,
    names: Sequence[str],
    candidate: Candidate,
    x: Tensor,
    truth: Tensor,
    scorer: Scorer,
    parameters: Sequence[Tensor],
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Give the last z, each row's slope in it, and slopes of the summed loss in the weights."""
    with torch.enable_grad():
        z = network.rest(names, 0, network.part(0, x))
        losses = scorer(apply_output(z, candidate), truth, scored_as(candidate.output))[1]
        at_end, *found = torch.autograd.grad(losses.sum(), [z, *parameters], allow_unused=True)
    slopes = [torch.zeros_like(of) if one is None else one for one, of in zip(found, parameters, strict=True)]
    return z.detach(), at_end, slopes


def _squared_t(slopes: Tensor) -> float:
    """Give the mean over nodes of the squared t value that the mean of slopes (S, N) has."""
    slopes = slopes.double()
    t = len(slopes) * slopes.mean(0) ** 2 / (slopes**2).mean(0).clamp_min(1e-30)
    return float(t.mean())


def _sized_loss(z: Tensor, size: float, candidate: Candidate, truth: Tensor, scorer: Scorer) -> float:
    losses = scorer(apply_output(size * z, candidate), truth, scored_as(candidate.output))[1]
    return float(losses.double().mean())
