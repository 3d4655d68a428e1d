"""Signs that a network is run as it was trained: few errors, a small loss, and a loss that is stationary.

An activation that is nearly the right one gives nearly the right predictions. But gradient descent ends where the loss
does not change with the weights, and under another activation it does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, isnan, log, nan

import numpy as np
import torch
from torch import Tensor

from interp.checkpoints.inference.candidates.by_layer import JOINT, spread
from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.outputs import scored_as
from interp.checkpoints.inference.candidates.trial import Trial, apply_output, known_scores
from interp.checkpoints.inference.stack.layers import Layer
from interp.checkpoints.inference.weighing.passes import Beginnings, passes
from interp.checkpoints.inference.weighing.passes_together import PassesTogether
from interp.checkpoints.inference.weighing.slopes import Slopes, SlopeSums
from interp.checkpoints.inference.weighing.stretch import stretched
from interp.network.quick.denormals import denormals_as_zero
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


UNKNOWN = np.full(5, FAR)
"""Values of a candidate whose signs were not looked at, since its score rules it out."""

NAMES = ("errors", "calibrated loss", "slope at the outputs", "slope in weights", "kinds")


def signs_of(
    layers: Sequence[Layer],
    candidate: Candidate,
    inputs: Array,
    answers: Array,
    scorer: Scorer,
    begun: Beginnings | None = None,
) -> Signs:
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
    begun
        Beginnings of other candidates on the same rows, of dense networks; None for none.
    """
    truth, size = torch.from_numpy(answers), _block(inputs)
    if layers[0].is_convolution:
        return _of_convolutional(layers, [candidate], inputs, truth, {candidate.scaling.name: scorer})[0]
    network, names = stretched(layers, candidate), spread(candidate.activation, len(layers) - 1)
    sums, ends = SlopeSums(network.modules), []
    with denormals_as_zero():
        for some in passes(network, names, candidate, begun or Beginnings(inputs), truth, scorer, size):
            sums.add(some.slopes)
            ends.append((some.z, some.at_end))
    return _signs(candidate, sums.found(), ends, truth, scorer)


def signs_of_all(
    layers: Sequence[Layer],
    candidates: Sequence[Candidate],
    inputs: Array,
    answers: Array,
    scorers: Mapping[str, Scorer],
) -> list[Signs]:
    """Run several candidates forth and back on the same rows, as `signs_of` does each.

    Parameters
    ----------
    layers, inputs, answers
        Arguments of `signs_of`.
    candidates
        Candidates, in any order.
    scorers
        Scorer of outputs by the name of the scaling of the inputs.
    """
    if layers[0].is_convolution:
        return _of_convolutional(layers, candidates, inputs, torch.from_numpy(answers), scorers)
    begun = Beginnings(inputs)
    return [signs_of(layers, one, inputs, answers, scorers[one.scaling.name], begun) for one in candidates]


def _of_convolutional(
    layers: Sequence[Layer],
    candidates: Sequence[Candidate],
    inputs: Array,
    truth: Tensor,
    scorers: Mapping[str, Scorer],
) -> list[Signs]:
    """Run convolutional networks block by block, what they have in common at once."""
    passing = PassesTogether(layers, candidates, inputs, truth, scorers)
    ends: dict[Candidate, list[tuple[Tensor, Tensor]]] = {one: [] for one in candidates}
    for passed in passing.blocks(_block(inputs)):
        for one, found in passed.items():
            passing.sums[one].add(found.slopes)
            ends[one].append((found.z, found.at_end))
    return [_signs(one, passing.sums[one].found(), ends[one], truth, scorers[one.scaling.name]) for one in candidates]


def _block(inputs: Array) -> int:
    """Give the number of rows of a block."""
    return max(2, min(BLOCK, len(inputs) // BLOCKS))


def _signs(
    candidate: Candidate,
    slopes: Sequence[Slopes],
    ends: Sequence[tuple[Tensor, Tensor]],
    truth: Tensor,
    scorer: Scorer,
) -> Signs:
    """Put the signs of a candidate together, from what its passes gave: each block's last z and the slope there."""
    z, at_end = (torch.cat(parts) for parts in zip(*ends, strict=True))
    scores, losses = scorer(apply_output(z, candidate), truth, scored_as(candidate.output))
    errors, loss = 1 - float(scores.double().mean()), float(losses.double().mean())
    values = [
        log(max(errors, 0) + 1 / len(z)),
        log(_sized_loss(z, candidate, truth, scorer, loss) + 1e-7),
        *_of_slopes(slopes, at_end),
        float(len(set(candidate.activation.split(JOINT))) - 1),
    ]
    return Signs(Trial(candidate, known_scores(scores), loss), _bounded(values), tuple(slopes))


def with_slopes(signs: Signs, slopes: Sequence[Slopes], at_end: Tensor) -> Signs:
    """Give signs with other slopes; errors, loss and kinds stay.

    Parameters
    ----------
    signs
        Signs of a candidate.
    slopes
        Slopes of the loss in its weights, a tensor after the other.
    at_end
        Slope of the loss in the last layer's z, (S, C).
    """
    values = [*signs.values[:2], *_of_slopes(slopes, at_end), signs.values[4]]
    return replace(signs, values=_bounded(values), slopes=tuple(slopes))


def _of_slopes(slopes: Sequence[Slopes], at_end: Tensor) -> tuple[float, float]:
    """Give the signs of slopes in the output biases, and in the weights."""
    sizes = [one.size for one in slopes if one.is_map]
    return log(_squared_t(at_end) + SMALL), float(np.mean(sizes)) if sizes else 0.0


def _bounded(values: Sequence[float]) -> Array:
    return np.clip(np.nan_to_num(values, nan=FAR, posinf=FAR), -FAR, FAR)


def _squared_t(slopes: Tensor) -> float:
    """Give the mean over nodes of the squared t value that the mean of slopes (S, N) has."""
    slopes = slopes.double()
    t = len(slopes) * slopes.mean(0) ** 2 / (slopes**2).mean(0).clamp_min(1e-30)
    return float(t.mean())


def _sized_loss(z: Tensor, candidate: Candidate, truth: Tensor, scorer: Scorer, own: float) -> float:
    """Give the least loss of outputs of any of `SIZES`, of which `own` is that of size 1."""

    def loss(place: int) -> float:
        outputs = apply_output(SIZES[place] * z, candidate)
        return float(scorer(outputs, truth, scored_as(candidate.output))[1].double().mean())

    if candidate.output == "linear":
        return least_of_convex(loss, len(SIZES), SIZES.index(1.0), own)
    return _least([loss(place) for place in range(len(SIZES))])


def _least(values: Sequence[float]) -> float:
    """Give the least of some values but those that are no numbers; NaN where none is one."""
    return min((one for one in values if not isnan(one)), default=nan)


def least_of_convex(value: Callable[[int], float], count: int, start: int, at_start: float) -> float:
    """Give the least of some values in order that fall and then rise, as a loss does that is convex.

    Parameters
    ----------
    value
        Function of a place from 0 to `count` - 1; all are asked for where the first is not finite.
    count
        Number of values.
    start
        Place from which to go down.
    at_start
        Value there.

    Examples
    --------
    >>> asked = []
    >>> least_of_convex(lambda place: asked.append(place) or (place - 4) ** 2, 9, 5, 1), asked
    (0, [4, 3])
    """
    if not isfinite(at_start):
        return _least([value(place) for place in range(count)])
    for step in (-1, 1):
        least, place = at_start, start + step
        while 0 <= place < count and (found := value(place)) < least:
            least, place = found, place + step
        if least < at_start:
            return least
    return at_start
