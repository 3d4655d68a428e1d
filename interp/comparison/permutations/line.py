"""Loss and score on the straight line between the weights of two networks."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from interp.tasks import Scorer

PLACES = tuple(place / 10 for place in range(11))
"""Places on the line: 0 at the first network, 1 at the second."""

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@torch.no_grad()
def along_the_line(
    first: nn.Module,
    second: nn.Module,
    inputs: Tensor,
    answers: Tensor,
    scorer: Scorer,
    form: str,
    places: Sequence[float] = PLACES,
) -> list[tuple[float, float, float]]:
    """Score the networks between two, batch norms measuring their statistics anew on the samples.

    Parameters
    ----------
    first, second
        Networks of one architecture.
    inputs
        Samples as the networks take them.
    answers
        Right answers of these samples.
    scorer
        Function of outputs, answers and form that gives a score and a loss for every sample.
    form
        Form of the outputs, as in `LoadedModel.output`.
    places
        Places between the networks, from 0 to 1.

    Returns
    -------
    list of tuple
        Place, mean loss and mean score.
    """
    found = []
    for place in places:
        between = _between(first, second, place)
        if 0 < place < 1:
            _measure_norms(between, inputs)
        score, loss = scorer(between(inputs), answers, form)
        found.append((place, float(loss.double().mean()), float(score.double().mean())))
    return found


def _between(first: nn.Module, second: nn.Module, place: float) -> nn.Module:
    ours, theirs = first.state_dict(), second.state_dict()
    mixed = {
        name: torch.lerp(value, theirs[name], place) if value.is_floating_point() else value
        for name, value in ours.items()
    }
    between = copy.deepcopy(first)
    between.load_state_dict(mixed)
    return between.eval()


def _measure_norms(module: nn.Module, inputs: Tensor) -> None:
    """Let batch norms take their statistics from the samples: those of mixed weights are no mixture (Jordan et al.)."""
    norms = [part for part in module.modules() if isinstance(part, NORMS) and part.track_running_stats]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    if norms:
        module(inputs)
    module.eval()
