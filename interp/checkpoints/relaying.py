"""Request -> Draft, with bare convolutions under a less usual pooling layout where that explains the data better."""

from __future__ import annotations

from dataclasses import replace

from interp.checkpoints.drafts.choose import draft
from interp.checkpoints.drafts.draft import Draft
from interp.checkpoints.drafts.request import Request
from interp.checkpoints.few_rows import few_rows, is_poor, skill_of
from interp.checkpoints.fitting import draft_fitting
from interp.checkpoints.inference.convolutional.closing import is_odd
from interp.checkpoints.sizing import SKILL
from interp.errors import CheckpointError, DataError, InterpError
from interp.tasks import find_task


def draft_relaid(asked: Request) -> Draft:
    """Draft a network on its data, under a less usual pooling layout where the usual ones leave a doubt.

    Such layouts are tried where the one that stands is odd, leaves what training would have removed, or does no better
    than nearest class means; and where no usual one leads from images of this size to the outputs, beside other sizes.

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
        found = draft_fitting(asked)
    except (CheckpointError, DataError):
        if (other := _where_none_fits(asked, SKILL)) is None:
            raise
        return other
    if "image_size" in found.facts:
        return _where_none_fits(asked, max(SKILL, skill_of(found))) or found
    return draft(replace(asked, stood=found.settled)) if _may_be_of_another_layout(found) else found


def _where_none_fits(asked: Request, least: float) -> Draft | None:
    """Draft on images as they are where no usual layout fits them; None where some does, or at no more skill."""
    if asked.data is None or asked.data.image_shape is None or asked.data.parts:
        return None
    free = replace(asked, less_usual=True)
    try:
        few = draft(replace(free, data=few_rows(asked.data), weighs=False))
        return draft(free) if skill_of(few) > least else None
    except InterpError:
        return None


def _may_be_of_another_layout(found: Draft) -> bool:
    """Whether a less usual layout may be what a network was trained with: the one that stands is odd, or does badly."""
    layout = None if found.settled is None else found.settled.candidate.layout
    if layout is None or layout.end or found.data is None or find_task(found.task).answers(found.data.train) is None:
        return False
    is_doubted = found.doubt is not None and found.doubt.is_large
    return is_odd(found.kernels, layout) or is_doubted or is_poor(found)
