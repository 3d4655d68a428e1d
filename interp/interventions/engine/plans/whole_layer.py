"""Changes of a whole layer that the output layer reads: a stack of levels at a time, in one buffer.

A scaled z is a scaled logit where the activation is homogeneous; a z that is cut off is an output that is cut
off where it is monotone; a moved ReLU node is a z cut off from below and read with other weights, since
max(f z + t, 0) = f max(z, -t/f) + t for f > 0. None of these runs the activation again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from interp.interventions.changes import Cap, Known, Move, Raise, Scale, stacked, taken
from interp.interventions.edits import Edit
from interp.interventions.engine.activate import activate
from interp.interventions.engine.outcomes import label_logits
from interp.interventions.engine.plans.near_ties import QuickOutcomes, joined, quick_outcomes
from interp.interventions.engine.plans.output_layer import BlockLogits, OutputLayer

HOMOGENEOUS = ("relu", "abs", "identity")
"""Activations f with f(s z) = s f(z) for s >= 0."""

MONOTONE = ("relu", "tanh", "sigmoid", "identity")
"""Activations f with f(min(z, t)) = min(f(z), f(t))."""

SMALL = ("relu", "abs", "tanh", "sigmoid", "identity")
"""Activations with |f(z)| <= |z|, or <= 1."""

Fill = Callable[[BlockLogits, slice, Tensor], object]
"""(logits, some edits, out (E, C, B)): writes what the output layer makes of changed outputs, without bias."""


@dataclass(frozen=True)
class Shortcut:
    """How logits under some edits of one form are computed without running the activation again.

    Attributes
    ----------
    fill
        Function that writes the products of weights and changed outputs.
    bias
        Biases that are added to the products, (E, C).
    stretch, shift
        Bounds of rounding, (E, 1): margins may be off by `stretch` times `BlockLogits.length`, and `shift` more.
    """

    fill: Fill
    bias: Tensor
    stretch: Tensor
    shift: Tensor


def shortcut(fill: Fill, reader: OutputLayer, stretch: Tensor, shift: Tensor, bias: Tensor | None = None) -> Shortcut:
    """Bound the rounding of a shortcut.

    Parameters
    ----------
    fill
        Function that writes the products of weights and changed outputs.
    reader
        Output layer of the network.
    stretch, shift
        Bounds of the changed outputs, (E, 1): they are at most `stretch` times as long as `BlockLogits.length`, and
        `shift` more.
    bias
        Biases (E, C), or (C,) of all edits; None for those of the output layer.
    """
    each, more = reader.rounding
    bias = reader.bias.expand(len(stretch), -1) if bias is None else bias
    return Shortcut(fill, bias, each * stretch, each * shift + more)


def scaled(factor: Tensor, reader: OutputLayer) -> Shortcut:
    """Scale the logits."""

    def fill(logits: BlockLogits, some: slice, out: Tensor) -> None:
        torch.mul(logits.products, factor[some, :, None], out=out)

    return shortcut(fill, reader, factor.abs(), torch.zeros_like(factor))


def cut(keep: Callable[..., Tensor], edges: Tensor, reader: OutputLayer) -> Shortcut:
    """Keep the smaller (`torch.minimum`) or the larger of the outputs and some edges."""

    def fill(logits: BlockLogits, some: slice, out: Tensor) -> None:
        for edge, products in zip(edges[some], out, strict=True):
            keep(logits.outputs, edge, out=logits.buffer)
            torch.mm(reader.weight, logits.buffer.T, out=products)

    return shortcut(fill, reader, torch.ones_like(edges[:, :1]), _length(edges))


def moved_relu(factor: Tensor, term: Tensor, reader: OutputLayer) -> Shortcut:
    """Keep the larger of z and some edges, and read it with other weights."""
    edges, weights = -term / factor, reader.weight * factor[:, None]

    def fill(logits: BlockLogits, some: slice, out: Tensor) -> None:
        for edge, weight, products in zip(edges[some], weights[some], out, strict=True):
            torch.maximum(logits.state.z, edge, out=logits.buffer)
            torch.mm(weight, logits.buffer.T, out=products)

    bias = reader.bias + term @ reader.weight.T
    return shortcut(fill, reader, factor.amax(1, keepdim=True), 2 * _length(term), bias)


def moved(factor: Tensor, term: Tensor, reader: OutputLayer) -> Shortcut:
    """Run the activation on moved values."""

    def fill(logits: BlockLogits, some: slice, out: Tensor) -> None:
        for times, plus, products in zip(factor[some], term[some], out, strict=True):
            torch.addcmul(plus, logits.state.z, times, out=logits.buffer)
            torch.mm(reader.weight, activate(reader.site.active, logits.buffer).T, out=products)

    largest = term.shape[1] ** 0.5 if reader.site.layer.activation == "sigmoid" else 0.0
    return shortcut(fill, reader, factor.abs().amax(1, keepdim=True), _length(term) + largest)


def _length(values: Tensor) -> Tensor:
    """Euclidean length of what is finite, (E, 1); nothing is cut off at infinity."""
    finite: Tensor = torch.where(values.isfinite(), values, 0)
    return finite.square().sum(1, keepdim=True).sqrt()


def find_shortcut(change: Known, at_z: bool, reader: OutputLayer) -> Shortcut:
    """Choose how logits are computed under stacked changes of z or of the outputs."""
    match change:
        case Scale(factor):
            return scaled(torch.as_tensor(factor), reader)
        case Raise(bottom):
            return cut(torch.maximum, bottom, reader)
        case Cap(top):
            return cut(torch.minimum, activate(reader.site.active, top.clone()) if at_z else top, reader)
        case Move(factor, term):
            positive = reader.site.layer.activation == "relu" and bool((factor > 0).all())
            return (moved_relu if positive else moved)(factor, term, reader)


@dataclass(frozen=True)
class WholeLayer:
    """Edits of one form, ready for blocks of rows.

    Attributes
    ----------
    count
        Number of edits, E.
    change
        Changes of the edits, stacked.
    at_z
        Whether z is changed, or else the activation's output.
    shortcut
        Computation of the logits under these edits.
    """

    count: int
    change: Known
    at_z: bool
    shortcut: Shortcut

    def outcomes(self, logits: BlockLogits) -> tuple[Tensor, Tensor]:
        """Give the outcomes of the edits: which rows are right (E, B), summed losses (E,)."""
        answers = logits.answers

        def stack(some: slice, out: Tensor) -> QuickOutcomes:
            self.shortcut.fill(logits, some, out)
            true = label_logits(out.add_(self.shortcut.bias[some, :, None]), answers.labels)
            rounding = torch.addcmul(self.shortcut.shift[some], self.shortcut.stretch[some], logits.length)
            return quick_outcomes(true, out.add_(logits.mask), rounding, answers.losses)

        found = joined([stack(*each) for each in logits.stacks(self.count)])
        return found.settled(answers.labels, lambda edit, row: logits.guess(self._changed(logits, edit, row)))

    def _changed(self, logits: BlockLogits, edit: Tensor, row: Tensor) -> Tensor:
        """Give the outputs of pairs of an edit and a row as a full pass computes them, (P, N)."""
        change, z = taken(self.change, edit), logits.state.z[row]
        if self.at_z:
            return activate(logits.reader.site.active, change(z))
        return change(activate(logits.reader.site.active, z))


def form(edit: Edit, activation: str) -> tuple[type, bool, bool] | None:
    """Give what edits that go together have in common; None where an edit is not served here.

    Returns
    -------
    kind
        Class of the change, one of `Known`.
    at_z
        Whether z is changed.
    positive
        Whether all factors of the change are positive.
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


def whole_layer(edits: Sequence[Edit], reader: OutputLayer) -> WholeLayer:
    """Prepare edits that have one `form`."""
    at_z = edits[0].before is not None
    change = stacked([edit.before if at_z else edit.after for edit in edits], reader.weight.device)  # type: ignore[misc]
    return WholeLayer(len(edits), change, at_z, find_shortcut(change, at_z, reader))
