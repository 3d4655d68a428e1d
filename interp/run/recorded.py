"""The recording as stages read it, a layer at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import numpy as np

from interp.errors import MismatchError
from interp.network.inputs import as_tensor, device_of
from interp.network.linear_maps import affine_map
from interp.run.stage import Run
from interp.store import check_same, open_recording
from interp.tasks import NO_PREDICTION
from interp.types import Array, NodeLayer, Recording

Result = TypeVar("Result")


@contextmanager
def recorded(run: Run, split: str = "train") -> Iterator[Recording]:
    """Open one split of a run's recording.

    Parameters
    ----------
    run
        Run whose folder holds the recording.
    split
        Name of the split.

    Yields
    ------
    Recording
        Pre-activations of all layers, closed at the end of the block.

    Raises
    ------
    MismatchError
        If it is missing, or of another model or data set.
    """
    stage = run.stage("record")
    path = run.path("record")
    with open_recording(path, split) as recording:
        check_same(path, recording.provenance, run.provenance, stage.command)
        if recording.layers != run.model.layers:
            found = ", ".join(layer.name for layer in recording.layers) or "none"
            remedy = f"run `{stage.command}`"
            raise MismatchError(path, found=f"layers {found}", expected="the network's own", do=remedy)
        yield recording


def each_layer(
    run: Run, one: Callable[[NodeLayer, Recording], Result], layers: Sequence[NodeLayer] | None = None
) -> dict[str, Result]:
    """Apply a function to one layer after the other, on the training split.

    Parameters
    ----------
    run
        Run whose folder holds the recording.
    one
        Function of a layer and the recording that gives the layer's result.
    layers
        Layers to go through; None for all.

    Returns
    -------
    dict
        Layer name -> result.
    """
    with recorded(run) as recording:
        return {
            layer.name: run.keep(layer.name, partial(one, layer, recording))
            for layer in (run.model.layers if layers is None else layers)
        }


def confusion_of(run: Run) -> dict[str, Array]:
    """Count the recorded predictions of each split by label.

    Parameters
    ----------
    run
        Run whose folder holds the recording.

    Returns
    -------
    dict
        Split -> number of samples of each label (rows) and prediction (columns), (C, C), those without prediction left
        out; without splits that have no labels or a task without classes, and empty where nothing was recorded.
    """
    counts = {}
    for split in run.data.splits if run.path("record").exists() else ():
        with recorded(run, split) as recording:
            labels, predictions = recording.labels, recording.predictions
        if labels is not None and (is_predicted := predictions != NO_PREDICTION).any():
            labels, predictions = labels[is_predicted], predictions[is_predicted]
            classes = int(max(labels.max(), predictions.max(), len(run.data.classes) - 1)) + 1
            counts[split] = np.bincount(labels * classes + predictions, minlength=classes**2).reshape(classes, classes)
    return counts


def affine_of(run: Run, layer: NodeLayer) -> tuple[Array, Array] | None:
    """Give a layer's weights and biases, tried on two samples.

    Parameters
    ----------
    run
        Run with the network and its data.
    layer
        Layer of the network.

    Returns
    -------
    Array, Array
        Weights (N, D) and biases (N,); None in place of both where the layer is not linear.
    """
    example = as_tensor(run.data.train.inputs[:2], run.model.scaling, run.model.input_shape)
    return affine_map(run.model.module, layer, example.to(device_of(run.model.module)))
