"""The same network with its weights shuffled: what any network of this shape tolerates."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from interp.hooks import edit
from interp.inputs import input_blocks
from interp.interventions.edits import INTERVENTIONS, Edit, Ranges, on_values
from interp.interventions.levels import levels
from interp.interventions.measure import measure
from interp.types import Array, LoadedModel, NodeLayer, Split

COMPARED = ("scale", "offset")
COLUMNS = ("network", "layer", "intervention", "level", "samples", "agreement")


def compare_with_control(
    model: LoadedModel, split: Split, ranges: Mapping[str, Ranges], count: int, seed: int
) -> pd.DataFrame:
    """Sweep a network and its shuffled copy, each judged by agreement with its own unperturbed predictions.

    Accuracy would not do: the copy's is at chance, whatever is done to it. Where outputs are measured values, agreement
    is the share of the variance of the unperturbed outputs that stays explained.

    Parameters
    ----------
    ranges
        Of the network itself; those of the copy are measured on `split`.
    count
        Levels of each intervention.
    seed
        Of the shuffling.

    Returns
    -------
    DataFrame
        Columns ``network`` (``given`` or ``shuffled``), ``layer``, ``intervention``, ``level``, ``samples``,
        ``agreement``. Nothing for a copy whose outputs are not numbers.
    """
    shuffled = replace(model, module=shuffle_weights(model.module, seed))
    rows = []
    for layer in model.layers:
        if layer.name not in ranges:
            continue
        own = output_ranges(shuffled, layer, split.inputs)
        rows += _rows("given", model, layer, split, ranges[layer.name], count)
        if bool(np.all(own.finite)):
            rows += _rows("shuffled", shuffled, layer, split, own, count)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(
    network: str, model: LoadedModel, layer: NodeLayer, split: Split, ranges: Ranges, count: int
) -> list[tuple[str, str, str, float, int, float]]:
    keys = [(kind, float(level)) for kind in COMPARED for level in levels(kind, count)]
    edits = [INTERVENTIONS[kind](level, ranges) for kind, level in keys]
    found = measure(model, layer, edits, split, f"{layer.name} of the {network} network", own=True)
    return [
        (network, layer.name, kind, level, found.samples, float(share))
        for (kind, level), share in zip(keys, found.score, strict=True)
    ]


def shuffle_weights(module: nn.Module, seed: int) -> nn.Module:
    """Copy a module and permute the entries of each of its parameters: same values, nothing learned."""
    generator = torch.Generator().manual_seed(seed)
    shuffled = copy.deepcopy(module)
    with torch.no_grad():
        for parameter in shuffled.parameters():
            order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))
    return shuffled


@torch.no_grad()
def output_ranges(model: LoadedModel, layer: NodeLayer, inputs: Array) -> Ranges:
    """Measure the least and largest activation output of each node."""
    seen: list[tuple[Tensor, Tensor]] = []

    def look(outputs: Tensor) -> Tensor:
        by_node = outputs.transpose(0, 1).flatten(1)
        seen.append((by_node.amin(1), by_node.amax(1)))
        return outputs

    with edit(model.module, layer, *on_values(Edit(after=look), layer)):
        for _, x in input_blocks(model, inputs):
            model.module(x)
    low, high = torch.stack([a for a, _ in seen]).amin(0), torch.stack([b for _, b in seen]).amax(0)
    return Ranges(low.cpu().numpy(), high.cpu().numpy())
