"""Changes of a whole layer that the output layer reads: a stack of levels at a time, in one buffer.

A scaled z is a scaled score where the activation is homogeneous; a z that is cut off is an output that is cut
off where it is monotone; a moved ReLU node is a z cut off from below and read with other weights, since
max(f z + t, 0) = f max(z, -t/f) + t for f > 0. None of these runs the activation again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from interp.interventions.edits import Edit
from interp.interventions.engine.changes import Cap, Known, Move, Raise, Scale, stacked, taken
from interp.interventions.engine.head import Head, Rows
from interp.interventions.engine.scores import label_scores
from interp.interventions.engine.sites import activate
from interp.interventions.engine.verdicts import Verdicts, joined, judge

HOMOGENEOUS = ("relu", "abs", "identity")
"""Activations f with f(s z) = s f(z) for s >= 0."""

MONOTONE = ("relu", "tanh", "sigmoid", "identity")
"""Activations f with f(min(z, t)) = min(f(z), f(t))."""

SMALL = ("relu", "abs", "tanh", "sigmoid", "identity")
"""Activations with |f(z)| <= |z|, or <= 1."""

Fill = Callable[[Rows, slice, Tensor], object]
"""(rows, some edits, out (E, C, B)): writes what the output layer makes of changed outputs, without bias."""


@dataclass(frozen=True)
class Way:
    """How scores under some edits of one form are had.

    Attributes
    ----------
    bias
        To add to the products, (E, C).
    stretch, shift
        Margins may be off by `stretch` times `Rows.length`, and `shift` more, (E, 1).
    """

    fill: Fill
    bias: Tensor
    stretch: Tensor
    shift: Tensor


def way(fill: Fill, head: Head, stretch: Tensor, shift: Tensor, bias: Tensor | None = None) -> Way:
    """Make a way; changed outputs are at most `stretch` times as long as `Rows.length`, and `shift` longer, (E, 1)."""
    each, more = head.rounding
    bias = head.bias.expand(len(stretch), -1) if bias is None else bias
    return Way(fill, bias, each * stretch, each * shift + more)


def scaled(factor: Tensor, head: Head) -> Way:
    """Scale the scores."""

    def fill(rows: Rows, some: slice, out: Tensor) -> None:
        torch.mul(rows.products, factor[some, :, None], out=out)

    return way(fill, head, factor.abs(), torch.zeros_like(factor))


def cut(keep: Callable[..., Tensor], edges: Tensor, head: Head) -> Way:
    """Keep the smaller (`torch.minimum`) or the larger of the outputs and some edges."""

    def fill(rows: Rows, some: slice, out: Tensor) -> None:
        for edge, products in zip(edges[some], out, strict=True):
            keep(rows.outputs, edge, out=rows.buffer)
            torch.mm(head.weight, rows.buffer.T, out=products)

    return way(fill, head, torch.ones_like(edges[:, :1]), _length(edges))


def moved_relu(factor: Tensor, term: Tensor, head: Head) -> Way:
    """Keep the larger of z and some edges, and read it with other weights."""
    edges, weights = -term / factor, head.weight * factor[:, None]

    def fill(rows: Rows, some: slice, out: Tensor) -> None:
        for edge, weight, products in zip(edges[some], weights[some], out, strict=True):
            torch.maximum(rows.site.z, edge, out=rows.buffer)
            torch.mm(weight, rows.buffer.T, out=products)

    bias = head.bias + term @ head.weight.T
    return way(fill, head, factor.amax(1, keepdim=True), 2 * _length(term), bias)


def moved(factor: Tensor, term: Tensor, head: Head) -> Way:
    """Run the activation on moved values."""

    def fill(rows: Rows, some: slice, out: Tensor) -> None:
        for times, plus, products in zip(factor[some], term[some], out, strict=True):
            torch.addcmul(plus, rows.site.z, times, out=rows.buffer)
            torch.mm(head.weight, activate(head.place.active, rows.buffer).T, out=products)

    largest = term.shape[1] ** 0.5 if head.place.layer.activation == "sigmoid" else 0.0
    return way(fill, head, factor.abs().amax(1, keepdim=True), _length(term) + largest)


def _length(values: Tensor) -> Tensor:
    """Euclidean length of what is finite, (E, 1); nothing is cut off at infinity."""
    finite: Tensor = torch.where(values.isfinite(), values, 0)
    return finite.square().sum(1, keepdim=True).sqrt()


def find_way(change: Known, at_z: bool, head: Head) -> Way:
    """Choose how scores are had under stacked changes of z or of the outputs."""
    match change:
        case Scale(factor):
            return scaled(torch.as_tensor(factor), head)
        case Raise(bottom):
            return cut(torch.maximum, bottom, head)
        case Cap(top):
            return cut(torch.minimum, activate(head.place.active, top.clone()) if at_z else top, head)
        case Move(factor, term):
            positive = head.place.layer.activation == "relu" and bool((factor > 0).all())
            return (moved_relu if positive else moved)(factor, term, head)


@dataclass(frozen=True)
class WholeLayer:
    """Edits of one form, ready for blocks of rows: stacked changes of z or of the outputs."""

    count: int
    change: Known
    at_z: bool
    way: Way

    def judge(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """Judge the edits: which rows are right (E, B), summed losses (E,)."""

        def stack(some: slice, scores: Tensor) -> Verdicts:
            self.way.fill(rows, some, scores)
            true = label_scores(scores.add_(self.way.bias[some, :, None]), rows.truth.labels)
            rounding = torch.addcmul(self.way.shift[some], self.way.stretch[some], rows.length)
            return judge(true, scores.add_(rows.mask), rounding, rows.truth.losses)

        verdicts = joined([stack(*each) for each in rows.stacks(self.count)])
        return verdicts.settled(rows.truth, lambda edit, row: rows.guess(self._changed(rows, edit, row)))

    def _changed(self, rows: Rows, edit: Tensor, row: Tensor) -> Tensor:
        """Give the outputs of pairs of an edit and a row as the plain way has them, (P, N)."""
        change, z = taken(self.change, edit), rows.site.z[row]
        if self.at_z:
            return activate(rows.head.place.active, change(z))
        return change(activate(rows.head.place.active, z))


def form(edit: Edit, activation: str) -> tuple[type, bool, bool] | None:
    """Give what edits that go together have in common; None where an edit is not served here.

    Returns
    -------
    kind
        Of `Known`.
    at_z
        Whether z is changed.
    positive
        Whether all of its factors are positive.
    """
    if edit.nodes is not None or (edit.before is None) == (edit.after is None):
        return None
    if edit.before is None:
        return (type(edit.after), False, False) if isinstance(edit.after, Scale | Cap | Raise) else None
    if isinstance(edit.before, Move) and activation in SMALL:
        return Move, True, bool((edit.before.factor > 0).all())
    known = (isinstance(edit.before, Scale) and edit.before.factor >= 0 and activation in HOMOGENEOUS) or (
        isinstance(edit.before, Cap) and activation in MONOTONE
    )
    return (type(edit.before), True, False) if known else None


def whole_layer(edits: Sequence[Edit], head: Head) -> WholeLayer:
    """Prepare edits that have one `form`."""
    at_z = edits[0].before is not None
    change = stacked([edit.before if at_z else edit.after for edit in edits], head.weight.device)  # type: ignore[misc]
    return WholeLayer(len(edits), change, at_z, find_way(change, at_z, head))
