"""The class that a network gives each sample."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from interp.tasks import NO_PREDICTION, find_task, predict
from interp.types import Array, LoadedModel


def classes_of(outputs: Tensor, model: LoadedModel) -> Array:
    """Give the class that the network predicts for each sample, (B,); none where the task has no classes.

    Parameters
    ----------
    outputs
        Outputs of the network (B, ...).
    model
        Network with its task.
    """
    counted = find_task(model.task).counted
    guess = predict(outputs, model.output) if counted else torch.full((len(outputs),), NO_PREDICTION)
    return np.asarray(guess.cpu())
