"""Candidates that some of the training rows do not tell apart, weighed again on all of them.

Where training has come to rest, what is left of the slopes on some of its rows is the chance of which rows these are:
on all of them it is nearly nothing under the right candidate, and as large as before under another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from interp.checkpoints.inference.stack.layers import Layer
from interp.checkpoints.inference.weighing.normed import against_moments, has_moments, normed_by_batch
from interp.checkpoints.inference.weighing.signs import Signs, signs_of_all
from interp.checkpoints.inference.weighing.weigh import LIKELY, ROWS, Weighed, against, some
from interp.tasks import Scorer
from interp.types import Array

WEIGHED_ROWS = 6000
"""Largest number of training rows of which all are looked at, where nothing else is asked for."""

LEAST, MOST = 0.005, 20
"""Least share of the evidence of a candidate that is looked at again, and the largest number of them."""


def looked_closer(
    weighed: Sequence[Weighed],
    shares: Callable[[Sequence[Signs]], Array],
    layers: Sequence[Layer],
    scorers: Mapping[str, Scorer],
    inputs: Array,
    values: Array,
    most: int = WEIGHED_ROWS,
    seed: int = 0,
) -> list[Weighed]:
    """Weigh again, on all training rows, what is left where nothing is likely on the first of them.

    Parameters
    ----------
    weighed
        Candidates weighed on `ROWS` rows, the likeliest first.
    shares
        Function that gives the share of each of some candidates, the likeliest by their own signs first.
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

    Returns
    -------
    list of Weighed
        The same candidates with their signs on the first rows, and their shares on all of them; as they came where
        one is likely, or where all rows are no more than the first or more than `most`.
    """
    left = [one for one in weighed if one.share >= LEAST][:MOST]
    normed, is_more = has_moments(layers), len(values) > ROWS[layers[0].is_convolution]
    if len(left) < 2 or left[0].share >= LIKELY or len(values) > most or not (is_more or normed):
        return list(weighed)
    x, y = some(inputs, values, most, seed)
    again = [one.signs for one in left]
    if is_more:
        again = signs_of_all(layers, [one.trial.candidate for one in again], x, y, scorers)
    again.sort(key=against)
    odds = shares(again)
    if normed:
        by_batch = sorted(
            (normed_by_batch(layers, one, x, y, scorers) for one in again), key=lambda one: against(one.signs)
        )
        again = [one.signs for one in by_batch]
        odds = shares(again) * np.exp(-against_moments([one.gaps for one in by_batch]))
    among = float(sum(one.share for one in left)) / float(odds.sum())
    new = {one.trial.candidate: among * share for one, share in zip(again, odds.tolist(), strict=True)}
    found = [replace(one, share=new.get(one.signs.trial.candidate, one.share)) for one in weighed]
    return sorted(found, key=lambda one: -one.share)
