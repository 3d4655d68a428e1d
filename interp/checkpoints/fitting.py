"""Request -> Draft, with the images in the size and order of channels that the network takes: found by trying."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from interp.checkpoints.drafts.choose import draft
from interp.checkpoints.drafts.draft import Draft
from interp.checkpoints.drafts.request import Request
from interp.checkpoints.drafts.stated_order import in_stated_order, is_stated_last
from interp.checkpoints.inference.candidates.trial import known_scores, scores_differ
from interp.checkpoints.inference.expected import Expected, expected
from interp.data.images.orders import rows_channels_last
from interp.data.images.sizes import REFITS, refitted
from interp.errors import CheckpointError, DataError, InterpError
from interp.network.inputs import IMAGE_SIDES, outputs_on
from interp.tasks import find_task
from interp.types import Array, Dataset, Inference

ROWS = 1000
"""Number of training rows on which another size, or another order of the channels, is tried."""

LARGEST_RATIO = 2.0
"""Largest ratio of the sides of images before and after; beyond it, they are more likely other data."""

SKILL = 0.5
"""Least share of the way from chance to perfection with which another size is taken."""


def draft_fitting(asked: Request) -> Draft:
    """Draft a network on its data, or on their images in another size or order where it takes them so.

    Parameters
    ----------
    asked
        Contents of the file, data and options.

    Raises
    ------
    CheckpointError
        If the file cannot be read as a network.
    DataError
        If the data are not this network's in any size that was tried.
    """
    try:
        found = draft(asked)
    except (CheckpointError, DataError):
        if (other := _in_another_size(asked)) is None:
            raise
        return other
    if is_stated_last(asked):
        return in_stated_order(found, asked)
    if len(found.input_shape) == 1:
        return _in_better_order(found, asked) if _was_channels_last(asked.data) else found
    return _in_better_size(found, asked) if _may_be_of_another_size(found) else found


def _was_channels_last(data: Dataset | None) -> bool:
    return data is not None and data.image_shape is not None and data.image_shape[0] > 1 and "channels" in data.facts


def _in_better_order(found: Draft, asked: Request) -> Draft:
    """Take rows as they were stored where the network does no better with one channel after the other."""
    assert asked.data is not None
    stored = draft(replace(asked, data=rows_channels_last(asked.data)))
    channels, pixels = score_of(found), score_of(stored)
    taken, value = (stored, "last, in each row too") if pixels >= channels else (found, "last, but first in each row")
    shown = find_task(found.task).score.shown
    why = (
        f"{shown(pixels)} on up to {ROWS:,} training rows with the channels of each pixel side by side,"
        f" {shown(channels)} with one channel after the other"
    )
    fact = Inference(value, "likely" if pixels != channels else "uncertain", why)
    return replace(taken, facts={**taken.facts, "channels": fact})


def _may_be_of_another_size(found: Draft) -> bool:
    """Whether images of another size may be what it was trained on: a guessed layout takes them, and does badly.

    A stack that was trained on images of 32x32 runs on those of 28x28 too, under a padding that nobody chose.
    """
    data, placed = found.data, found.facts.get("placement")
    if data is None or data.parts or data.train.labels is None or placed is None or placed.confidence == "certain":
        return False
    return found.doubt is not None or is_poor(found)


def _in_better_size(found: Draft, asked: Request) -> Draft:
    """Take images padded, cut or resized to the nearest other usual size where the network does better on them."""
    assert asked.data is not None
    assert asked.data.image_shape is not None
    few, side = few_rows(asked.data), next(iter(_sides(asked.data.image_shape)), None)
    drafts = {} if side is None else dict(_tries(replace(asked, data=few), side))
    if side is None or not drafts:
        return found
    own = scores_of_rows(replace(found, data=few))
    tried = {name: scores_of_rows(other) for name, other in drafts.items()}
    best = max(tried, key=lambda name: float(tried[name].mean()))
    if not scores_differ(tried[best], own):
        return found
    shown = find_task(found.task).score.shown
    said = ", ".join(f"{name} to {side}x{side} {shown(float(scores.mean()))}" for name, scores in tried.items())
    why = f"on {len(own):,} training rows: {said}, as they are {shown(float(own.mean()))}"
    taken = draft(replace(asked, data=refitted(asked.data, side, REFITS[best])))
    fact = Inference(f"{best} to {side}x{side}", "uncertain", why)
    return replace(taken, facts={**taken.facts, "image_size": fact})


def few_rows(data: Dataset) -> Dataset:
    """Give some training rows alone, drawn from all, since those of a data set may lie sorted by class.

    Parameters
    ----------
    data
        Data set, of which at most `ROWS` training rows are drawn.
    """
    return replace(data, splits={"train": data.train.take(_drawn(len(data.train)))})


def _drawn(count: int) -> Array:
    return np.sort(np.random.default_rng(0).permutation(count)[:ROWS])


def _in_another_size(asked: Request) -> Draft | None:
    """Draft with images padded, cut or resized to the nearest usual size that the network takes; None if it is bad."""
    data = asked.data
    if (
        data is None
        or data.image_shape is None
        or data.parts
        or (data.train.labels is None and data.train.targets is None)
    ):
        return None
    few = few_rows(data)
    for side in _sides(data.image_shape):
        tried = {name: skill_of(found) for name, found in _tries(replace(asked, data=few), side)}
        if not tried:
            continue
        best = max(tried, key=lambda name: tried[name])
        if tried[best] < SKILL:
            return None
        found = draft(replace(asked, data=refitted(data, side, REFITS[best])))
        return replace(found, facts={**found.facts, "image_size": _fact(data.image_shape, side, best, tried)})
    return None


def _sides(shape: tuple[int, int, int]) -> list[int]:
    """List usual sides of images, the nearest first, that are not much smaller or larger."""
    own = max(shape[1:])
    near = [side for side in IMAGE_SIDES if (side, side) != shape[1:] and max(side / own, own / side) <= LARGEST_RATIO]
    return sorted(near, key=lambda side: abs(side - own))


def _tries(asked: Request, side: int) -> Iterator[tuple[str, Draft]]:
    """Yield how images were brought to a size, and the network that does best on them, where it takes them."""
    assert asked.data is not None
    for name, refit in REFITS.items():
        try:
            yield name, draft(replace(asked, data=refitted(asked.data, side, refit), weighs=False))
        except InterpError:
            continue


def _fact(shape: tuple[int, int, int], side: int, best: str, tried: dict[str, float]) -> Inference:
    said = ", ".join(f"{name} {skill:.0%}" for name, skill in tried.items())
    why = (
        f"the network takes no images of {shape[1]}x{shape[2]}; of the way from chance to perfection on up to {ROWS:,}"
        f" training rows: {said}"
    )
    return Inference(f"{best} to {side}x{side}", "likely" if len(set(tried.values())) > 1 else "uncertain", why)


def score_of(found: Draft) -> float:
    """Give the score of a network on some training rows; 0 where there are no labels or targets.

    Parameters
    ----------
    found
        Network that runs, with its data.
    """
    return float(scores_of_rows(found).mean())


def scores_of_rows(found: Draft) -> Array:
    """Give the score of each of some training rows; zeros where there are no labels or targets.

    Parameters
    ----------
    found
        Network that runs, with its data.
    """
    data, task = found.data, find_task(found.task)
    values = None if data is None else task.answers(data.train)
    if data is None or values is None:
        return np.zeros(1)
    rows = _drawn(len(values))
    scorer = task.scorer_of(data.train, values, found.scaling)
    outputs = outputs_on(found, data.train.inputs[rows])
    with torch.no_grad():
        per_sample, _ = scorer(outputs, torch.from_numpy(values[rows]), found.structure.output)
    return known_scores(per_sample)


def is_poor(found: Draft) -> bool:
    """Whether a network is no better than nearest class means on some training rows; never without answers.

    Parameters
    ----------
    found
        Network that runs, with its data.
    """
    few = None if found.data is None else few_rows(found.data).train
    values = None if few is None else find_task(found.task).answers(few)
    if few is None or values is None:
        return False
    return score_of(found) <= expected(found.task, few.inputs, values, None).floor


def skill_of(found: Draft) -> float:
    """Give the share of the way from chance to perfection that a network goes, on some training rows.

    Parameters
    ----------
    found
        Network that runs, with its data.
    """
    task = find_task(found.task)
    values = None if found.data is None else task.answers(found.data.train)
    return 0.0 if values is None else Expected(task.chance(values), 0, "").skill(score_of(found))
