"""Classes told apart: how many there are, and which lie above a node's equilibrium level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from interp.interventions.edits import Ranges
from interp.interventions.engine.outputs import read_outputs
from interp.network.inputs import input_blocks
from interp.tasks import find_task, predict
from interp.types import Array, Effects, LoadedModel, NodeLayer, Split
from interp.types.annotations.fields import table_columns
from interp.types.annotations.frames import pd

MOST_CLASSES = 100
"""Classes are told apart up to so many: beyond, tables outgrow what anyone reads."""


def class_number(model: LoadedModel, split: Split) -> int:
    """Give how many classes to count apart; 0 where there are more than `MOST_CLASSES`, or no classes."""
    found = split.labels
    if not len(split):
        return 0
    if found is None:
        number = max(2, _outputs(model, split).shape[1])
    elif found.ndim > 1 or found.dtype.kind not in "iu" or found.min() < 0:
        return 0
    else:
        number = int(found.max()) + 1
    return number if number <= MOST_CLASSES else 0


@torch.no_grad()
def _outputs(model: LoadedModel, split: Split) -> Tensor:
    """Run the network on one sample, (1, C)."""
    _, x = next(input_blocks(model, split.inputs[:1]))
    outputs: Tensor = model.module(x)
    return outputs


@dataclass(frozen=True)
class Sides:
    """Position of each sample's outputs above or below a level of each node, with its class.

    Attributes
    ----------
    above
        Whether the output of each node lies above its level, (S, N) 0 or 1; for a convolution the share of positions;
        NaN for a node without level.
    labels
        Label of each sample, or without labels the network's prediction, (S,).
    right
        Whether the network is right on each sample, (S,) booleans.
    """

    above: Array
    labels: Array
    right: Array

    def by_class(self) -> tuple[Array, Array, Array]:
        """Give the classes there are, their samples, (C,), and the share of each above, (C, N)."""
        present, samples = np.unique(self.labels, return_counts=True)
        return present, samples, np.stack([self.above[self.labels == label].mean(0) for label in present])

    def accuracy(self) -> tuple[Array, Array]:
        """Give accuracy above and below the level, (N,) each; NaN where nothing lies there."""
        right = self.right.astype(float)
        with np.errstate(invalid="ignore"):
            return right @ self.above / self.above.sum(0), right @ (1 - self.above) / (1 - self.above).sum(0)


@torch.no_grad()
def sides(model: LoadedModel, layer: NodeLayer, split: Split, levels: Array) -> Sides:
    """Run the unperturbed network and see on which side of a level each output falls.

    Parameters
    ----------
    model
        Network whose outputs are classes; it is run unperturbed.
    layer
        Layer whose outputs are compared with levels.
    split
        Samples to run.
    levels
        Level of each node in units of its output, (N,); NaN for none.
    """
    above: list[Array] = []
    guesses = []
    limit = torch.from_numpy(levels.astype(np.float32))

    for rows, x in input_blocks(model, split.inputs):
        values, outputs = read_outputs(model.module, layer, x)
        by_node = values.flatten(2) if values.dim() > 2 else values.unsqueeze(2)
        over = (by_node > limit.to(values.device)[:, None]).float()
        lengths = split.lengths if layer.is_stepwise else None
        above.append(_share(over, None if lengths is None else lengths[rows]).cpu().numpy())
        guesses.append(predict(outputs, model.output).cpu().numpy())
    guess = np.concatenate(guesses)
    labels = guess if split.labels is None else split.labels
    return Sides(np.where(np.isnan(levels), np.nan, np.concatenate(above)), labels, guess == labels)


def _share(over: Tensor, lengths: Array | None) -> Tensor:
    """Give the mean over positions of (B, N, T), (B, N); of sequences without the steps that are padding."""
    if lengths is None:
        return over.mean(2)
    own = torch.arange(over.shape[2]) < torch.from_numpy(lengths)[:, None]
    weights = own.to(over) / own.sum(1, keepdim=True).to(over)
    return (over * weights[:, None]).sum(2)


def balanced(
    model: LoadedModel, split: Split, ranges: Mapping[str, Ranges], node_levels: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add to the nodes' levels what lies above and below their equilibrium, and tell the classes apart.

    Parameters
    ----------
    model
        Network of any task.
    split
        Samples to run.
    ranges
        Output ranges of the nodes of each layer, by its name.
    node_levels
        Rows of `node_levels`.

    Returns
    -------
    node_levels
        Rows of `Effects.node_levels`, complete.
    balance
        Rows of `Effects.balance` for nodes that have an equilibrium; empty where there are more than `MOST_CLASSES`
        classes, and for a task without classes.
    """
    levels, balance = [], [pd.DataFrame(columns=table_columns(Effects, "balance"), dtype=float)]
    for layer in model.layers if find_task(model.task).counted else ():
        rows = node_levels[node_levels["layer"] == layer.name]
        if rows.empty:
            continue
        low, high = ranges[layer.name].low, ranges[layer.name].high
        with np.errstate(invalid="ignore"):
            level = pd.Series(rows["equilibrium"].to_numpy(float), rows["node"]).reindex(range(layer.nodes)).to_numpy()
            found = sides(model, layer, split, low + level * (high - low))
        over, under = found.accuracy()
        read = zip(("above", "accuracy_above", "accuracy_below"), (found.above.mean(0), over, under), strict=True)
        levels.append(rows.assign(**{name: values[rows["node"]] for name, values in read}))
        if class_number(model, split):
            balance.append(_rows(layer.name, found))
    if not levels:
        return node_levels.assign(above=np.nan, accuracy_above=np.nan, accuracy_below=np.nan), balance[0]
    return pd.concat(levels, ignore_index=True), pd.concat(balance[1:] or balance, ignore_index=True)


def _rows(layer: str, found: Sides) -> pd.DataFrame:
    present, samples, above = found.by_class()
    known = np.flatnonzero(~np.isnan(found.above[0]))
    values = {
        "layer": layer,
        "node": np.repeat(known, len(present)),
        "class": np.tile(present, len(known)),
        "samples": np.tile(samples, len(known)),
        "above": above[:, known].T.ravel(),
    }
    return pd.DataFrame(values)
