"""Which way each edit goes: the quickest that gives the counts of a full pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from interp.interventions.edits import Edit
from interp.interventions.engine.blocks import Block
from interp.interventions.engine.head import Head, find_head, open_rows
from interp.interventions.engine.inside import open_inside
from interp.interventions.engine.rank_one import SingleNodes, bounds_of, judge_at_head, single_nodes
from interp.interventions.engine.scores import CELLS, right_and_loss
from interp.interventions.engine.sites import HookedSite, Place, Site
from interp.interventions.engine.whole_layer import WholeLayer, form, whole_layer
from interp.network.activations import ACTIVATIONS
from interp.network.inputs import device_of
from interp.tasks.predictions import PROBABILITIES

TOGETHER = 128
"""Edits judged together by the quick ways: values of one node, or scores of one class, take 4 KB each."""

PASSING = (nn.Flatten, nn.Dropout, nn.Identity)
"""Steps that leave (B, N) values as they are."""

Judged = tuple[list[int], Tensor, Tensor]
"""Positions of some edits (E,), which rows are right (E, B), summed losses (E,)."""


@dataclass(frozen=True)
class Ways:
    """The edits of one layer, each on its way; lists hold their positions.

    Attributes
    ----------
    idle
        Change nothing: the unperturbed outcome is theirs.
    whole
        Of all nodes, read by the output layer.
    single
        Of one node each, read by a linear map.
    plain
        What follows the layer is run.
    """

    edits: Sequence[Edit]
    head: Head | None
    idle: list[int]
    whole: list[tuple[list[int], WholeLayer]]
    single: list[tuple[list[int], SingleNodes]]
    plain: list[int]

    def judge(self, block: Block) -> Iterator[Judged]:
        """Judge all edits on a block of rows, some at a time."""
        if self.idle:
            count = len(self.idle)
            yield self.idle, block.right.expand(count, -1), block.loss.expand(count)
        plain = self.plain
        if isinstance(block.site, Site) and block.site.z.dim() == 2 and block.classes > 1:
            yield from self._quick(block, block.site)
        else:  # several positions a node, or one score against none
            plain = sorted({*range(len(self.edits))} - {*self.idle})
        size = max(1, CELLS // (block.classes * block.right.shape[1]))
        for some in _chunks(plain, size):
            yield some, *right_and_loss([block.site.run(self.edits[i]) for i in some], block.truth)

    def _quick(self, block: Block, site: Site) -> Iterator[Judged]:
        if self.head is not None and (self.whole or self.single):
            rows = open_rows(self.head, site, block.truth)
            yield from ((some, *each.judge(rows)) for some, each in self.whole)
            yield from ((some, *judge_at_head(each, rows)) for some, each in self.single)
        elif self.single:
            inside = open_inside(site, block.truth)
            yield from ((some, *inside.judge(each)) for some, each in self.single)


def find_ways(edits: Sequence[Edit], place: Place | Callable[[Tensor], HookedSite], output: str) -> Ways:
    """Sort edits of one layer by the way in which they go.

    Parameters
    ----------
    output
        `LoadedModel.output`.
    """
    idle = [i for i, edit in enumerate(edits) if edit.before is None and edit.after is None]
    busy = sorted({*range(len(edits))} - {*idle})
    if not isinstance(place, Place) or not _read_alone(place) or output in PROBABILITIES:
        return Ways(edits, None, idle, [], [], busy)
    head, device = find_head(place), device_of(place.rest[0])
    forms = _grouped(busy, lambda i: None if head is None else form(edits[i], place.layer.activation))
    nodes = _grouped(busy, lambda i: None if count_of(edits[i]) != 1 else bounds_of(edits[i]) is not None)
    whole = [(some, whole_layer([edits[i] for i in some], head)) for some in forms if head is not None]
    single = [(some, single_nodes([edits[i] for i in some], device)) for some in nodes]
    quick = {i for some, _ in (*whole, *single) for i in some}
    return Ways(edits, head, idle, whole, single, [i for i in busy if i not in quick])


def count_of(edit: Edit) -> int | None:
    """Give how many nodes an edit names; None for all of them."""
    return None if edit.nodes is None else len(edit.nodes)


def _grouped(edits: list[int], key: Callable[[int], object]) -> list[list[int]]:
    """Cut edits into those judged together, of one key each; None leaves an edit out."""
    groups: dict[object, list[int]] = {}
    for edit in edits:
        groups.setdefault(key(edit), []).append(edit)
    return [some for each, group in groups.items() if each is not None for some in _chunks(group, TOGETHER)]


def _chunks(values: list[int], size: int) -> list[list[int]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def _read_alone(place: Place) -> bool:
    """Whether a linear map reads the layer, and a change of one node's z is a change of one column of what it reads."""
    if not place.rest or type(place.rest[0]) is not nn.Linear or place.rest[0].weight.dtype is not torch.float32:
        return False
    return place.layer.activation in ACTIVATIONS and all(isinstance(step, PASSING) for step in place.active[:-1])
