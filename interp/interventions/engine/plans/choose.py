"""The execution plan of a sequence of edits: for each edit the quickest one that gives the counts of a full pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from interp.interventions.edits import Edit
from interp.interventions.engine.answers import ByClass, ClassAnswers, Scoring
from interp.interventions.engine.blocks import Block
from interp.interventions.engine.outcomes import CELLS, Outcomes
from interp.interventions.engine.plans.inner_linear import open_inner_linear
from interp.interventions.engine.plans.output_layer import OutputLayer, block_logits, find_output_layer
from interp.interventions.engine.plans.rank_one import SingleNodes, bounds_of, single_nodes
from interp.interventions.engine.plans.whole_layer import WholeLayer, form, whole_layer
from interp.interventions.engine.sites import ChainSite, ChainState, JointEdit, Site
from interp.network.activations import ACTIVATIONS
from interp.network.inputs import device_of
from interp.tasks import PROBABILITIES

TOGETHER = 128
"""Most edits of a quick plan at a time: values of one node, or logits of one class, take 4 KB each."""

PASSING = (nn.Flatten, nn.Dropout, nn.Identity)
"""Steps that leave (B, N) values as they are."""


@dataclass(frozen=True)
class Plan:
    """Edits of one site, each with the quickest way to run it; lists hold positions in `edits`.

    Attributes
    ----------
    edits
        All edits.
    reader
        Output layer of the network, where it reads the site; None where another map does.
    idle
        Edits that change nothing, whose outcome is the unperturbed one.
    whole
        Edits of all nodes, read by the output layer.
    single
        Edits of one node each, read by a linear map.
    full
        Edits that need a full pass over what follows the site.
    """

    edits: Sequence[JointEdit]
    reader: OutputLayer | None
    idle: list[int]
    whole: list[tuple[list[int], WholeLayer]]
    single: list[tuple[list[int], SingleNodes]]
    full: list[int]

    def outcomes(self, block: Block) -> Iterator[Outcomes]:
        """Give the outcomes of all edits on a block of rows, some edits at a time."""
        if self.idle:
            count = len(self.idle)
            yield Outcomes(self.idle, block.scores.expand(count, -1), block.loss.expand(count))
        full, state, answers = self.full, block.state, block.answers
        if isinstance(answers, ClassAnswers) and _has_quick_plans(state, block.classes):
            assert isinstance(state, ChainState)
            yield from self._quick(state, answers)
        else:
            full = sorted({*range(len(self.edits))} - {*self.idle})
        size = max(1, CELLS // (block.classes * block.scores.shape[1]))
        for some in _chunks(full, size):
            yield block.outcomes_of(state.outputs_of([self.edits[i] for i in some]), some)

    def _quick(self, state: ChainState, answers: ClassAnswers) -> Iterator[Outcomes]:
        if self.reader is not None and (self.whole or self.single):
            logits = block_logits(self.reader, state, answers)
            yield from (Outcomes(some, *each.outcomes(logits)) for some, each in self.whole)
            yield from (Outcomes(some, *each.outcomes(logits)) for some, each in self.single)
        elif self.single:
            inner = open_inner_linear(state, answers)
            yield from (Outcomes(some, *inner.outcomes(each)) for some, each in self.single)


def _has_quick_plans(state: object, classes: int) -> bool:
    """Whether each node has one value a row, and there is more than one logit."""
    return isinstance(state, ChainState) and state.z.dim() == 2 and classes > 1


def find_plan(edits: Sequence[JointEdit], site: Site, scoring: Scoring) -> Plan:
    """Choose how each edit of a site is run.

    Parameters
    ----------
    edits
        Edits of the site's layers.
    site
        Layers to intervene on.
    scoring
        Labels or targets of the samples; quick plans are known for classes only.

    Returns
    -------
    plan
        Position of each edit in one of the plan's lists.
    """
    idle = [i for i, each in enumerate(edits) if all(_changes_nothing(edit) for edit in each.values())]
    busy = sorted({*range(len(edits))} - {*idle})
    quick = isinstance(site, ChainSite) and isinstance(scoring, ByClass) and scoring.form not in PROBABILITIES
    if not quick or not _read_alone(site) or _is_elsewhere(site):
        return Plan(edits, None, idle, [], [], busy)
    assert isinstance(site, ChainSite)
    own = {i: edits[i][site.name] for i in busy}
    reader, device = find_output_layer(site), device_of(site.following[0])
    forms = _grouped(busy, lambda i: None if reader is None else form(own[i], site.layer.activation))
    nodes = _grouped(busy, lambda i: None if count_of(own[i]) != 1 else bounds_of(own[i]) is not None)
    whole = [(some, whole_layer([own[i] for i in some], reader)) for some in forms if reader is not None]
    single = [(some, single_nodes([own[i] for i in some], device)) for some in nodes]
    served = {i for some, _ in (*whole, *single) for i in some}
    return Plan(edits, reader, idle, whole, single, [i for i in busy if i not in served])


def _is_elsewhere(site: Site) -> bool:
    """Whether parameters of what follows a site are loaded only while its parts run, as accelerate does it."""
    return isinstance(site, ChainSite) and any(
        tensor.is_meta for step in site.following for tensor in step.parameters()
    )


def count_of(edit: Edit) -> int | None:
    """Give how many nodes an edit names; None for all of them."""
    return None if edit.nodes is None else len(edit.nodes)


def _changes_nothing(edit: Edit) -> bool:
    return edit.before is None and edit.after is None


def _grouped(edits: list[int], key: Callable[[int], object]) -> list[list[int]]:
    """Cut edits into those run together, of one key each; None leaves an edit out."""
    groups: dict[object, list[int]] = {}
    for edit in edits:
        groups.setdefault(key(edit), []).append(edit)
    return [some for each, group in groups.items() if each is not None for some in _chunks(group, TOGETHER)]


def _chunks(values: list[int], size: int) -> list[list[int]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def _read_alone(site: Site) -> bool:
    """Whether a linear map reads the layer, and a change of one node's z is a change of one column of what it reads."""
    if not isinstance(site, ChainSite) or not site.following:
        return False
    linear = site.following[0]
    if type(linear) is not nn.Linear or linear.weight.dtype is not torch.float32:
        return False
    return site.layer.activation in ACTIVATIONS and all(isinstance(step, PASSING) for step in site.active[:-1])
