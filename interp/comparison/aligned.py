"""Further networks with their nodes in the order of the first's, and the straight line between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from interp.comparison.answers import compared_split
from interp.comparison.members import Member
from interp.comparison.permutations.apply import moved_nodes, permuted
from interp.comparison.permutations.groups import Groups, find_groups
from interp.comparison.permutations.line import along_the_line
from interp.comparison.permutations.match import match_activity, match_weights
from interp.errors import UsageError
from interp.network.inputs import as_tensor, device_of
from interp.tasks import find_task

MOST_OTHERS = 5
"""Largest number of networks that are aligned with the first."""

MOST_SAMPLES = 1_000
"""Largest number of samples that nodes are matched and the line is scored on."""


MOST_CHANGE = 1e-3
"""Largest change of an output, relative to the largest output, that rounding explains."""


@dataclass(frozen=True)
class Alignment:
    """What came of bringing the nodes of networks into the order of the first's.

    Attributes
    ----------
    copies
        Name of a network -> state dict of its aligned copy, the nearer of the two ways by weights.
    table
        Distances of weights, a row a network and way (``weights``, ``activity``): ``distance_before`` and
        ``distance_after`` of all weights relative to the size of the first's, share of nodes that ``moved``, and the
        largest change of an output of the copy (``output_change``), relative to the largest output.
    line
        Loss and score along the straight line from the first network, a row a network, ``copy`` (``as given``,
        ``aligned``) and ``place`` from 0 to 1.
    left_out
        Sentences about what could not be aligned.
    """

    copies: Mapping[str, Mapping[str, Tensor]]
    table: pd.DataFrame
    line: pd.DataFrame
    left_out: tuple[str, ...] = ()


def aligned_with_first(members: Sequence[Member]) -> Alignment:
    """Align every further network of the first's architecture with it.

    Parameters
    ----------
    members
        Networks of the comparison.
    """
    first, copies, rows, lines, said = members[0], {}, [], [], []
    for other in members[1 : 1 + MOST_OTHERS]:
        if _shapes(first.run.model.module) != _shapes(other.run.model.module):
            said.append(f"{other.name} has other parameters than {first.name}, and cannot be aligned with it.")
            continue
        inputs = _inputs(first)
        try:
            groups = find_groups(first.run.model.module, inputs[:2])
        except UsageError as error:
            said.append(f"Nodes cannot be aligned: {error.found}.")
            break
        said += [f"Nodes stay in their order at {why}." for why in groups.held if f"at {why}." not in " ".join(said)]
        found = _ways(first.run.model.module, other.run.model.module, groups, inputs)
        if any(row["output_change"] > MOST_CHANGE for row, _ in found.values()):
            said.append(f"Nodes of {other.name} cannot be aligned: parameters that are shared change what it computes.")
            continue
        rows += [{"network": other.name, "way": way, **row} for way, (row, _) in found.items()]
        nearest = min(found.values(), key=lambda one: one[0]["distance_after"])[1]
        copies[other.name] = nearest.state_dict()
        for how, module in (("as given", other.run.model.module), ("aligned", nearest)):
            lines += [{"network": other.name, "copy": how, **row} for row in _line(first, module, inputs)]
    return Alignment(copies, pd.DataFrame(rows), pd.DataFrame(lines), tuple(said))


def _shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


def _rows(member: Member) -> np.ndarray:
    samples = len(compared_split(member)[1])
    return np.unique(np.linspace(0, samples - 1, min(samples, MOST_SAMPLES)).round().astype(int))


def _inputs(member: Member) -> Tensor:
    model = member.run.model
    stored = compared_split(member)[1].inputs[_rows(member)]
    return as_tensor(stored, model.scaling, model.input_shape).to(device_of(model.module))


Way = tuple[dict[str, float], nn.Module]
"""Row of the table, and the aligned copy."""


def _ways(first: nn.Module, other: nn.Module, groups: Groups, inputs: Tensor) -> dict[str, Way]:
    """Align by weights and by what nodes do."""
    orders = {
        "weights": match_weights(first.state_dict(), other.state_dict(), groups),
        "activity": match_activity(first, other, groups, inputs),
    }
    return {way: _aligned(first, other, groups, order, inputs) for way, order in orders.items()}


@torch.no_grad()
def _aligned(first: nn.Module, other: nn.Module, groups: Groups, orders: Mapping[int, Tensor], inputs: Tensor) -> Way:
    copy, outputs = permuted(other, groups, orders), other(inputs)
    moved, nodes = moved_nodes(orders)
    row = {
        "groups": float(len(orders)),
        "moved": moved / max(nodes, 1),
        "distance_before": distance(first, other),
        "distance_after": distance(first, copy),
        "output_change": float((copy(inputs) - outputs).abs().max() / outputs.abs().max().clamp_min(1e-300)),
    }
    return row, copy


@torch.no_grad()
def distance(first: nn.Module, other: nn.Module) -> float:
    """Give the distance of all parameters of two networks, relative to the size of the first's.

    Examples
    --------
    >>> network = nn.Linear(2, 2)
    >>> distance(network, network)
    0.0
    """
    pairs = list(zip(first.parameters(), other.parameters(), strict=True))
    apart = sum(float(((a - b).double() ** 2).sum()) for a, b in pairs)
    size = sum(float((a.double() ** 2).sum()) for a, _ in pairs)
    return float((apart / max(size, 1e-300)) ** 0.5)


def _line(first: Member, other: nn.Module, inputs: Tensor) -> list[dict[str, float]]:
    """Score the straight line; without answers, against those of the first network."""
    model, split = first.run.model, compared_split(first)[1]
    task, values = find_task(model.task), find_task(model.task).answers(split)
    if values is None:
        with torch.no_grad():
            outputs = model.module(inputs).cpu()
        answers, scorer = task.own_answers(outputs, model.output), task.own_scorer(outputs.numpy())
    else:
        chosen = np.asarray(values)[_rows(first)]
        answers, scorer = torch.from_numpy(chosen), task.scorer_of(split, chosen, model.scaling)
    found = along_the_line(model.module, other, inputs, answers.to(inputs.device), scorer, model.output)
    return [{"place": place, "loss": loss, "score": score} for place, loss, score in found]
