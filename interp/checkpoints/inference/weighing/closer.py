"""Candidates that some of the training rows do not tell apart, weighed again on all of them.

Where training has come to rest, what is left of the slopes on some of its rows is the chance of which rows these are:
on all of them it is nearly nothing under the right candidate, and as large as before under another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from interp.checkpoints.inference.stack.layers import Layer
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
    few = ROWS[layers[0].is_convolution]
    if len(left) < 2 or left[0].share >= LIKELY or not few < len(values) <= most:
        return list(weighed)
    x, y = some(inputs, values, most, seed)
    again = sorted(signs_of_all(layers, [one.signs.trial.candidate for one in left], x, y, scorers), key=against)
    among = float(sum(one.share for one in left))
    new = {one.trial.candidate: among * share for one, share in zip(again, shares(again).tolist(), strict=True)}
    found = [replace(one, share=new.get(one.signs.trial.candidate, one.share)) for one in weighed]
    return sorted(found, key=lambda one: -one.share)
