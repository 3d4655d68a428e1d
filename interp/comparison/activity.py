"""Outputs of every node on the same samples, in every network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from interp.comparison.members import Member
from interp.network.inputs import as_tensor, device_of
from interp.network.own_activations import Function, output_functions
from interp.run.recorded import recorded
from interp.types import Array, Recording

MOST_SAMPLES = 2_000
"""Largest number of samples that nodes are compared on, evenly among those of the split."""

Activity = dict[str, Array]
"""Layer name -> outputs of its nodes (S, N); of a convolution their means over its recorded positions."""


def activities(members: Sequence[Member], split: str) -> list[Activity]:
    """Give what the nodes of every network do on the same samples.

    Parameters
    ----------
    members
        Networks, whose recordings are in their folders.
    split
        Name of the split.
    """
    samples = _samples(members, split)
    return [_activity(member, split, samples) for member in members]


def left_out(members: Sequence[Member], split: str, found: Sequence[Activity]) -> list[str]:
    """Say of how many samples activities are, where not all have stored activations.

    Parameters
    ----------
    members
        Networks, whose recordings are in their folders.
    split
        Name of the split.
    found
        Activities of their nodes, as `activities` gives them.
    """
    if not any(_is_drawn(member, split) for member in members):
        return []
    seen, samples = len(next(iter(found[0].values()))), len(members[0].run.data.splits[split])
    return [
        f"Likeness of nodes and of layers (correlations, matches and CKA) is of {seen:,} of {samples:,} samples, those"
        " whose activations are stored of every network (--store)."
    ]


def _is_drawn(member: Member, split: str) -> bool:
    with recorded(member.run, split) as recording:
        return recording.kept is not None


def _samples(members: Sequence[Member], split: str) -> Array:
    """Choose samples whose activations are stored of all networks, evenly among them."""
    common = np.arange(len(members[0].run.data.splits[split]))
    for member in members:
        with recorded(member.run, split) as recording:
            common = common if recording.kept is None else np.intersect1d(common, recording.kept, assume_unique=True)
    places = np.linspace(0, len(common) - 1, min(len(common), MOST_SAMPLES)).round().astype(int)
    return np.asarray(common[np.unique(places)])


def _activity(member: Member, split: str, chosen: Array) -> Activity:
    run = member.run
    example = as_tensor(run.data.train.inputs[:2], run.model.scaling, run.model.input_shape)
    functions = output_functions(run.model.module, run.model.layers, example.to(device_of(run.model.module)))
    samples = len(run.data.splits[split])
    with recorded(run, split) as recording:
        return {
            layer.name: _means(recording, layer.name, functions[layer.name], samples)[chosen]
            for layer in run.model.layers
        }


def _means(recording: Recording, layer: str, function: Function, samples: int) -> Array:
    """Give the mean output of each node over the rows of each sample."""
    total, counts, start = np.zeros((samples, 0)), np.zeros(samples), 0
    for z in recording.batches(layer):
        with torch.no_grad():
            outputs = function(torch.from_numpy(np.ascontiguousarray(z))).numpy()
        if not total.shape[1]:
            total = np.zeros((samples, outputs.shape[1]))
        owners = recording.sample[layer][start : start + len(z)]
        np.add.at(total, owners, outputs)
        counts += np.bincount(owners, minlength=samples)
        start += len(z)
    return total / np.maximum(counts, 1)[:, None]
