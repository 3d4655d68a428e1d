"""Changes of one node that the output layer reads: scores move by (new - old) times one column of weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from interp.interventions.edits import Edit
from interp.interventions.engine.changes import Cap, Fix, Raise
from interp.interventions.engine.head import Rows
from interp.interventions.engine.scores import no_loss
from interp.interventions.engine.sites import Site
from interp.interventions.engine.verdicts import Verdicts, joined, judge
from interp.network.chain import run


@dataclass(frozen=True)
class SingleNodes:
    """Some edits of one node each.

    Attributes
    ----------
    nodes
        (E,) which.
    low, high
        (E, 1) between which the node's output is kept; None for edits of another form.
    """

    edits: Sequence[Edit]
    nodes: Tensor
    low: Tensor | None
    high: Tensor | None

    def values(self, some: slice, old: Tensor, site: Site) -> Tensor:
        """Give the nodes' new outputs under some of the edits, (E, B), from their old ones, (E, B)."""
        if self.low is None or self.high is None:
            return torch.stack([_column(edit, each, site) for edit, each in zip(self.edits[some], old, strict=True)])
        return torch.maximum(old, self.low[some]).minimum(self.high[some])


def _column(edit: Edit, old: Tensor, site: Site) -> Tensor:
    column = old[:, None]
    if edit.before is not None:
        column = run(site.place.active, edit.before(site.z[:, list(edit.nodes or ())]))
    return (column if edit.after is None else edit.after(column))[:, 0]


def single_nodes(edits: Sequence[Edit], device: torch.device) -> SingleNodes:
    """Prepare edits of one node each, either all `bounded` or none."""
    nodes = torch.tensor([node for edit in edits for node in edit.nodes or ()], device=device)
    bounds = [bounds_of(edit) for edit in edits]
    if any(each is None for each in bounds):
        return SingleNodes(edits, nodes, None, None)
    low, high = torch.tensor([each for each in bounds if each is not None], device=device).T[:, :, None]
    return SingleNodes(edits, nodes, low, high)


def bounds_of(edit: Edit) -> tuple[float, float] | None:
    """Give the values between which an edit keeps its one node's output; None where it does something else."""
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


def judge_at_head(edits: SingleNodes, rows: Rows) -> tuple[Tensor, Tensor]:
    """Judge edits of nodes that the output layer reads: which rows are right (E, B), summed losses (E,)."""
    return _with_losses(edits, rows) if rows.truth.losses else _without_losses(edits, rows)


def _without_losses(edits: SingleNodes, rows: Rows) -> tuple[Tensor, Tensor]:
    weights = rows.head.weight.T[edits.nodes]  # (E, C)
    old = rows.by_node.index_select(0, edits.nodes)
    values = edits.values(slice(None), old, rows.site)
    change = values - old
    pair = _may_turn(change, weights, rows).view(-1).nonzero()[:, 0]
    edit, row = pair // len(rows.outputs), pair % len(rows.outputs)
    found = _judge_pairs(change.take(pair), weights.T.index_select(1, edit), row, rows)
    right = (rows.margin > 0).repeat(len(weights), 1)
    right.view(-1)[pair] = found.right[0]
    again = lambda edit, row: rows.guess(replaced(rows.outputs, edits.nodes, values, edit, row))  # noqa: E731
    unsure = Verdicts(right, no_loss(len(weights)), edit[found.row], row[found.row])
    return unsure.settled(rows.truth, again)


def _may_turn(change: Tensor, weights: Tensor, rows: Rows) -> Tensor:
    """Tell which rows are so near a tie that changes (E, B) read with weights (E, C) could turn them: few are."""
    each, _ = rows.head.rounding
    furthest = change.abs() * (weights.amax(1) - weights.amin(1) + each)[:, None]
    return ~(furthest < rows.margin.abs() - rows.rounding)  # NaN may be anything


def _judge_pairs(change: Tensor, weights: Tensor, row: Tensor, rows: Rows) -> Verdicts:
    """Judge some rows (P,) under changes (P,) read with weights (C, P), as one edit."""
    each, _ = rows.head.rounding
    scores = rows.plain_scores.index_select(1, row).addcmul_(weights, change)
    label = rows.truth.labels.take(row)[None]
    true = scores.gather(0, label)
    rounding = rows.rounding.take(row) + each * change.abs()
    return judge(true, scores.scatter_(0, label, -torch.inf)[None], rounding[None], losses=False)


def _with_losses(edits: SingleNodes, rows: Rows) -> tuple[Tensor, Tensor]:
    weights, (each, _) = rows.head.weight.T[edits.nodes], rows.head.rounding  # (E, C)
    values = []

    def stack(some: slice, others: Tensor) -> Verdicts:
        old, weight = rows.by_node.index_select(0, edits.nodes[some]), weights[some]
        values.append(edits.values(some, old, rows.site))
        change = values[-1] - old
        true = torch.addcmul(rows.true, change, weight @ rows.label)
        torch.addcmul(rows.others, change[:, None], weight[:, :, None], out=others)
        return judge(true, others, torch.add(rows.rounding, change.abs_(), alpha=each), rows.truth.losses)

    verdicts = joined([stack(*each) for each in rows.stacks(len(edits.edits))])
    again = lambda edit, row: rows.guess(replaced(rows.outputs, edits.nodes, torch.cat(values), edit, row))  # noqa: E731
    return verdicts.settled(rows.truth, again)


def replaced(outputs: Tensor, nodes: Tensor, values: Tensor, edit: Tensor, row: Tensor) -> Tensor:
    """Give the changed outputs of pairs of an edit and a row, (P, N); nodes (E,) have new values (E, B)."""
    changed = outputs[row]
    changed[torch.arange(len(row), device=row.device), nodes[edit]] = values[edit, row]
    return changed
