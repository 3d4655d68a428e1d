"""Labels that are signs: how bare weights are read by how near outputs come to -1 and +1."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import torch

from interp.checkpoints.inference.candidates.by_layer import last_of
from interp.checkpoints.inference.candidates.outputs import ENDS_ACTIVE, FUNCTIONS
from interp.checkpoints.inference.weighing.settled import Settled
from interp.network.activations import ACTIVATIONS
from interp.tasks import REGRESSION, predict
from interp.types import Dataset, Inference, Split


class Infer(Protocol):
    """Way to choose a candidate for the layers of a network."""

    def __call__(self, data: Dataset, *, task: str) -> Settled:
        """Choose a candidate by data and task, as `infer_candidate` does."""


def infer_of_signs(infer: Infer, data: Dataset) -> Settled | None:
    """Choose a candidate by how near its outputs come to the targets that labels of signs were.

    Hinge losses and squared errors leave no slope of a cross-entropy at rest, which labels alone are weighed by.

    Parameters
    ----------
    infer
        Way to choose a candidate.
    data
        Data whose labels 0 and 1 stand for -1 and +1.

    Returns
    -------
    Settled or None
        Candidate without what keeps the sign of its outputs; None where these are no nearer to them than their mean.
    """
    splits = {name: _with_values(split) for name, split in data.splits.items()}
    found = infer(replace(data, splits=splits), task=REGRESSION.name)
    return None if found.is_at_chance else _without_end(found)


def _with_values(split: Split) -> Split:
    """Give a split with the targets that its labels stand for."""
    if split.labels is None:
        return split
    return replace(split, labels=None, targets=2.0 * split.labels[:, None] - 1)


def _without_end(found: Settled) -> Settled:
    """Leave out a function behind the last layer that changes no sign: a hinge loss has none, and tanh fits it best."""
    said, candidate = found.facts["output"], found.candidate
    if candidate.output == "linear" or said.confidence == "certain" or not _keeps_signs(found):
        return found
    what = last_of(candidate.activation) if candidate.output in ENDS_ACTIVE else candidate.output
    why = (
        f"with {what} behind them outputs are nearest to -1 and +1 ({said.evidence}); it changes no sign, so that"
        " there may be none"
    )
    fact = Inference("linear", "uncertain", why)
    return replace(found, candidate=replace(candidate, output="linear"), facts={**found.facts, "output": fact})


def _keeps_signs(found: Settled) -> bool:
    """Whether outputs above 0, or above half of a probability, are those of which z is."""
    output = found.candidate.output
    z = torch.tensor([[-2.0], [-0.5], [0.5], [2.0]])
    if output == "activation":
        outputs = ACTIVATIONS[last_of(found.candidate.activation)](z)
    elif output in FUNCTIONS:
        outputs = FUNCTIONS[output](z)
    else:
        return False
    return predict(outputs, output).tolist() == [0, 0, 1, 1]
