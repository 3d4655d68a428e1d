"""Networks with batch norms as training saw them: normed by the moments of each batch, which running ones remember.

Training lowers the loss of batches that are normed by their own moments. With the running moments, which outputs are
made with, its slopes do not vanish under any activation. And running moments are those of what a norm read in the last
steps, so under the right activation they are those of what it reads now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from interp.checkpoints.inference.rebuild import rebuild
from interp.checkpoints.inference.stack.layers import Layer
from interp.checkpoints.inference.weighing.passes import loss_of
from interp.checkpoints.inference.weighing.signs import Signs, with_slopes
from interp.checkpoints.inference.weighing.slopes import SlopeSums
from interp.network.inputs import as_tensor
from interp.tasks import Scorer
from interp.types import Array

BATCH = 64
"""Number of rows whose moments stand for those of a training batch: most networks are trained on 32 to 128."""

INFLATED = 6.0
"""Factor by which the nodes of a norm count for fewer, since what they read hangs together."""

MOST = 10.0
"""Largest natural logarithm of a likelihood ratio that one norm counts for."""


@dataclass(frozen=True)
class ByBatch:
    """A candidate as it ran on batches that were normed by their own moments.

    Attributes
    ----------
    signs
        Signs of the candidate, with the slopes of these batches.
    gaps
        Squared distance of the mean that each norm's nodes read from their running mean, in units of the running
        variance: an array (N,) a norm, in running order.
    """

    signs: Signs
    gaps: tuple[Array, ...]


def has_moments(layers: Sequence[Layer]) -> bool:
    """Whether some norm takes the moments of a batch where it is trained."""
    return any(layer.norm is not None and layer.norm.mean is not None for layer in layers)


def normed_by_batch(
    layers: Sequence[Layer], found: Signs, inputs: Array, answers: Array, scorers: Mapping[str, Scorer]
) -> ByBatch:
    """Run a candidate forth and back on batches that are normed by their own moments.

    Parameters
    ----------
    layers
        Layers in running order, some with batch norms.
    found
        Signs of the candidate, of which errors and loss stay.
    inputs, answers
        Inputs (S, D) and labels (S,) of some rows, of which whole batches are run.
    scorers
        Scorer of outputs by the name of the scaling of the inputs.
    """
    candidate = found.trial.candidate
    network = _training(rebuild(layers, replace(candidate, output="linear")))
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    means: list[list[Tensor]] = [[] for _ in norms]
    for norm, read in zip(norms, means, strict=True):
        norm.register_forward_pre_hook(lambda _, given, read=read: read.append(_mean(given[0])))
    sums, truth, at_end = SlopeSums([network]), torch.from_numpy(answers), []
    shape = candidate.layout.image if candidate.layout else (inputs.shape[1],)
    size = min(BATCH, len(truth))
    with torch.enable_grad():
        for first in range(0, len(truth) - size + 1, size):
            rows = slice(first, first + size)
            z = network(as_tensor(inputs[rows], candidate.scaling, shape))
            loss = loss_of(z, candidate, truth[rows], scorers[candidate.scaling.name])
            slope, *slopes = torch.autograd.grad(loss, [z, *sums.parameters])
            sums.add(sums.looked_at([one[None] for one in slopes]))
            at_end.append(slope)
    gaps = tuple(_gap(norm, torch.stack(read).mean(0)) for norm, read in zip(norms, means, strict=True))
    return ByBatch(with_slopes(found, sums.found(), torch.cat(at_end)), gaps)


def against_moments(candidates: Sequence[Sequence[Array]]) -> Array:
    """Weigh how far running means are from those under each of K candidates, (K,).

    Gaps of the right candidate are noise of an unknown size, the same under all: of Gaussian noise the logarithm of the
    likelihood is -N/2 log of the mean squared gap, but for what is the same.

    Parameters
    ----------
    candidates
        Gaps of each candidate, an array (N,) a norm.

    Returns
    -------
    Array
        Natural logarithm of the likelihood ratio of the best over each candidate; 0 for the best.

    Examples
    --------
    >>> near, far = np.full(16, 0.001), np.full(16, 0.002)
    >>> against_moments([[near, near], [near, far]]).round(2).tolist()
    [0.0, 0.92]
    """
    sizes = np.array([[len(one) / 2 * np.log(one.mean() + 1e-12) for one in gaps] for gaps in candidates])
    sizes = np.where(np.isnan(sizes), np.inf, sizes)  # of damaged weights
    least = sizes.min(axis=0)
    over = (sizes - np.where(np.isfinite(least), least, 0.0)) / INFLATED
    found = np.minimum(over, MOST).sum(1)
    return np.asarray(found - found.min())


def _mean(values: Tensor) -> Tensor:
    """Give the mean of each node or channel (N,) of values (B, N) or (B, N, H, W)."""
    return values.detach().double().transpose(0, 1).flatten(1).mean(1)


def _gap(norm: _BatchNorm, mean: Tensor) -> Array:
    """Give the squared distance of means (N,) from a norm's running means, in units of its running variance."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    return np.asarray(((mean - norm.running_mean.double()) ** 2 / (norm.running_var.double() + norm.eps)).numpy())


def _training(network: nn.Module) -> nn.Module:
    """Let batch norms take the moments of what they are given, and keep their running ones."""
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.train()
            module.momentum = 0.0
    return network.to(memory_format=torch.channels_last)  # in which convolutions take two thirds of the time
