"""Changes of one node that the output layer reads: logits move by (new - old) times one column of weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from interp.interventions.changes import Cap, Fix, Raise
from interp.interventions.edits import Edit
from interp.interventions.engine.outcomes import no_loss
from interp.interventions.engine.plans.near_ties import QuickOutcomes, joined, quick_outcomes
from interp.interventions.engine.plans.output_layer import BlockLogits
from interp.interventions.engine.sites import ChainState
from interp.network.chain import run


@dataclass(frozen=True)
class SingleNodes:
    """Some edits of one node each.

    Attributes
    ----------
    edits
        Edits of one node each, E of them.
    nodes
        Number of the node that each edit changes, (E,).
    low, high
        Bounds between which the node's output is kept, (E, 1); None for edits of another form.
    """

    edits: Sequence[Edit]
    nodes: Tensor
    low: Tensor | None
    high: Tensor | None

    def values(self, some: slice, old: Tensor, state: ChainState) -> Tensor:
        """Give the nodes' new outputs under some of the edits, (E, B), from their old ones, (E, B)."""
        if self.low is None or self.high is None:
            return torch.stack([_column(edit, each, state) for edit, each in zip(self.edits[some], old, strict=True)])
        return torch.maximum(old, self.low[some]).minimum(self.high[some])

    def outcomes(self, logits: BlockLogits) -> tuple[Tensor, Tensor]:
        """Give the outcomes where the output layer reads the nodes: rows right (E, B), summed losses (E,)."""
        return _with_losses(self, logits) if logits.answers.losses else _without_losses(self, logits)


def _column(edit: Edit, old: Tensor, state: ChainState) -> Tensor:
    column = old[:, None]
    if edit.before is not None:
        column = run(state.site.active, edit.before(state.z[:, list(edit.nodes or ())]))
    return (column if edit.after is None else edit.after(column))[:, 0]


def single_nodes(edits: Sequence[Edit], device: torch.device) -> SingleNodes:
    """Prepare edits of one node each, all of which have `bounds_of`, or none."""
    nodes = torch.tensor([node for edit in edits for node in edit.nodes or ()], device=device)
    bounds = [bounds_of(edit) for edit in edits]
    if any(each is None for each in bounds):
        return SingleNodes(edits, nodes, None, None)
    low, high = torch.tensor([each for each in bounds if each is not None], device=device).T[:, :, None]
    return SingleNodes(edits, nodes, low, high)


def bounds_of(edit: Edit) -> tuple[float, float] | None:
    """Give the bounds between which an edit keeps its one node's output; None where it does something else."""
    if edit.before is not None:
        return None
    match edit.after:
        case Fix(value):
            return value, value
        case Raise(bottom):
            return float(bottom), torch.inf
        case Cap(top):
            return -torch.inf, float(top)
    return None


def _without_losses(edits: SingleNodes, logits: BlockLogits) -> tuple[Tensor, Tensor]:
    weights = logits.reader.weight.T[edits.nodes]  # (E, C)
    old = logits.by_node.index_select(0, edits.nodes)
    values = edits.values(slice(None), old, logits.state)
    change = values - old
    pair = _may_turn(change, weights, logits).view(-1).nonzero()[:, 0]
    edit, row = pair // len(logits.outputs), pair % len(logits.outputs)
    found = _outcomes_of_pairs(change.take(pair), weights.T.index_select(1, edit), row, logits)
    right = (logits.margin > 0).repeat(len(weights), 1)
    right.view(-1)[pair] = found.right[0]
    again = lambda edit, row: logits.guess(replaced(logits.outputs, edits.nodes, values, edit, row))  # noqa: E731
    unsure = QuickOutcomes(right, no_loss(len(weights)), edit[found.row], row[found.row])
    return unsure.settled(logits.answers.labels, again)


def _may_turn(change: Tensor, weights: Tensor, logits: BlockLogits) -> Tensor:
    """Tell which rows are so near a tie that changes (E, B) read with weights (E, C) could turn them: few are."""
    each, _ = logits.reader.rounding
    furthest = change.abs() * (weights.amax(1) - weights.amin(1) + each)[:, None]
    return ~(furthest < logits.margin.abs() - logits.rounding)  # NaN may be anything


def _outcomes_of_pairs(change: Tensor, weights: Tensor, row: Tensor, logits: BlockLogits) -> QuickOutcomes:
    """Give the outcomes of some rows (P,) under changes (P,) read with weights (C, P), as one edit."""
    each, _ = logits.reader.rounding
    moved = logits.unperturbed.index_select(1, row).addcmul_(weights, change)
    label = logits.answers.labels.take(row)[None]
    true = moved.gather(0, label)
    rounding = logits.rounding.take(row) + each * change.abs()
    return quick_outcomes(true, moved.scatter_(0, label, -torch.inf)[None], rounding[None], losses=False)


def _with_losses(edits: SingleNodes, logits: BlockLogits) -> tuple[Tensor, Tensor]:
    weights, (each, _) = logits.reader.weight.T[edits.nodes], logits.reader.rounding  # (E, C)
    values = []

    def stack(some: slice, others: Tensor) -> QuickOutcomes:
        old, weight = logits.by_node.index_select(0, edits.nodes[some]), weights[some]
        values.append(edits.values(some, old, logits.state))
        change = values[-1] - old
        true = torch.addcmul(logits.true, change, weight @ logits.label)
        torch.addcmul(logits.others, change[:, None], weight[:, :, None], out=others)
        rounding = torch.add(logits.rounding, change.abs_(), alpha=each)
        return quick_outcomes(true, others, rounding, logits.answers.losses)

    found = joined([stack(*each) for each in logits.stacks(len(edits.edits))])
    again = lambda edit, row: logits.guess(  # noqa: E731
        replaced(logits.outputs, edits.nodes, torch.cat(values), edit, row)
    )
    return found.settled(logits.answers.labels, again)


def replaced(outputs: Tensor, nodes: Tensor, values: Tensor, edit: Tensor, row: Tensor) -> Tensor:
    """Give the changed outputs of pairs of an edit and a row, (P, N); nodes (E,) have new values (E, B)."""
    changed = outputs[row]
    changed[torch.arange(len(row), device=row.device), nodes[edit]] = values[edit, row]
    return changed
