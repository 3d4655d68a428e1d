"""Classification: one class index for each row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interp.tasks.doubts import doubt_classes
from interp.tasks.predictions import predict
from interp.tasks.scorers import score_classes
from interp.tasks.simple_fits import nearest_mean
from interp.tasks.stand_ins import of_classes
from interp.tasks.targets import Seen, check_labels, labels_of
from interp.tasks.task import Score, Task
from interp.types import Array

ACCURACY = Score("accuracy", "accuracy")


def commonest(labels: Array) -> float:
    """Give the share of the commonest class among labels (S,)."""
    return float(np.bincount(labels).max() / len(labels))


def _classes(seen: Seen) -> str:
    if seen.labels is None or seen.targets is not None or seen.outputs == 1:
        return ""
    return f"labels are class indices from 0 to {seen.known - 1}, {seen.outputs} outputs"


def _two(seen: Seen) -> str:
    two = seen.labels is not None and seen.targets is None and seen.outputs == 1 and seen.known <= 2
    return "labels of two classes, one output" if two else ""


CLASSIFICATION = Task(
    name="classification",
    score=ACCURACY,
    answers=labels_of,
    scorer=lambda labels, scaling: score_classes,
    own_answers=predict,
    own_scorer=lambda outputs: score_classes,
    chance=commonest,
    stand_ins=of_classes,
    simple=nearest_mean,
    check=check_labels,
    recognised=_classes,
    doubt=doubt_classes,
    counted=True,
    explained="the predicted class's score",
    asked="naming the class of an input",
    unseen="a final softmax, log-softmax or sigmoid changes no prediction, so it cannot be seen",
)

BINARY = replace(
    CLASSIFICATION,
    name="binary",
    asked="telling two classes apart by one output",
    recognised=_two,
    unseen="a final sigmoid changes no prediction, so it cannot be seen",
)
"""Two classes and one output, the score of class 1."""
