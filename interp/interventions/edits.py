"""What can be done to a layer: each intervention turns a level and the nodes' ranges into an `Edit`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from interp.interventions.changes import Cap, Fix, Move, Raise, Scale, like
from interp.safety import look_up
from interp.types import Array, NodeLayer
from interp.types.annotations.shapes import Shape

Change = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Ranges:
    """Ranges of the activation outputs of a layer's nodes over the training split.

    Attributes
    ----------
    low
        Least output of each node, (N,).
    high
        Largest output of each node, (N,).
    mean
        Mean output of each node, (N,); None where no intervention asks for it.
    """

    low: Annotated[Array, Shape("N")]
    high: Annotated[Array, Shape("N")]
    mean: Annotated[Array, Shape("N")] | None = None

    def take(self, nodes: Sequence[int]) -> Ranges:
        """Give the ranges of some nodes, in that order."""
        chosen = list(nodes)
        return Ranges(self.low[chosen], self.high[chosen], None if self.mean is None else self.mean[chosen])

    @property
    def finite(self) -> Array:
        """Whether each node has a range to take fractions of, (N,) booleans."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.isfinite(self.high - self.low))

    def at(self, level: float, unknown: float) -> Array:
        """Give the outputs low + level * (high - low), (N,); `unknown` where a range is not finite."""
        with np.errstate(invalid="ignore"):
            return np.where(self.finite, self.low + level * (self.high - self.low), unknown)


@dataclass(frozen=True)
class Edit:
    """One change to a layer: of its z, of its activation's output, or of both.

    Attributes
    ----------
    before
        Function that changes z; None to leave it alone.
    after
        Function that changes the activation's output; None to leave it alone.
    nodes
        Numbers of the nodes that are changed: the two functions then see (B, len(nodes), ...) only; None for all nodes.
    """

    before: Change | None = None
    after: Change | None = None
    nodes: tuple[int, ...] | None = None

    @property
    def on_z(self) -> Change | None:
        """The change of z as a function of the whole layer's values."""
        return None if self.before is None else lambda z: self._apply(self.before, z)

    @property
    def on_output(self) -> Change | None:
        """The change of the outputs as a function of the whole layer's values."""
        return None if self.after is None else lambda outputs: self._apply(self.after, outputs)

    def _apply(self, change: Change | None, values: Tensor) -> Tensor:
        assert change is not None
        if self.nodes is None:
            return change(values)
        chosen, values = list(self.nodes), values.clone()
        values[:, chosen] = change(values[:, chosen])
        return values


def on_values(edit: Edit, layer: NodeLayer) -> tuple[Change | None, Change | None]:
    """Give an edit's changes of z, and of the outputs, as functions of the layer's values as the network lays them out.

    Edits see nodes second. A linear map over sequences has them last; a convolution that was flattened
    before its activation has nodes and positions in one axis.
    """
    return _nodes_second(edit.on_z, layer), _nodes_second(edit.on_output, layer)


def _nodes_second(change: Change | None, layer: NodeLayer) -> Change | None:
    if change is None:
        return None
    own = change

    def changed(values: Tensor) -> Tensor:
        if values.dim() == 2 and values.shape[1] != layer.nodes:
            return own(values.reshape(len(values), layer.nodes, -1)).flatten(1)
        if values.dim() == 2 or layer.kind.startswith("conv"):
            return own(values)
        return own(values.movedim(-1, 1)).movedim(1, -1)

    return changed


Intervention = Callable[[float, Ranges], Edit]


# --------------------------------------------------------------------------- on z


def scale(level: float, ranges: Ranges) -> Edit:
    """Multiply z by `level`; 1 changes nothing (use-DM)."""
    return Edit() if level == 1 else Edit(before=Scale(level))


def clip(level: float, ranges: Ranges) -> Edit:
    """Cut z off at low + level * (high - low) of the node's own output; infinity changes nothing (use-DM)."""
    if not np.isfinite(level):
        return Edit()
    return Edit(before=Cap(_tensor(ranges.at(level, np.inf))))


def offset(level: float, ranges: Ranges) -> Edit:
    """Shift z by t = level * (high - low), scale it by s = (high - t) / high: the largest output stays (use-DM).

    A node whose largest output is not above 0 has no s; it is left as it is (`untouched`). Zero changes nothing. The
    paper's printed s = (1 - p) r is a typo; its released figures use this form.
    """
    if level == 0:
        return Edit()
    moved = (ranges.high > 0) & ranges.finite
    high, low = np.where(moved, ranges.high, 1.0), np.where(moved, ranges.low, 1.0)
    shift = level * (high - low)
    return Edit(before=Move(_tensor((high - shift) / high), _tensor(shift)))


# --------------------------------------------------------------------------- on the activation's output


def clamp_min(level: float, ranges: Ranges) -> Edit:
    """Raise outputs to at least low + level * (high - low) (learn-DM's clamps, a node at a time); 0 changes nothing."""
    return Edit() if level == 0 else Edit(after=Raise(_tensor(ranges.at(level, -np.inf))))


def clamp_max(level: float, ranges: Ranges) -> Edit:
    """Lower outputs to at most low + level * (high - low); 1 changes nothing."""
    return Edit() if level == 1 else Edit(after=Cap(_tensor(ranges.at(level, np.inf))))


def zero(level: float, ranges: Ranges) -> Edit:
    """Weaken outputs to (1 - level) of themselves: 0 changes nothing, 1 silences."""
    return Edit() if level == 0 else Edit(after=Scale(1 - level))


def mean(level: float, ranges: Ranges) -> Edit:
    """Move outputs towards the node's mean: 0 changes nothing, at 1 the node says the same of every input.

    Raises
    ------
    ValueError
        If the ranges hold no means.
    """
    if ranges.mean is None:
        raise ValueError("mean ablation needs the nodes' mean outputs: Ranges(low, high, mean)")
    centre = _tensor(ranges.mean)
    return Edit() if level == 0 else Edit(after=lambda outputs: torch.lerp(outputs, like(centre, outputs), level))


def ablate(node: int, value: float) -> Edit:
    """Set one node's activation output to `value` on every input.

    Parameters
    ----------
    node
        Number of the node in its layer, from 0.
    value
        Output that it has on every input: 0 for zero-ablation, its mean for mean-ablation.

    Examples
    --------
    >>> edit = ablate(1, 0.0)
    >>> edit.nodes, edit.on_output(torch.ones(1, 3)).tolist()
    ((1,), [[1.0, 0.0, 1.0]])
    """
    return Edit(after=Fix(value), nodes=(node,))


def on_nodes(intervention: Intervention, level: float, ranges: Ranges, nodes: Sequence[int]) -> Edit:
    """Apply an intervention to some nodes of a layer alone.

    Parameters
    ----------
    intervention
        Function of (level, ranges) that gives an edit, such as a value of `INTERVENTIONS`.
    level
        Strength of the intervention.
    ranges
        Output ranges of all nodes of the layer.
    nodes
        Numbers of the nodes, from 0.

    Examples
    --------
    >>> edit = on_nodes(scale, 0.5, Ranges(np.zeros(3), np.ones(3)), [2])
    >>> edit.on_z(torch.ones(1, 3)).tolist()
    [[1.0, 1.0, 0.5]]
    """
    edit = intervention(level, ranges.take(nodes))
    return Edit(edit.before, edit.after, tuple(nodes))


INTERVENTIONS: dict[str, Intervention] = {
    "scale": scale,
    "clip": clip,
    "offset": offset,
    "clamp-min": clamp_min,
    "clamp-max": clamp_max,
    "zero": zero,
    "mean": mean,
}
"""Name -> (level, ranges) -> Edit. The level that changes nothing is in `NO_OPS`."""

NO_OPS = {
    "scale": 1.0,
    "clip": float("inf"),
    "offset": 0.0,
    "clamp-min": 0.0,
    "clamp-max": 1.0,
    "zero": 0.0,
    "mean": 0.0,
}


def find_intervention(name: str) -> Intervention:
    """Give an intervention by its name, or a user's own as ``package.module:name``.

    A user's function takes (level, ranges) and returns an `Edit`. It may carry the attributes ``levels`` (a sequence;
    else 0 to 1) and ``no_op`` (the level that changes nothing; else a row without level is added).

    Parameters
    ----------
    name
        Name in `INTERVENTIONS`, or ``package.module:name``.

    Raises
    ------
    UsageError
        If there is no such intervention; close names are given.

    Examples
    --------
    >>> find_intervention("clip") is INTERVENTIONS["clip"]
    True
    """
    return look_up(name, INTERVENTIONS, "intervention")


def _tensor(values: Array) -> Tensor:
    return torch.from_numpy(np.asarray(values, np.float32))
