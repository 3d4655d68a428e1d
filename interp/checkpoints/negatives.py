"""Request -> Draft, with light and dark of the images exchanged where the network does better so."""

from __future__ import annotations

from dataclasses import replace

from interp.checkpoints.drafts.choose import draft
from interp.checkpoints.drafts.draft import Draft
from interp.checkpoints.drafts.request import Request
from interp.checkpoints.few_rows import few_rows, is_poor, score_of, scores_of_rows, skill_of
from interp.checkpoints.inference.candidates.trial import scores_differ
from interp.checkpoints.relaying import draft_relaid
from interp.checkpoints.sizing import SKILL
from interp.data.images.negatives import negatives, white_of
from interp.errors import InterpError
from interp.tasks import find_task
from interp.types import Inference

GOOD = 0.95
"""Score from which on negatives are not tried."""


def draft_in_light(asked: Request) -> Draft:
    """Draft a network on its data, or on the negatives of their images, where it does badly on these as they are.

    Programs in which digits are drawn black on white often have networks that were trained on them so, on 1 - x.

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
    found = draft_relaid(asked)
    if asked.data is None or not _does_badly(found) or (white := white_of(asked.data)) is None:
        return found
    few = few_rows(asked.data)
    try:
        tried = draft(replace(asked, data=negatives(few, white), weighs=False))
    except InterpError:
        return found
    own, exchanged = scores_of_rows(replace(found, data=few)), scores_of_rows(tried)
    if not scores_differ(exchanged, own) or skill_of(tried) < SKILL:
        return found
    shown = find_task(found.task).score.shown
    why = (
        f"on {len(own):,} training rows: {shown(float(exchanged.mean()))} on negatives ({white:g}-x),"
        f" {shown(float(own.mean()))} on images as they are"
    )
    taken = draft_relaid(replace(asked, data=negatives(asked.data, white)))
    fact = Inference("negatives, light and dark exchanged", "uncertain", why)
    return replace(taken, facts={**taken.facts, "image_light": fact})


def _does_badly(found: Draft) -> bool:
    """Whether a network that was read on images as they are leaves a doubt, or is no better than class means."""
    data = found.data
    if data is None or data.image_shape is None or data.train.labels is None or "image_size" in found.facts:
        return False
    return score_of(found) < GOOD and (found.doubt is not None or is_poor(found))
