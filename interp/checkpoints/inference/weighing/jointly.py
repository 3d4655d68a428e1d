"""Several kinds of activations and the scaling of inputs, found together where one kind explains the answers poorly.

A wrong activation behind one layer can leave every scaling and layout at chance, so that neither shows alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.outputs import LOGITS
from interp.checkpoints.inference.candidates.trial import Trial, TryOut, by_merit
from interp.checkpoints.inference.stack.layers import Layer
from interp.checkpoints.inference.weighing.mixing import mixed
from interp.checkpoints.inference.weighing.plausible import loss_of
from interp.network.activations import ACTIVATIONS
from interp.network.inputs import as_tensor
from interp.tasks import Scorer
from interp.types import Array, Scaling

ROWS, CHECKED, MOST = 200, 1000, 5000
"""Numbers of rows on which combinations are looked for, the best of each scaling compared, the best of all tried."""

LAYOUTS = 12
"""Largest number of layouts and orders of convolutional networks under which they are looked for: the best."""

FEW_LAYOUTS = 2
"""`LAYOUTS` where no more is asked than which way of reading the data does best."""

KEPT = 3
"""Number of combinations of each scaling and layout that are compared."""


def found_jointly(
    layers: Sequence[Layer],
    try_out: TryOut,
    scorers: Mapping[str, Scorer],
    trials: Sequence[Trial],
    scalings: Sequence[Scaling],
    inputs: Array,
    values: Array,
    seed: int = 0,
    most_layouts: int = LAYOUTS,
) -> list[Trial]:
    """Try several kinds of activations under every scaling, and under the layouts that did best.

    Parameters
    ----------
    layers
        Layers in running order, of which two at least are hidden.
    try_out
        Function that tries candidates on rows.
    scorers
        Scorer of outputs by the name of the scaling of the inputs.
    trials
        Trials of candidates with one activation each.
    scalings
        Scalings to look under.
    inputs
        Inputs of the training rows as stored, (S, D).
    values
        Labels of the training rows, (S,).
    seed
        Seed of the random order in which rows are taken.
    most_layouts
        Largest number of layouts and orders under which combinations are looked for.

    Returns
    -------
    list of Trial
        Trials of the best combinations, the best first, on rows in the order of `successive_halving` with this seed.
    """
    order = np.random.default_rng(seed).permutation(len(values))
    few, more = order[:ROWS], order[:CHECKED]
    x, y = inputs[few], torch.from_numpy(values[few])
    found: list[Candidate] = []
    for base in _bases(trials, scalings, most_layouts):
        shape = base.layout.image if base.layout else (inputs.shape[1],)
        loss = partial(loss_of, y, scorers[base.scaling.name])
        found += mixed(layers, base, tuple(ACTIVATIONS), as_tensor(x, base.scaling, shape), loss)[:KEPT]
    if not found:
        return []
    tried = try_out(found, inputs[more], values[more])
    best = [one.candidate for one in sorted(tried, key=by_merit)[:KEPT]]
    rows = order[:MOST]
    return sorted(try_out(best, inputs[rows], values[rows]), key=by_merit)


def _bases(trials: Sequence[Trial], scalings: Sequence[Scaling], most: int) -> list[Candidate]:
    """List what to look under: each scaling, with each of the best layouts."""
    layouts: dict[tuple[object, str], Candidate] = {}
    for trial in sorted(trials, key=by_merit):
        if trial.candidate.output in LOGITS:
            layouts.setdefault((trial.candidate.layout, trial.candidate.order), trial.candidate)
    return [replace(one, scaling=scaling) for one in list(layouts.values())[:most] for scaling in scalings]
