"""Request -> Draft, with the images in as many channels as the network takes."""

from __future__ import annotations

from dataclasses import replace

from interp.checkpoints.drafts.draft import Draft, with_data_fact
from interp.checkpoints.drafts.request import Request
from interp.checkpoints.few_rows import ROWS, score_of, skill_of
from interp.checkpoints.inference.fit import NO_SKILL
from interp.checkpoints.target_units import draft_in_units
from interp.data.images.colours import first_channel, has_equal_channels, luminance, recoloured, repeated
from interp.errors import CheckpointError, DataError, InterpError
from interp.tasks import find_task
from interp.types import Dataset, Inference

SKILL = 2 * NO_SKILL
"""Least share of the way from chance to perfection with which images are taken in channels that they were not in.

Lower than for another size: there is one usual way to grey, and one from it, where there are several to a size.
"""

CLEAR = 0.8
"""Least share of that way with which grey images 3 times over are likely to be what the network is for."""


def draft_in_channels(asked: Request) -> Draft:
    """Draft a network on its data, or on their images in one channel or in three where it takes them so alone.

    Parameters
    ----------
    asked
        Contents of the file, data and options.

    Raises
    ------
    CheckpointError
        If the file cannot be read as a network.
    DataError
        If the data are not this network's, or it does badly on their images in other channels.
    """
    try:
        return draft_in_units(asked)
    except (CheckpointError, DataError) as error:
        refused = error
    data = asked.data
    if data is None or data.parts or data.image_shape is None:
        raise refused
    if data.image_shape[0] == 1:
        found = _on_grey(data, asked)
    else:
        found = _on_equal(data, asked) if has_equal_channels(data) else _on_colours(data, asked)
    if found is None:
        raise refused
    return found


def _on_equal(data: Dataset, asked: Request) -> Draft | None:
    """Draft on one channel of images whose channels are equal: nothing is lost, however the network does."""
    found = _drafted(replace(asked, data=recoloured(data, first_channel)))
    if found is None:
        return None
    why = f"the network takes no images of 3 channels; in each of the {_count(data):,} they are equal"
    return with_data_fact(found, "image_channels", Inference("one of 3", "certain", why))


def _on_colours(data: Dataset, asked: Request) -> Draft | None:
    """Draft on the luminance of images in colours."""
    found = _drafted(replace(asked, data=recoloured(data, luminance)))
    if found is None or not _has_answers(found):
        return None
    why = (
        "the network takes no images of 3 channels; 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601, as"
        f' Pillow\'s convert("L")): {_measured(found)}'
    )
    _check(found, data, "3", "their luminance in one")
    return with_data_fact(found, "image_channels", Inference("luminance", "uncertain", why))


def _on_grey(data: Dataset, asked: Request) -> Draft | None:
    """Draft on grey images three times over, as loaders of pictures in colours read them."""
    found = _drafted(replace(asked, data=recoloured(data, repeated)))
    if found is None:
        return None
    if not _has_answers(found):
        why = "the network takes no images of one channel; without labels nothing can be tested"
        return with_data_fact(found, "image_channels", Inference("grey, 3 times", "uncertain", why))
    _check(found, data, "one", "it 3 times over")
    why = f"the network takes no images of one channel: {_measured(found)}; one for colours may do as well on them"
    is_clear = skill_of(found) >= CLEAR
    return with_data_fact(
        found, "image_channels", Inference("grey, 3 times", "likely" if is_clear else "uncertain", why)
    )


def _drafted(asked: Request) -> Draft | None:
    try:
        return draft_in_units(asked)
    except InterpError:
        return None


def _count(data: Dataset) -> int:
    return sum(len(split) for split in data.splits.values())


def _has_answers(found: Draft) -> bool:
    return found.data is not None and find_task(found.task).answers(found.data.train) is not None


def _measured(found: Draft) -> str:
    """Say the score on some training rows."""
    return f"{find_task(found.task).described(score_of(found))} on up to {ROWS:,} training rows"


def _check(found: Draft, data: Dataset, own: str, tried: str) -> None:
    """Refuse a network that does badly on images in other channels."""
    if skill_of(found) >= SKILL:
        return
    raise DataError(
        data.name,
        found=f"images of {own} channel{'s' * (own != 'one')}, which the network does not take; with {tried},"
        f" {_measured(found)}",
        expected=f"at least {SKILL:.0%} of the way from chance to perfection",
        do="give this network's own data",
    )
