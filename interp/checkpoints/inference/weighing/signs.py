"""Signs that a network is run as it was trained: few errors, a small loss, and a loss that is stationary.

An activation that is nearly the right one gives nearly the right predictions. But gradient descent ends where the loss
does not change with the weights, biases first, and under another activation it does.
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
from interp.checkpoints.inference.weighing.stretch import Stretch, stretched
from interp.network.inputs import as_tensor
from interp.tasks import Scorer
from interp.types import Array

BLOCK = 256
SIZES = tuple(2.0 ** (step / 4) for step in range(-10, 11))
"""Factors by which outputs are changed to see which size fits best."""

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
        Logarithms of: the share of errors, the loss, the loss with outputs of the best size, the mean squared t value
        of the loss's slope in the biases of the outputs and in those of hidden nodes, and in the sizes of the outputs
        of hidden nodes; then the number of further kinds of activations.
    """

    trial: Trial
    values: Array


NAMES = ("errors", "loss", "calibrated loss", "slope at the outputs", "slope in biases", "slope in sizes", "kinds")


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
    truth = torch.from_numpy(answers)
    blocks = [slice(at, at + BLOCK) for at in range(0, len(inputs), BLOCK)]
    found = [
        _looked_at(network, names, candidate, as_tensor(inputs[rows], candidate.scaling, shape), truth[rows], scorer)
        for rows in blocks
    ]
    z = torch.cat([block.z for block in found])
    scores, losses = scorer(apply_output(z, candidate), truth, scored_as(candidate.output))
    loss, errors = float(losses.double().mean()), 1 - float(scores.double().mean())
    sized = min(_sized_loss(z, size, candidate, truth, scorer) for size in SIZES)
    slopes = [
        [torch.cat(part) for part in zip(*(block.slopes[kind] for block in found), strict=True)] for kind in (0, 1)
    ]
    *biases, last = [_squared_t(part) for part in slopes[0]]
    sizes = [_squared_t(part) for part in slopes[1]]
    values = [
        log(max(errors, 0) + 1 / len(z)),
        log(loss + 1e-3),
        log(sized + 1e-3),
        log(last + SMALL),
        float(np.mean([log(value + SMALL) for value in biases])) if biases else 0.0,
        float(np.mean([log(value + SMALL) for value in sizes])) if sizes else 0.0,
        float(len(set(names)) - 1),
    ]
    return Signs(Trial(candidate, known_scores(scores), loss), np.nan_to_num(np.array(values), nan=50.0, posinf=50.0))


@dataclass(frozen=True)
class _Block:
    z: Tensor
    slopes: tuple[list[Tensor], list[Tensor]]


def _looked_at(
    network: Stretch, names: Sequence[str], candidate: Candidate, x: Tensor, truth: Tensor, scorer: Scorer
) -> _Block:
    """Give the last z, and slopes of each row's loss in the biases of all layers and sizes of hidden outputs."""
    with torch.enable_grad():
        zs, outputs = network.traced(names, x.requires_grad_())
        losses = scorer(apply_output(zs[-1], candidate), truth, scored_as(candidate.output))[1]
        slopes = torch.autograd.grad(losses.sum(), [*zs, *outputs], allow_unused=True)
    known = [torch.zeros_like(z) if s is None else s for s, z in zip(slopes, [*zs, *outputs], strict=True)]
    biases = [_summed(part) for part in known[: len(zs)]]
    sizes = [_summed(part * of.detach()) for part, of in zip(known[len(zs) :], outputs, strict=True)]
    return _Block(zs[-1].detach(), (biases, sizes))


def _summed(values: Tensor) -> Tensor:
    """Sum over positions."""
    return values.flatten(2).sum(2) if values.dim() > 2 else values


def _squared_t(slopes: Tensor) -> float:
    """Give the mean over nodes of the squared t value that the mean of slopes (S, N) has."""
    slopes = slopes.double()
    t = len(slopes) * slopes.mean(0) ** 2 / (slopes**2).mean(0).clamp_min(1e-30)
    return float(t.mean())


def _sized_loss(z: Tensor, size: float, candidate: Candidate, truth: Tensor, scorer: Scorer) -> float:
    losses = scorer(apply_output(size * z, candidate), truth, scored_as(candidate.output))[1]
    return float(losses.double().mean())
