"""The same network with its weights shuffled: what any network of this shape tolerates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from interp.interventions.edits import INTERVENTIONS, Ranges
from interp.interventions.engine.measure import measure
from interp.interventions.engine.output_ranges import output_ranges
from interp.interventions.engine.tally import right_samples
from interp.interventions.levels import levels
from interp.interventions.readouts.tolerance import CENTRES, tolerance_row
from interp.network.tracing.offloaded import copy_with_values
from interp.tasks import find_task
from interp.types import Array, Effects, LoadedModel, NodeLayer, Split
from interp.types.annotations.fields import table_columns
from interp.types.annotations.frames import pd

Network = TypeVar("Network", bound=nn.Module)
COMPARED = tuple(CENTRES)
REPETITIONS = 400
"""Bootstrap draws behind the intervals of a tolerance."""


def compare_with_control(
    model: LoadedModel, split: Split, ranges: Mapping[str, Ranges], count: int, seed: int, shuffles: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sweep a network and shuffled copies, each measured by agreement with its own unperturbed predictions.

    Accuracy would not do: a copy's is at chance, whatever is done to it. Where outputs are measured values, agreement
    is the share of the variance of the unperturbed outputs that stays explained, and intervals are NaN.

    Parameters
    ----------
    model
        Network of any task.
    split
        Samples to run.
    ranges
        Output ranges of the network's own nodes, by name of the layer; those of the copies are measured on `split`.
    count
        Number of levels of each intervention.
    seed
        Seed of the random number generator, for the shuffling and the bootstrap.
    shuffles
        Number of shuffled copies.

    Returns
    -------
    control
        Rows of `Effects.control`; none for a copy whose outputs are not finite.
    tolerance
        Rows of `Effects.tolerance`, one for each layer of the network and of each copy.

    Raises
    ------
    DataError
        If there are no samples, or the unperturbed network's outputs are not numbers.

    Examples
    --------
    >>> from interp.checkpoints import load_model
    >>> model, data = load_model("zoo/pretrained/relu-digits.pt")
    >>> few = data.train.take(np.arange(50))
    >>> ranges = {"hidden": output_ranges(model, model.layers[0], few.inputs)}
    >>> control, tolerance = compare_with_control(model, few, ranges, count=20, seed=0)
    >>> tolerance["network"].tolist(), sorted(set(control["intervention"]))
    (['given', 'shuffled'], ['offset', 'scale'])
    """
    levels_of = {kind: levels(kind, count) for kind in COMPARED}
    agreements, tolerances = [], []
    for number in (None, *range(shuffles)):
        given = number is None
        network = model if number is None else replace(model, module=shuffle_weights(model.module, seed + number))
        for layer in model.layers:
            known = ranges.get(layer.name) if given else output_ranges(network, layer, split.inputs)
            if layer.name not in ranges or known is None or not (given or bool(np.all(known.finite))):
                continue
            right = _right(network, layer, split, known, levels_of)
            key: dict[str, Any] = {
                "layer": layer.name,
                "network": "given" if given else "shuffled",
                "copy": np.nan if number is None else float(number),
            }
            agreements += _agreements(key | {"samples": len(split)}, levels_of, right)
            repeat = REPETITIONS if given and find_task(model.task).counted else 0
            tolerances.append(key | tolerance_row(levels_of, right, seed, repeat))
    return (
        pd.DataFrame(agreements, columns=table_columns(Effects, "control")),
        pd.DataFrame(tolerances, columns=table_columns(Effects, "tolerance")),
    )


def _right(
    model: LoadedModel, layer: NodeLayer, split: Split, ranges: Ranges, levels_of: Mapping[str, Array]
) -> dict[str, Array]:
    """Tell which samples keep their prediction at each level, (E, S); without classes give agreement, (E, 1)."""
    edits = [INTERVENTIONS[kind](float(x), ranges) for kind, found in levels_of.items() for x in found]
    note = f"{layer.name} beside its control"
    if find_task(model.task).counted:
        right = right_samples(model, layer, edits, Split(split.inputs, None), note)
    else:
        right = measure(model, layer, edits, split, note, own=True).score[:, None]
    parts = np.split(right, np.cumsum([len(found) for found in levels_of.values()])[:-1])
    return dict(zip(levels_of, parts, strict=True))


def _agreements(
    key: Mapping[str, object], levels_of: Mapping[str, Array], right: Mapping[str, Array]
) -> list[dict[str, object]]:
    return [
        {**key, "intervention": kind, "level": float(level), "agreement": float(flags.mean())}
        for kind, found in levels_of.items()
        for level, flags in zip(found, right[kind], strict=True)
    ]


def shuffle_weights(module: Network, seed: int) -> Network:
    """Copy a module and permute the entries of each of its parameters: the values stay, what was learned does not.

    Parameters
    ----------
    module
        Module to copy; it is left as it is.
    seed
        Seed of the random number generator.

    Returns
    -------
    module
        Shuffled copy.

    Examples
    --------
    >>> layer = nn.Linear(3, 2)
    >>> shuffled = shuffle_weights(layer, seed=0)
    >>> sorted(shuffled.weight.flatten().tolist()) == sorted(layer.weight.flatten().tolist())
    True
    """
    generator = torch.Generator().manual_seed(seed)
    shuffled = copy_with_values(module)
    for parameter in shuffled.parameters():
        permute(parameter, generator)
    return shuffled


@torch.no_grad()
def permute(parameter: nn.Parameter, generator: torch.Generator) -> None:
    """Permute the entries of a parameter, in place.

    Parameters
    ----------
    parameter
        Parameter on any device.
    generator
        Random number generator, on the CPU, so that every device has the same order.

    Examples
    --------
    >>> weight = nn.Parameter(torch.arange(6.0).reshape(2, 3))
    >>> permute(weight, torch.Generator().manual_seed(0))
    >>> sorted(weight.flatten().tolist())
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    """
    order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
    parameter.copy_(parameter.flatten()[order].view_as(parameter))
