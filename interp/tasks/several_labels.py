"""Multi-label classification: several zeros and ones for each row."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from interp.tasks.classes import BINARY
from interp.tasks.predictions import threshold
from interp.tasks.scorers import score_labels
from interp.tasks.simple_fits import label_by_label
from interp.tasks.stand_ins import of_labels
from interp.tasks.targets import Seen, check_columns, one_hot, targets_of
from interp.tasks.task import Score, Task
from interp.types import Array

EXACT_MATCH = Score("exact_match", "exact-match accuracy")
"""Share of rows with all labels right (subset accuracy, scikit-learn's score of several labels)."""


def commonest_row(labels: Array) -> float:
    """Give the share of the commonest combination of labels (S, T)."""
    return float(np.unique(labels, axis=0, return_counts=True)[1].max() / len(labels))


def set_labels(outputs: Tensor, form: str) -> Tensor:
    """Give the predicted labels of outputs (B, C), as zeros and ones (B, C) uint8."""
    return (outputs > threshold(form)).to(torch.uint8)


def _several(seen: Seen) -> str:
    several = seen.targets is not None and seen.targets.dtype == np.uint8
    return f"{seen.columns} zeros and ones a row, several of them set" if several else ""


MULTI_LABEL = Task(
    name="multi-label",
    score=EXACT_MATCH,
    answers=targets_of,
    scorer=lambda labels, scaling: score_labels,
    own_answers=set_labels,
    own_scorer=lambda outputs: score_labels,
    chance=commonest_row,
    stand_ins=of_labels,
    simple=label_by_label,
    check=check_columns,
    from_labels=one_hot,
    recognised=_several,
    right="right in every label",
    asked="naming all labels of an input",
    unseen=BINARY.unseen,
)
