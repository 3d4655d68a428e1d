"""Table 5 of as-NN: ten networks a condition, alone and as an ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import precision_recall_fscore_support
from torch import Tensor
from torch.nn import functional

from interp.types import Array
from zoo import checkpoints
from zoo.training import logits

PER_MODEL = ("accuracy", "precision", "recall", "f1", "test_error", "error_count")


def test_logits(paths: Sequence[Path], x: Tensor) -> Tensor:
    """Run every checkpoint over the test images.

    Parameters
    ----------
    paths
        Paths of M checkpoints of one architecture.
    x
        Scaled test images, (S, ...).

    Returns
    -------
    Tensor
        Logits, (M, S, C).
    """
    return torch.stack([logits(checkpoints.module_of(checkpoints.load(path)), x) for path in paths])


def per_model(scores: Tensor, y: Tensor) -> dict[str, Array]:
    """Measure every network alone; precision, recall and F1 are means over classes.

    Parameters
    ----------
    scores
        Logits, (M, S, C).
    y
        Labels, (S,).

    Returns
    -------
    dict
        Name of a measure in `PER_MODEL` -> its value for each network, (M,).
    """
    rows = []
    for one in scores:
        guess = one.argmax(dim=1)
        precision, recall, f1, _ = precision_recall_fscore_support(y, guess, average="macro", zero_division=0)
        wrong = int((guess != y).sum())
        rows.append((1 - wrong / len(y), precision, recall, f1, float(functional.cross_entropy(one, y)), wrong))
    return dict(zip(PER_MODEL, np.array(rows).T, strict=True))


def ensemble_errors(scores: Tensor, y: Tensor) -> dict[str, int]:
    """Count test images that the networks get wrong together (as-NN, table 5).

    Parameters
    ----------
    scores
        Logits, (M, S, C).
    y
        Labels, (S,).

    Returns
    -------
    dict
        Number of images: ``unique_errors``, wrong in at least one network; ``consistent_errors``, in all;
        ``voting_errors``, in half or more; ``l2_errors``, where the class whose outputs have the smallest norm over the
        networks is wrong.

    Examples
    --------
    >>> logits = torch.tensor([[[0.0, -1.0]], [[-1.0, 0.0]]])
    >>> ensemble_errors(logits, torch.tensor([0]))["unique_errors"]
    1
    """
    wrong = (scores.argmax(dim=2) != y).sum(dim=0)
    nearest = scores.square().sum(dim=0).argmin(dim=1)
    return {
        "unique_errors": int((wrong >= 1).sum()),
        "consistent_errors": int((wrong == len(scores)).sum()),
        "voting_errors": int((2 * wrong >= len(scores)).sum()),
        "l2_errors": int((nearest != y).sum()),
    }
