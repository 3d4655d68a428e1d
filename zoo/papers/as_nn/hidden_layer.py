"""One network's first layer through the analysis of `interp`, in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from interp.analysis import classify_boundaries, find_prototypes, fit_gaussians
from interp.checkpoints import load_model
from interp.network.chain import run, split_at
from interp.network.inputs import as_tensor, input_blocks
from interp.network.maps.affine import affine_map
from interp.tasks import predict
from interp.types import Array, Boundaries, Dataset, LabelledInputs, LayerRows, LoadedModel, Prototypes

BLOCK = 4096


@dataclass(frozen=True)
class HiddenLayer:
    """Boundaries and prototypes of a network's first layer.

    Attributes
    ----------
    boundaries
        Kinds of the nodes' boundaries, over the training split.
    prototypes
        Mean inputs that the nodes stand for, over the training split.
    train, test
        Scaled inputs of each split, with labels and the network's predictions.
    """

    boundaries: Boundaries
    prototypes: Prototypes
    train: LabelledInputs
    test: LabelledInputs


def look_at(path: Path, data: Dataset) -> HiddenLayer:
    """Record, fit, classify and average over the first layer of one checkpoint.

    Parameters
    ----------
    path
        Path of a zoo checkpoint whose first layer reads flat inputs.
    data
        Data set that the network was trained on.

    Returns
    -------
    HiddenLayer
        Boundaries and prototypes with the default options of `interp.analysis`.
    """
    model, _ = load_model(path, data)
    layer = model.layers[0]
    z, train = _read(model, data, "train")
    fit = fit_gaussians(z, train.labels)
    affine = affine_map(model.module, layer, as_tensor(data.train.inputs[:2], model.scaling, model.input_shape))
    assert affine is not None, "a linear layer"
    boundaries = classify_boundaries(fit, bias=affine[1])
    parts = (LayerRows(z[rows], train.inputs[rows], train.inputs[rows]) for rows in _blocks(len(z)))
    prototypes = find_prototypes(parts, z, np.arange(len(z)), fit, boundaries, layer.activation, affine)
    return HiddenLayer(boundaries, prototypes, train, _read(model, data, "test")[1])


@torch.no_grad()
def _read(model: LoadedModel, data: Dataset, split: str) -> tuple[Array, LabelledInputs]:
    """Give z (S, N) of the first layer, and the inputs with labels and predictions."""
    parts = split_at(model.module, model.layers[0].tap)
    assert parts is not None, "zoo networks are chains"
    before, after = parts
    values, guesses, inputs = [], [], []
    for _, x in input_blocks(model, data.splits[split].inputs):
        z = run(before, x)
        values.append(z.numpy().copy())  # an activation may work in place
        guesses.append(predict(run(after, z), model.output).numpy())
        inputs.append(x.flatten(1).numpy())
    sample = LabelledInputs(np.concatenate(inputs), data.splits[split].labels, np.concatenate(guesses))
    return np.concatenate(values), sample


def _blocks(rows: int) -> list[slice]:
    return [slice(begin, begin + BLOCK) for begin in range(0, rows, BLOCK)]
