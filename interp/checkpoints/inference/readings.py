"""Ways to read a bare stack of dense layers, and how well each one does what is asked of the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import torch
from torch import Tensor

from interp.checkpoints.inference.placement import Placement
from interp.checkpoints.inference.stacked import Layer, Norm
from interp.network.activations import ACTIVATIONS
from interp.tasks import Scorer
from interp.types import Array, Scaling

NORM_PLACES = ("before", "after")
POOLED_PLACES = {False: ("before", "pool-first"), True: ("before", "after", "pool-first", "last")}
"""Without and with batch-norms: orders of norm, activation and pooling after a convolution, the usual first."""

WORST = -1e6  # a wrong reading's squared errors may be beyond all numbers

OUTPUTS = ("linear", "activation", "negated-activation")
"""Forms that change predictions. A bare negation is none: the weights would absorb it."""


@dataclass(frozen=True, eq=False)
class Reading:
    """One way to run a stack: what the file does not say.

    Attributes
    ----------
    norm
        Whether batch-norms act ``before`` or ``after`` the activation; in a convolutional network
        also ``pool-first`` (pooling, norm, activation) or ``last`` (activation, pooling, norm).
    placement
        Where padding, stride and pooling stand; None without convolutions.
    """

    scaling: Scaling
    activation: str
    output: str
    norm: str = "before"
    placement: Placement | None = None

    def __hash__(self) -> int:
        """Hash by what names it, since a scaling holds arrays."""
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        """Compare likewise."""
        return isinstance(other, Reading) and self.key == other.key

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What tells it from the others."""
        return (self.scaling.name, self.activation, self.output, self.norm, str(self.placement))


@dataclass(frozen=True)
class Score:
    """How a reading does: the marks of its rows, (S,) booleans or numbers at most 1, and the mean loss a row."""

    reading: Reading
    marks: Array
    loss: float

    @property
    def mean(self) -> float:
        """The score: the share of rows that are right, or R²."""
        return float(self.marks.mean())


def all_readings(
    layers: Sequence[Layer],
    scalings: Mapping[str, Scaling],
    given: Mapping[str, str | None],
    places: Sequence[Placement] = (),
) -> list[Reading]:
    """List every reading that agrees with what the user gave (``scaling``, ``activation``, ``output``)."""
    activations = [given["activation"]] if given.get("activation") else list(ACTIVATIONS)
    outputs = [given["output"]] if given.get("output") else list(OUTPUTS)
    normed = any(layer.norm for layer in layers)
    norms = POOLED_PLACES[normed] if places else NORM_PLACES if normed else NORM_PLACES[:1]
    kinds: list[Placement | None] = [variant for place in places for variant in place.variants]
    if len(layers) == 1:
        activations = activations[:1] if given.get("activation") else ["identity"]
    return [
        Reading(scaling, str(activation), str(output), norm, place)
        for place, scaling, activation, norm, output in product(
            kinds or [None], scalings.values(), activations, norms, outputs
        )
    ]


def score_readings(
    layers: Sequence[Layer], scorers: Mapping[str, Scorer], readings: Sequence[Reading], inputs: Array, values: Array
) -> list[Score]:
    """Score readings on known rows, a block at a time; the first product is shared by all scalings.

    Parameters
    ----------
    scorers
        Name of a scaling -> what scores outputs under it.
    inputs
        As stored, (S, D).
    values
        Their answers, as `interp.tasks.Task.answers` gives them.
    """
    blocks = [_score_block(layers, scorers, readings, x, y) for x, y in _blocks(inputs, values)]
    marks = np.concatenate([found for found, _ in blocks], axis=1)
    loss = np.sum([total for _, total in blocks], axis=0) / len(values)
    return [Score(reading, found, float(mean)) for reading, found, mean in zip(readings, marks, loss, strict=True)]


def _blocks(inputs: Array, values: Array, size: int = 2048) -> Iterator[tuple[Tensor, Tensor]]:
    for start in range(0, len(values), size):
        rows = slice(start, start + size)
        yield torch.from_numpy(np.asarray(inputs[rows], np.float32)), torch.from_numpy(values[rows])


@torch.no_grad()
def _score_block(
    layers: Sequence[Layer], scorers: Mapping[str, Scorer], readings: Sequence[Reading], x: Tensor, y: Tensor
) -> tuple[Array, Array]:
    raw = x @ layers[0].weight.T
    cache: dict[tuple[str, str, str], Tensor] = {}
    marks, total = [], np.empty(len(readings))
    for i, reading in enumerate(readings):
        key = (reading.scaling.name, reading.activation, reading.norm)
        if key not in cache:
            cache[key] = _last_z(layers, reading, _first_z(layers[0], reading.scaling, x, raw))
        found, loss = scorers[reading.scaling.name](apply_output(cache[key], reading), y, "linear")
        marks.append(known_marks(found))
        total[i] = float(loss.double().sum())
    return np.stack(marks), total


def known_marks(marks: Tensor) -> Array:
    """Give marks as an array; a row whose output is not a number is as bad as any."""
    found: Array = marks.numpy()
    return found if found.dtype == bool else np.nan_to_num(np.maximum(found, WORST), nan=WORST)


def _first_z(layer: Layer, scaling: Scaling, x: Tensor, raw: Tensor) -> Tensor:
    """W((x/d - m)/s) + b; for scalar m and s it follows from the raw product W x."""
    if scaling.mean.ndim:
        z = torch.from_numpy(scaling(x.numpy())) @ layer.weight.T
    else:
        z = (raw / scaling.divisor - float(scaling.mean) * layer.weight.sum(1)) / float(scaling.std)
    return z if layer.bias is None else z + layer.bias


def _last_z(layers: Sequence[Layer], reading: Reading, z: Tensor) -> Tensor:
    activation = ACTIVATIONS[reading.activation]
    for before, layer in pairwise(layers):
        if before.norm and reading.norm == "before":
            z = _normalise(before.norm, z)
        z = activation(z)
        if before.norm and reading.norm == "after":
            z = _normalise(before.norm, z)
        z = torch.nn.functional.linear(z, layer.weight, layer.bias)
    return _normalise(layers[-1].norm, z) if layers[-1].norm else z


def _normalise(norm: Norm, z: Tensor) -> Tensor:
    return torch.nn.functional.batch_norm(z, norm.mean, norm.var, norm.weight, norm.bias)


def apply_output(z: Tensor, reading: Reading) -> Tensor:
    """Give the outputs (S, C) that a reading makes of the last layer's z."""
    if reading.output == "linear":
        return z
    active = ACTIVATIONS[reading.activation](z)
    return -active if reading.output == "negated-activation" else active
