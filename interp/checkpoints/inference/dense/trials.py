"""Candidates of a stack of dense layers, tried on rows: what they share is computed once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import prelu

from interp.checkpoints.inference.candidates.by_layer import spread
from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.outputs import scored_as
from interp.checkpoints.inference.candidates.trial import Trial, apply_output, known_scores
from interp.checkpoints.inference.rebuild import own_norm
from interp.checkpoints.inference.stack.layers import Layer, Norm
from interp.network.activations import ACTIVATIONS
from interp.tasks import Scorer
from interp.types import Array, Scaling


def try_dense(
    layers: Sequence[Layer],
    scorers: Mapping[str, Scorer],
    candidates: Sequence[Candidate],
    inputs: Array,
    values: Array,
) -> list[Trial]:
    """Try candidates on known rows, a block at a time; the first product is shared by all scalings.

    Parameters
    ----------
    layers
        Dense layers in running order.
    scorers
        Scorer of outputs by the name of the scaling of the inputs.
    candidates
        Candidates without a pooling layout.
    inputs
        Inputs of some samples as stored, (S, D).
    values
        Labels or targets of these samples, as `interp.tasks.Task.answers` gives them, (S, ...).
    """
    blocks = [_try_block(layers, scorers, candidates, x, y) for x, y in _blocks(inputs, values)]
    per_sample = np.concatenate([found for found, _ in blocks], axis=1)
    loss = np.sum([total for _, total in blocks], axis=0) / len(values)
    return [Trial(one, found, float(mean)) for one, found, mean in zip(candidates, per_sample, loss, strict=True)]


def _blocks(inputs: Array, values: Array, size: int = 2048) -> Iterator[tuple[Tensor, Tensor]]:
    for start in range(0, len(values), size):
        rows = slice(start, start + size)
        yield torch.from_numpy(np.asarray(inputs[rows], np.float32)), torch.from_numpy(values[rows])


@torch.no_grad()
def _try_block(
    layers: Sequence[Layer], scorers: Mapping[str, Scorer], candidates: Sequence[Candidate], x: Tensor, y: Tensor
) -> tuple[Array, Array]:
    raw = x @ layers[0].weight.T
    scaled = {one.scaling.name: one.scaling for one in candidates}
    first = {name: _first_z(layers[0], scaling, x, raw) for name, scaling in scaled.items()}
    cache: dict[tuple[str, str, str], Tensor] = {}
    per_sample, total = [], np.empty(len(candidates))
    for i, candidate in enumerate(candidates):
        key = (candidate.scaling.name, candidate.activation, candidate.order)
        if key not in cache:
            cache[key] = _last_z(layers, candidate, first[candidate.scaling.name])
        found, loss = scorers[candidate.scaling.name](
            apply_output(cache[key], candidate), y, scored_as(candidate.output)
        )
        per_sample.append(known_scores(found))
        total[i] = float(loss.double().sum())
    return np.stack(per_sample), total


def _first_z(layer: Layer, scaling: Scaling, x: Tensor, raw: Tensor) -> Tensor:
    """W((x/d - m)/s) + b; for scalar m and s it follows from the raw product W x."""
    if scaling.mean.ndim:
        z = torch.from_numpy(scaling(x.numpy())) @ layer.weight.T
    else:
        z = (raw / scaling.divisor - float(scaling.mean) * layer.weight.sum(1)) / float(scaling.std)
    return z if layer.bias is None else z + layer.bias


def _last_z(layers: Sequence[Layer], candidate: Candidate, z: Tensor) -> Tensor:
    names = spread(candidate.activation, len(layers) - 1)
    for (before, layer), name in zip(pairwise(layers), names, strict=True):
        if before.norm and candidate.order == "before":
            z = _normalise(before.norm, z)
        z = ACTIVATIONS[name](z) if before.slope is None else prelu(z, before.slope)
        if before.norm and candidate.order == "after":
            z = _normalise(before.norm, z)
        z = torch.nn.functional.linear(z, layer.weight, layer.bias)
    return _normalise(layers[-1].norm, z) if layers[-1].norm else z


def _normalise(norm: Norm, z: Tensor) -> Tensor:
    if norm.mean is None:
        return cast(Tensor, own_norm(norm)(z))
    return torch.nn.functional.batch_norm(z, norm.mean, norm.var, norm.weight, norm.bias)
