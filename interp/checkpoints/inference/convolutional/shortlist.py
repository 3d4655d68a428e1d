"""Which pooling layouts of a convolutional stack are worth trying under every activation.

All combinations would be thousands of networks. Shapes come first, under the usual order and few activations;
then, for the best shapes, the kinds of pooling and the orders of norm, activation and pooling.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np

from interp.checkpoints.inference.candidates.candidate import NORM_ORDERS, Candidate
from interp.checkpoints.inference.candidates.trial import Trial, by_merit, most_rows
from interp.checkpoints.inference.convolutional.layouts import PoolingLayout

FIRST_ACTIVATIONS = ("relu", "abs", "tanh")  # a layout that is right shows under one of these
NEAR = 0.06  # on 128 rows, about twice the standard error of an accuracy of 0.9
MOST_SHAPES, MOST_LAYOUTS = 3, 3

CLEAR = 0.95
"""Score of a shape below which no other is dismissed before it is tried with every kind of pooling."""


def shortlist(
    try_out: Callable[[Sequence[Candidate]], list[Trial]],
    candidates: Sequence[Candidate],
    outputs: Collection[str],
) -> list[Trial]:
    """Try a few candidates of every shape, then every kind and order of the best shapes.

    Parameters
    ----------
    try_out
        Function of (candidates, inputs, answers) on few rows that gives their trials.
    candidates
        All candidates, the usual layouts first.
    outputs
        Forms of the output under which a layout that is right stands out.
    """
    usual = [one for one in candidates if one.order in NORM_ORDERS and one.output in outputs]
    usual = [one for one in usual if one.activation in FIRST_ACTIVATIONS] or usual
    first = try_out([one for one in usual if _shows(one)])
    if max(trial.score for trial in first) < CLEAR:  # a wrong shape can do better than the right one pooled otherwise
        first += try_out([one for one in usual if not _shows(one)])
    shapes: dict[PoolingLayout | None, Candidate] = {}
    for trial in _near_the_best(first):
        shapes.setdefault(_shape(trial.candidate), trial.candidate)
    bases = [shapes[shape] for shape in sorted(shapes, key=[_shape(one) for one in candidates].index)[:MOST_SHAPES]]
    variants = [one for one in candidates if any(_differs_in_layout_only(one, base) for base in bases)]
    return [*first, *try_out(variants)]


def best_layouts(trials: Sequence[Trial]) -> list[tuple[PoolingLayout | None, str]]:
    """List the (layout, order) pairs near the best, but one of those that predict the same."""
    layouts: dict[tuple[PoolingLayout | None, str], Trial] = {}
    for trial in _near_the_best(trials):
        twin = any(_same(trial, other) for other in layouts.values())
        if not twin:
            layouts.setdefault((trial.candidate.layout, trial.candidate.order), trial)
    return list(layouts)[:MOST_LAYOUTS]


def _shape(candidate: Candidate) -> PoolingLayout | None:
    """Give the layout that stands for all of its variants."""
    return candidate.layout and candidate.layout.variants[0]


def _shows(candidate: Candidate) -> bool:
    return candidate.layout is not None and candidate.layout.shows


def _near_the_best(trials: Sequence[Trial]) -> list[Trial]:
    ranked = sorted(most_rows(trials), key=by_merit)
    margin = NEAR * (128 / len(ranked[0].per_sample)) ** 0.5
    return [trial for trial in ranked if trial.score >= ranked[0].score - margin]


def _differs_in_layout_only(candidate: Candidate, base: Candidate) -> bool:
    assert candidate.layout is not None
    assert base.layout is not None
    alike = candidate.layout.variants[0] == base.layout.variants[0]
    return alike and replace(candidate, order=base.order, layout=base.layout) == base


def _same(first: Trial, second: Trial) -> bool:
    """Whether two orders predict the same, as those of max pooling and a rising activation do."""
    layout = first.candidate.layout
    if layout is None or layout != second.candidate.layout or layout.kind != "max":
        return False
    return abs(first.loss - second.loss) < 1e-6 and bool(np.array_equal(first.per_sample, second.per_sample))
