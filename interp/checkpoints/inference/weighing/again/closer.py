"""Candidates that some of the training rows do not tell apart, weighed again on all of them.

Where training has come to rest, what is left of the slopes on some of its rows is the chance of which rows these are:
on all of them it is nearly nothing under the right candidate, and as large as before under another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.stack.layers import Layer
from interp.checkpoints.inference.weighing.again.normed import against_moments, has_moments, normed_by_batch
from interp.checkpoints.inference.weighing.doubt import NOTHING
from interp.checkpoints.inference.weighing.signs import NAMES, Signs, signs_of_all
from interp.checkpoints.inference.weighing.weigh import LIKELY, ROWS, Weighed, against, some
from interp.tasks import Scorer
from interp.types import Array

WEIGHED_ROWS = 6000
"""Largest number of training rows of which all are looked at, where nothing else is asked for."""

LEAST, MOST = 0.005, 20
"""Least share of the evidence of a candidate that is looked at again, and the largest number of them."""

OWN = -0.25
"""Largest mean logarithm of the squared t values of slopes in weights on all rows that training saw, where it ended.

On rows that were drawn of these, or on others, it is 0.1 and more: such rows tell no more than the first.
"""

AT_REST = 0.75
"""Largest mean logarithm of the squared t values of slopes in weights of a network with batch norms that is at rest."""


Shares = Callable[[Sequence[Signs]], Array]
"""Signs of candidates, the likeliest by their own signs first -> the share of each, (K,)."""


class Looked(NamedTuple):
    """Candidates after a closer look.

    Attributes
    ----------
    weighed
        Candidates, the likeliest first, with their signs on the first rows and their shares on all of them.
    is_told
        Whether one may be called likely: of a network with batch norms, whether its slopes on batches are those of a
        network at rest; with running moments, as on the first look, they are so under no activation.
    on_batches
        Signs of candidates of a network with batch norms on batches, as training saw them; none of others.
    """

    weighed: list[Weighed]
    is_told: bool
    on_batches: dict[Candidate, Signs]


def looked_closer(
    weighed: Sequence[Weighed],
    shares: Shares,
    shares_at_rest: Shares,
    layers: Sequence[Layer],
    scorers: Mapping[str, Scorer],
    inputs: Array,
    values: Array,
    most: int = WEIGHED_ROWS,
    seed: int = 0,
) -> Looked:
    """Weigh again, on all training rows, what the first of them do not exclude.

    What is likely of a network with batch norms is looked at again in any case, on batches.

    Parameters
    ----------
    weighed
        Candidates weighed on `ROWS` rows, the likeliest first.
    shares
        Function that gives the share of each of some candidates, the likeliest by their own signs first.
    shares_at_rest
        Function that gives the share of each by signs on rows that training came to rest on.
    layers
        Layers in running order.
    scorers
        Scorer of outputs by the name of the scaling of the inputs.
    inputs, values
        Inputs (S, D) and labels (S,) of the training rows.
    most
        Largest number of training rows of which all are looked at.
    seed
        Seed of the order in which rows are taken.
    """
    few, normed = ROWS[layers[0].is_convolution], has_moments(layers)
    left, is_few = [one for one in weighed if one.share >= LEAST][:MOST], len(values) <= most
    likely_by_norms = normed and left[0].share >= LIKELY
    if not likely_by_norms and not (is_few and len(left) > 1):
        return Looked([*weighed], True, {})
    x, y = some(inputs, values, most if is_few else few, seed)
    again = [one.signs for one in left]
    if len(y) > few:
        again = signs_of_all(layers, [one.trial.candidate for one in again], x, y, scorers)
    by_batch = [normed_by_batch(layers, one, x, y, scorers) for one in again] if normed else []
    by_batch.sort(key=lambda one: against(one.signs))
    again = [one.signs for one in by_batch] or sorted(again, key=against)
    if normed:
        odds = shares(again) * np.exp(-against_moments([one.gaps for one in by_batch]))
    else:
        on_all = _where_training_ended(again, shares, shares_at_rest)
        if on_all is None:
            return Looked([*weighed], True, {})
        odds = on_all
    slope = _slope(again[int(odds.argmax())])
    among = float(sum(one.share for one in left)) / float(odds.sum())
    new = {one.trial.candidate: among * share for one, share in zip(again, odds.tolist(), strict=True)}
    found = [replace(one, share=new.get(one.signs.trial.candidate, one.share)) for one in weighed]
    on_batches = {one.signs.trial.candidate: one.signs for one in by_batch}
    return Looked(sorted(found, key=lambda one: -one.share), not normed or slope <= AT_REST, on_batches)


def _where_training_ended(signs: Sequence[Signs], shares: Shares, shares_at_rest: Shares) -> Array | None:
    """Give the shares of candidates on all rows; None where training did not end on these."""
    odds = shares_at_rest(signs)
    if signs[int(odds.argmax())].trial.loss <= NOTHING:  # its slopes say little: a loss of 0 is stationary
        odds = shares(signs)
    return odds if _slope(signs[int(odds.argmax())]) <= OWN else None


def _slope(signs: Signs) -> float:
    return float(signs.values[NAMES.index("slope in weights")])
