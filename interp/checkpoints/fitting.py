"""Request -> Draft, with the images in the size and order of channels that the network takes: found by trying."""

from __future__ import annotations

from dataclasses import replace

from interp.checkpoints.drafts.choose import draft
from interp.checkpoints.drafts.draft import Draft
from interp.checkpoints.drafts.request import Request
from interp.checkpoints.drafts.stated_order import in_stated_order, is_stated_last
from interp.checkpoints.few_rows import ROWS, scores_of_rows
from interp.checkpoints.inference.candidates.trial import scores_differ
from interp.checkpoints.sizing import in_another_size, in_better_size, may_be_of_another_size
from interp.data.images.orders import rows_channels_last
from interp.errors import CheckpointError, DataError
from interp.tasks import find_task
from interp.types import Dataset, Inference


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
        if is_stated_last(asked):
            return in_stated_order(None, asked)
        if (other := in_another_size(asked)) is None:
            raise
        return other
    if is_stated_last(asked):
        return in_stated_order(found, asked)
    if len(found.input_shape) == 1:
        return _in_better_order(found, asked) if _was_channels_last(asked.data) else found
    return in_better_size(found, asked) if may_be_of_another_size(found) else found


def _was_channels_last(data: Dataset | None) -> bool:
    return data is not None and data.image_shape is not None and data.image_shape[0] > 1 and "channels" in data.facts


def _in_better_order(found: Draft, asked: Request) -> Draft:
    """Take rows as they were stored where the network does no better with one channel after the other."""
    assert asked.data is not None
    stored = draft(replace(asked, data=rows_channels_last(asked.data)))
    channels, pixels = scores_of_rows(found), scores_of_rows(stored)
    is_stored = pixels.mean() >= channels.mean()
    taken, value = (stored, "last, in each row too") if is_stored else (found, "last, but first in each row")
    shown = find_task(found.task).score.shown
    why = (
        f"{shown(float(pixels.mean()))} on up to {ROWS:,} training rows with the channels of each pixel side by side,"
        f" {shown(float(channels.mean()))} with one channel after the other"
    )
    differs = scores_differ(pixels, channels) if is_stored else scores_differ(channels, pixels)
    fact = Inference(value, "likely" if differs else "uncertain", why)
    return replace(taken, facts={**taken.facts, "channels": fact})
