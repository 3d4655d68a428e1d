"""Candidates run forth and back on rows as a regularised training saw them: slopes vanish there, and not elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.rebuild import planned
from interp.checkpoints.inference.stack.layers import Layer
from interp.checkpoints.inference.weighing.passes import loss_of
from interp.checkpoints.inference.weighing.regular.how import Regularisation
from interp.checkpoints.inference.weighing.regular.shifts import shifted
from interp.checkpoints.inference.weighing.signs import BLOCK, BLOCKS, Signs, with_slopes
from interp.checkpoints.inference.weighing.slopes import SlopeSums
from interp.network.inputs import as_tensor
from interp.network.quick.denormals import denormals_as_zero
from interp.network.quick.side_by_side import side_by_side
from interp.tasks import Scorer
from interp.types import Array, Scaling


class TrainingRows:
    """Some training rows, and what they are run through.

    Parameters
    ----------
    layers
        Layers in running order, none with slopes.
    inputs
        Inputs of the rows as stored, (S, D).
    labels
        Labels of the rows, (S,).
    scorers
        Scorer of outputs by the name of the scaling of the inputs.
    image
        Shape of one input, (channels, height, width); None where inputs are no images.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        inputs: Array,
        labels: Array,
        scorers: Mapping[str, Scorer],
        image: tuple[int, int, int] | None,
    ) -> None:
        self.layers, self.inputs, self.labels, self.scorers, self.image = layers, inputs, labels, scorers, image
        self._kept: tuple[int, dict[str, Tensor]] = (0, {})

    def first(self, count: int) -> TrainingRows:
        """Give the first so many rows alone."""
        return TrainingRows(self.layers, self.inputs[:count], self.labels[:count], self.scorers, self.image)

    def read(self, scalings: Iterable[Scaling], shift: int) -> dict[str, Tensor]:
        """Give all rows as networks read them, (S, ...), by the name of the scaling; kept until another shift.

        Parameters
        ----------
        scalings
            Scalings of the inputs.
        shift
            Largest number of pixels by which images are shifted; 0 where inputs are none.
        """
        if self._kept[0] != shift:
            self._kept = (shift, {})
        kept = self._kept[1]
        missing = {one.name: one for one in scalings if one.name not in kept}
        if missing:
            inputs = self.inputs if self.image is None else shifted(self.inputs, self.image, shift)
            shape = self.image if self.layers[0].is_convolution and self.image else (inputs.shape[1],)
            kept |= {name: as_tensor(inputs, scaling, shape) for name, scaling in missing.items()}
        return kept


def signs_in_training(rows: TrainingRows, found: Sequence[Signs], how: Regularisation) -> list[Signs]:
    """Run candidates forth and back on rows as a regularised training saw them.

    Parameters
    ----------
    rows
        Rows, and what they are run through.
    found
        Signs of the candidates, of which errors and loss stay; slopes are those on changed rows.
    how
        Changes of the rows.
    """
    read = rows.read((one.trial.candidate.scaling for one in found), how.shift)
    return list(side_by_side(lambda one: _in_training(rows, read, one, how), found))


def multiply_adds(layers: Sequence[Layer], candidate: Candidate) -> int:
    """Count the multiply-add operations of all layers on one row.

    Parameters
    ----------
    layers
        Layers in running order.
    candidate
        Candidate, whose layout says how many positions convolutions have.
    """
    shape = candidate.layout.image if candidate.layout else (layers[0].channels,)
    values, count = torch.zeros(2, *shape), 0  # of one row alone batch norms have no moments
    with torch.no_grad():
        for step in _steps(layers, candidate, 0.0):
            values = step(values)
            weight = getattr(step, "weight", None)
            if weight is not None and weight.dim() > 1:
                count += weight.numel() * values[0, 0].numel()
    return count


def _in_training(rows: TrainingRows, read: Mapping[str, Tensor], found: Signs, how: Regularisation) -> Signs:
    candidate, truth = found.trial.candidate, torch.from_numpy(rows.labels)
    x, scorer = read[candidate.scaling.name], rows.scorers[candidate.scaling.name]
    network = nn.Sequential(*_steps(rows.layers, candidate, how.dropout)).to(memory_format=torch.channels_last)
    sums, at_end = SlopeSums([network]), []
    size = max(2, min(BLOCK, len(truth) // BLOCKS))
    with torch.enable_grad(), denormals_as_zero():
        for first in range(0, len(truth) - 1, size):  # one row alone has no moments
            some = slice(first, first + size)
            z = network(x[some])
            loss = loss_of(z, candidate, truth[some], scorer)
            if how.smoothing:
                loss = (1 - how.smoothing) * loss - how.smoothing * F.log_softmax(z, 1).mean(1).sum()
            slope, *slopes = torch.autograd.grad(loss, [z, *sums.parameters])
            sums.add(sums.looked_at([one[None] for one in slopes]))
            at_end.append(slope)
    return with_slopes(found, sums.found(), torch.cat(at_end))


def _steps(layers: Sequence[Layer], candidate: Candidate, dropout: float) -> list[nn.Module]:
    """Build the modules of a candidate's network as they ran in training."""
    steps: list[nn.Module] = []
    for step in planned(layers, replace(candidate, output="linear")):
        if dropout and step.settings[0] == "linear" and steps:
            steps.append(Dropout(dropout, len(steps)))
        module = step.build().eval()
        if isinstance(module, _BatchNorm):  # which keeps its running moments
            module.train().momentum = 0.0
        steps.append(module)
    return steps


class Dropout(nn.Module):
    """Dropout that leaves the same values out for every candidate.

    Parameters
    ----------
    share
        Share of values that are left out.
    seed
        Seed of the draws.
    """

    def __init__(self, share: float, seed: int) -> None:
        super().__init__()
        self._share, self._draws = share, torch.Generator().manual_seed(seed)

    def forward(self, values: Tensor) -> Tensor:
        """Leave some values (B, N) out, and make the others larger by as much."""
        kept = torch.empty_like(values).bernoulli_(1 - self._share, generator=self._draws)
        return values * kept / (1 - self._share)
