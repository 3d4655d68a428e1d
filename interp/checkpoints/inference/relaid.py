"""Which candidate the data single out, with less usual pooling layouts looked at where the usual ones leave a doubt.

Some layout often closes by chance, and may do well: a network whose convolutions of 4x4 halve an image was 97.5 % right
with padding and pooling that it never had, and 97.3 % with its own. Its loss tells, 0.102 beside 0.089.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.trial import Trial, better, by_merit
from interp.checkpoints.inference.convolutional.layouts import PoolingLayout
from interp.checkpoints.inference.convolutional.trials import Runs, try_convolutional
from interp.checkpoints.inference.convolutional.wider import wider_layouts
from interp.checkpoints.inference.infer import given_scalings, infer_candidate
from interp.checkpoints.inference.stack.layers import Layer
from interp.checkpoints.inference.weighing.again.closer import WEIGHED_ROWS
from interp.checkpoints.inference.weighing.settled import Settled
from interp.tasks import ASSUMED, find_task
from interp.types import Dataset, Inference, Scaling

ROUNDS = (128, 1000, 5000)
"""Numbers of training rows: for all layouts, for the best of them under every scaling, and for what is said."""

MARGIN = 0.05
"""Share by which the loss of another layout must be less for it to stand, where scores do not tell them apart."""

KEPT, SAID = 8, 5
"""Largest numbers of less usual layouts that are tried on more rows, and on the most."""


def infer_relaid(
    layers: Sequence[Layer],
    data: Dataset | None,
    given: Mapping[str, str | None],
    layouts: Sequence[PoolingLayout] = (),
    task: str = ASSUMED.name,
    weighed_rows: int = WEIGHED_ROWS,
    *,
    stood: Settled,
) -> Settled:
    """Choose a candidate under a less usual layout where that explains the answers better than what stood.

    Of layouts that no score tells from the best, the one with the least loss stands: slopes, which tell activations
    apart, chose worse of networks that were trained for an epoch or two.

    Parameters
    ----------
    layers, data, given, layouts, task, weighed_rows
        Arguments of `infer_candidate`, which gave what stood; data have labels or targets.
    stood
        Candidate that stood under the usual layouts, without a mean over positions; given as it is where no other
        comes near.
    """
    layout = stood.candidate.layout
    assert data is not None
    assert layout is not None
    trials = _Beside(layers, data, given, task).tried(stood.candidate, layouts)
    if len(trials) < 2:
        return stood
    other, found = _least_loss(trials, layout).candidate.layout, stood
    if other is not None and other != layout:
        found = infer_candidate(layers, data, given, [other.variants[0]], task, weighed_rows=weighed_rows)
    elif not _tied(layout, trials):
        return stood
    return replace(found, facts={**found.facts, "placement": _placed(found, trials, task)})


class _Beside:
    """Training rows on which less usual layouts are tried beside one that stands."""

    def __init__(self, layers: Sequence[Layer], data: Dataset, given: Mapping[str, str | None], task: str) -> None:
        asked, values = find_task(task), find_task(task).answers(data.train)
        assert values is not None
        self._layers, self._inputs, self._values, self._runs = layers, data.train.inputs, values, Runs()
        self._order = np.random.default_rng(0).permutation(len(values))
        self._scalings = list(given_scalings(given, data).values())
        self._scorers = {one.name: asked.scorer_of(data.train, values, one) for one in self._scalings}

    def tried(self, stands: Candidate, usual: Sequence[PoolingLayout]) -> list[Trial]:
        """Try less usual layouts beside the one that stands under every scaling, the best of them on more rows."""
        assert stands.layout is not None
        wide = wider_layouts(self._layers, stands.layout.image, usual)
        alike = [_of_kind(layout, stands.layout.kind) for layout in wide]
        first = self._on([_with(stands, one, how) for one in alike for how in self._scalings], ROUNDS[0])
        kept = [_with(one, kind, one.scaling) for one in _each_once(first)[:KEPT] for kind in _variants(one)]
        own = [_with(stands, stands.layout, how) for how in self._scalings]
        second = _each_once(self._on([*kept, *own], ROUNDS[1]))
        best = [one for one in second if one.layout != stands.layout][:SAID]
        return self._on([*best, *(one for one in second if one.layout == stands.layout)], ROUNDS[2])

    def _on(self, candidates: Sequence[Candidate], rows: int) -> list[Trial]:
        """Try candidates on so many rows; give those of the least loss first."""
        some = self._order[:rows]
        x, y = self._inputs[some], self._values[some]
        trials = try_convolutional(self._layers, self._scorers, candidates, x, y, self._runs)
        return sorted(trials, key=lambda trial: trial.loss)


def _with(candidate: Candidate, layout: PoolingLayout, scaling: Scaling) -> Candidate:
    return replace(candidate, layout=layout, scaling=scaling)


def _variants(candidate: Candidate) -> tuple[PoolingLayout, ...]:
    return () if candidate.layout is None else candidate.layout.variants


def _of_kind(layout: PoolingLayout, kind: str) -> PoolingLayout:
    """Give the layout with one kind of pooling, where it has any."""
    return next((one for one in layout.variants if one.kind == kind), layout)


def _each_once(trials: Sequence[Trial]) -> list[Candidate]:
    """Give the first candidate of each layout."""
    best: dict[str, Candidate] = {}
    for trial in trials:
        best.setdefault(str(trial.candidate.layout), trial.candidate)
    return list(best.values())


def _least_loss(trials: Sequence[Trial], stands: PoolingLayout) -> Trial:
    """Give the trial of the least loss among those that do not do significantly worse than the best.

    The layout that stands has a start of `MARGIN` where it is one of them.
    """
    top = min(trials, key=by_merit)
    tied = [trial for trial in trials if not better(top, trial)]
    return min(tied, key=lambda one: one.loss * (1 - MARGIN * (one.candidate.layout == stands)))


def _tied(layout: PoolingLayout, trials: Sequence[Trial]) -> list[Trial]:
    """Give the trials of other layouts that do not do significantly worse; all where the layout is none of them."""
    own = next((trial for trial in trials if trial.candidate.layout == layout), None)
    others = [trial for trial in trials if trial is not own]
    return [trial for trial in others if own is None or not better(own, trial)]


def _placed(found: Settled, trials: Sequence[Trial], task: str) -> Inference:
    """Say how the layout that stands does beside the best of the others: uncertain, since still others may close."""
    layout = found.candidate.layout
    assert layout is not None
    said = [f"{_figures(one, task)} on {len(one.per_sample):,} training rows" for one in trials if _has(one, layout)]
    if tied := _tied(layout, trials):
        named = ", ".join(f"{one.candidate.layout} ({_figures(one, task)})" for one in tied)
        said.append(f"not told apart by scores: {named}")
    else:
        rival = next(one for one in trials if not _has(one, layout))
        said.append(f"best with another value: {rival.candidate.layout} ({_figures(rival, task)})")
    return Inference(str(layout), "uncertain", f"{'; '.join(said)}; less usual layouts were tried too")


def _has(trial: Trial, layout: PoolingLayout) -> bool:
    return trial.candidate.layout == layout


def _figures(trial: Trial, task: str) -> str:
    return f"{find_task(task).described(trial.score)}, loss {trial.loss:.4f}"
