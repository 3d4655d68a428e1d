"""Request -> Draft, with measured targets in the units that the network was trained on: found by trying."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from interp.checkpoints.drafts.draft import Draft, with_data_fact
from interp.checkpoints.drafts.request import Request
from interp.checkpoints.few_rows import skill_of
from interp.checkpoints.inference.fit import NO_SKILL
from interp.checkpoints.relabelling import draft_in_order
from interp.errors import InterpError
from interp.tasks import find_task
from interp.types import Array, Dataset, Inference

SKILL = 2 * NO_SKILL
"""Least share of the way from the mean to perfection with which targets are taken in other units."""


def _standardised(targets: Array) -> tuple[Array, Array]:
    return targets.mean(axis=0), targets.std(axis=0)


def _from_0_to_1(targets: Array) -> tuple[Array, Array]:
    least = targets.min(axis=0)
    return least, targets.max(axis=0) - least


UNITS: Mapping[str, Callable[[Array], tuple[Array, Array]]] = {
    "(y-mean)/std": _standardised,
    "(y-min)/(max-min)": _from_0_to_1,
}
"""How targets may have been scaled for training -> function of the training targets (S, T) that gives what is
subtracted, and what is divided by, (T,) each."""


def draft_in_units(asked: Request) -> Draft:
    """Draft a network on its data, with targets scaled as for training where it explains nothing of them as they are.

    What is inferred from how well a network does is inferred with the targets that it was trained on, too.

    Parameters
    ----------
    asked
        Contents of the file, data and options.

    Raises
    ------
    CheckpointError
        If the file cannot be read as a network.
    DataError
        If the data are not this network's.
    """
    found = draft_in_order(asked)
    if not _explains_nothing(found):
        return found
    tried: dict[str, Draft] = {}
    for name in UNITS:
        try:
            tried[name] = draft_in_order(replace(asked, data=_in_units(found, asked, name)))
        except InterpError:
            continue
    skills = {name: skill_of(other) for name, other in tried.items()}
    best = max(skills, key=lambda name: skills[name], default="")
    if not best or not skills[best] >= SKILL:
        return found
    shown = find_task(found.task).score.shown
    others = ", ".join(f"as {name} {shown(skill)}" for name, skill in skills.items())
    why = f"targets {others}, as they are {shown(skill_of(found))} on some training rows; scores are of scaled targets"
    return with_data_fact(tried[best], "target_scaling", Inference(best, "uncertain", why))


def _explains_nothing(found: Draft) -> bool:
    """Whether outputs for measured values are no nearer to them than their mean is, or hardly."""
    data, task = found.data, find_task(found.task)
    if data is None or data.train.targets is None or not task.measured or task.narrowed:
        return False
    return data.train.targets.dtype.kind == "f" and not skill_of(found) >= NO_SKILL


def _in_units(found: Draft, asked: Request, name: str) -> Dataset:
    """Give the data that was asked for, with the draft's targets scaled by those of the training split."""
    assert found.data is not None
    assert asked.data is not None
    assert found.data.train.targets is not None
    begin, size = UNITS[name](found.data.train.targets)
    size = np.where(size > 0, size, 1.0)
    splits = {
        key: replace(split, labels=None, targets=(found.data.splits[key].targets - begin) / size)
        for key, split in asked.data.splits.items()
    }
    return replace(asked.data, splits=splits, classes=())
