"""The class that a network gives each sample."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from interp.tasks import NO_PREDICTION, find_task, predict
from interp.types import Array, LoadedModel

MOST_COUNTED = 4096
"""Largest number of classes of which each pair of label and prediction is counted: 128 MB of counts."""


def are_counted(model: LoadedModel) -> bool:
    """Tell whether predictions are counted by label: not of a last layer of very many nodes, such as one a word.

    Parameters
    ----------
    model
        Network with its layers.
    """
    return model.every_layer[-1].nodes <= MOST_COUNTED


def has_predictions(model: LoadedModel) -> bool:
    """Tell whether a network gives each sample a class.

    Parameters
    ----------
    model
        Network with its task.
    """
    return find_task(model.task).counted


def classes_of(outputs: Tensor | None, samples: int, model: LoadedModel) -> Array:
    """Give the class that the network predicts for each sample, (B,); none where the task has no classes.

    Parameters
    ----------
    outputs
        Outputs of the network (B, ...); None where it was not run to its end.
    samples
        Number of samples, B.
    model
        Network with its task.
    """
    if outputs is None or not has_predictions(model):
        return np.full(samples, NO_PREDICTION)
    return np.asarray(predict(outputs, model.output).cpu())
