"""Which placements of a convolutional stack are worth trying under every activation.

All combinations would be thousands of networks. Shapes come first, under the usual order and few activations;
then, for the best shapes, the kinds of pooling and the orders of norm, activation and pooling.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from interp.checkpoints.inference.placement import Placement
from interp.checkpoints.inference.race import by_merit, most_rows
from interp.checkpoints.inference.readings import NORM_PLACES, Reading, Score

FIRST_ACTIVATIONS = ("relu", "abs", "tanh")  # a placement that is right shows under one of these
NEAR = 0.06  # on 128 rows, about twice the standard error of an accuracy of 0.9
MOST_SHAPES, MOST_PLACES = 3, 3


def placing(
    run: Callable[[Sequence[Reading]], list[Score]],
    readings: Sequence[Reading],
    outputs: Sequence[str],
) -> list[Score]:
    """Score a few readings of every shape, then every kind and order of the best shapes.

    Parameters
    ----------
    run
        Scores readings on few rows.
    readings
        All of them, the usual placements first.
    outputs
        The forms under which a placement that is right shows.
    """
    usual = [r for r in readings if r.norm in NORM_PLACES and r.output in outputs and _shows(r)]
    first = run([r for r in usual if r.activation in FIRST_ACTIVATIONS] or usual)
    shapes: dict[Placement | None, Reading] = {}
    for score in _near_the_best(first):
        shapes.setdefault(score.reading.placement, score.reading)
    bases = [shapes[shape] for shape in sorted(shapes, key=[r.placement for r in readings].index)[:MOST_SHAPES]]
    variants = [r for r in readings if any(_differs_in_place_only(r, base) for base in bases)]
    return [*first, *run(variants)]


def best_places(scores: Sequence[Score]) -> list[tuple[Placement | None, str]]:
    """List the (placement, order) pairs near the best, but one of those that predict the same."""
    places: dict[tuple[Placement | None, str], Score] = {}
    for score in _near_the_best(scores):
        twin = any(_same(score, other) for other in places.values())
        if not twin:
            places.setdefault((score.reading.placement, score.reading.norm), score)
    return list(places)[:MOST_PLACES]


def _shows(reading: Reading) -> bool:
    return reading.placement is not None and reading.placement.shows


def _near_the_best(scores: Sequence[Score]) -> list[Score]:
    ranked = sorted(most_rows(scores), key=by_merit)
    margin = NEAR * (128 / len(ranked[0].marks)) ** 0.5
    return [score for score in ranked if score.mean >= ranked[0].mean - margin]


def _differs_in_place_only(reading: Reading, base: Reading) -> bool:
    assert reading.placement is not None
    assert base.placement is not None
    alike = reading.placement.variants[0] == base.placement.variants[0]
    return alike and replace(reading, norm=base.norm, placement=base.placement) == base


def _same(first: Score, second: Score) -> bool:
    """Whether two orders predict the same, as those of max pooling and a rising activation do."""
    place = first.reading.placement
    if place is None or place != second.reading.placement or place.kind != "max":
        return False
    return abs(first.loss - second.loss) < 1e-6 and bool(np.array_equal(first.marks, second.marks))
