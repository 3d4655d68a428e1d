"""Whether a network was trained at all, and on data like these."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from interp.checkpoints.inference.fit import DOUBTFUL, GOOD
from interp.types import Inference

SKILLED = 0.5
"""Share of the way from chance to perfection that random weights do not reach."""


def assess_training(weights: Sequence[torch.Tensor], fit: Inference | None, skill: float = 0.0) -> Inference:
    """Tell from the weights, and from the score on the data where that is known, whether a network was trained.

    Parameters
    ----------
    weights
        Weights (N, ...) of each layer, one node a row.
    fit
        Fact of `interp.checkpoints.inference.fit.assess_fit`; None without labels or targets.
    skill
        Position of the score between chance (0) and perfection (1).

    Returns
    -------
    Inference
        Value True, False, or None where neither can be told.
    """
    by_weights = trained_from_weights(weights)
    if fit is None:
        return by_weights
    if fit.value in (GOOD, DOUBTFUL) or skill >= SKILLED:
        return Inference(True, "likely", fit.evidence)
    evidence = f"{by_weights.evidence}; {fit.evidence}"
    if by_weights.value is False:
        return Inference(False, "likely", evidence)
    return Inference(None, "uncertain", f"{evidence}: trained on other data, or to be read in another way")


def trained_from_weights(weights: Sequence[torch.Tensor]) -> Inference:
    """Tell from the weights alone whether a network can be untrained.

    PyTorch draws the weights of a layer within 1/sqrt(fan-in), a range that training leaves.
    """
    reach = max(float(weight.abs().max()) * weight[0].numel() ** 0.5 for weight in weights)
    if reach <= 1.0001:
        return Inference(
            False, "uncertain", f"every weight lies where PyTorch draws new ones from ({_reach(reach, 3)})"
        )
    return Inference(None, "uncertain", f"weights lie beyond where PyTorch draws new ones from ({_reach(reach, 2)})")


def _reach(value: float, places: int) -> str:
    """Say how far out the farthest weight of all layers lies."""
    return f"the largest is {value:.{places}f} times 1/sqrt(inputs of its node), the end of that range"
