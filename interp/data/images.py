"""Images as arrays: which axis holds the channels, and images of another size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch.nn.functional import interpolate

from interp.streams import Kept, RowsOnDisk, row_blocks
from interp.types import Array, Dataset, Inference

CHANNELS = (1, 3)
"""Numbers of channels of images: grey, or red, green and blue."""

NARROWEST = 0.25
"""Least ratio of the sides of an array whose last axis is taken for channels."""

LAST = {
    "channels": Inference(
        "last", "likely", "arrays of height, width and 1 or 3 channels; turned to channels, height and width here"
    )
}
"""Fact on arrays whose last axis holds the channels."""


def is_channels_last(shape: tuple[int, ...]) -> bool:
    """Tell whether the shape of a sample is that of an image with its channels last.

    Parameters
    ----------
    shape
        Shape of one sample.

    Examples
    --------
    >>> is_channels_last((32, 32, 3)), is_channels_last((3, 32, 32)), is_channels_last((64, 3, 3))
    (True, False, False)
    """
    if len(shape) != 3 or shape[-1] not in CHANNELS or shape[0] in CHANNELS:
        return False
    short, long = sorted(shape[:2])
    return short > shape[-1] and short >= NARROWEST * long


Refit = Callable[[Array, int], Array]
"""(images (S, C, H, W), side) -> images (S, C, side, side) in their own type."""


def padded_to(images: Array, side: int) -> Array:
    """Put zeros round images, or cut their borders off, as evenly as can be.

    Parameters
    ----------
    images
        Images (S, C, H, W).
    side
        Number of pixels of each side afterwards.

    Examples
    --------
    >>> padded_to(np.ones((1, 1, 1, 1)), 3)[0, 0].tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    more = [max(side - length, 0) for length in images.shape[2:]]
    wide = np.pad(images, [(0, 0), (0, 0), *((one // 2, one - one // 2) for one in more)])
    top, left = ((length - side) // 2 for length in wide.shape[2:])
    return wide[:, :, top : top + side, left : left + side]


def resized_to(images: Array, side: int) -> Array:
    """Resize images bilinearly, smoothed where they shrink, and round whole numbers.

    Parameters
    ----------
    images
        Images (S, C, H, W).
    side
        Number of pixels of each side afterwards.

    Examples
    --------
    >>> resized_to(np.full((1, 1, 2, 2), 7, np.uint8), 3)[0, 0].tolist()
    [[7, 7, 7], [7, 7, 7], [7, 7, 7]]
    """
    blocks = np.array_split(images, max(1, len(images) // 1024))
    found = [
        interpolate(torch.from_numpy(block.astype(np.float32)), (side, side), mode="bilinear", antialias=True).numpy()
        for block in blocks
    ]
    whole = np.concatenate(found)
    return (np.rint(whole) if images.dtype.kind in "iu" else whole).astype(images.dtype)


REFITS: dict[str, Refit] = {"padded or cut": padded_to, "resized": resized_to}
"""How images of another size may have been brought to a network's -> function that does it."""


def refitted(data: Dataset, side: int, refit: Refit) -> Dataset:
    """Give a data set whose images have another size.

    Parameters
    ----------
    data
        Data set of images.
    side
        Number of pixels of each side afterwards.
    refit
        One of the functions in `REFITS`.
    """
    assert data.image_shape is not None
    shape = data.image_shape

    def one(inputs: Array) -> Array:
        return refit(inputs.reshape(-1, *shape), side).reshape(len(inputs), -1)

    return replace(_with_inputs(data, one), image_shape=(shape[0], side, side))


def rows_channels_last(data: Dataset) -> Dataset:
    """Give a data set whose rows hold the channels of each pixel side by side, and are no images any more.

    Parameters
    ----------
    data
        Data set of images, whose rows hold one channel after the other.
    """
    assert data.image_shape is not None
    shape = data.image_shape

    def one(inputs: Array) -> Array:
        return np.ascontiguousarray(np.moveaxis(inputs.reshape(-1, *shape), 1, -1)).reshape(len(inputs), -1)

    return replace(_with_inputs(data, one), image_shape=None)


def _with_inputs(data: Dataset, one: Callable[[Array], Array]) -> Dataset:
    """Give a data set whose inputs are made of the old ones, split by split; those on disk go to disk again."""
    splits = {name: replace(split, inputs=_made(data.name, split.inputs, one)) for name, split in data.splits.items()}
    return replace(data, splits=splits)


def _made(where: str, inputs: Array, one: Callable[[Array], Array]) -> Array:
    """Make inputs of others: at once in memory, or some rows at a time on disk."""
    if not isinstance(inputs, RowsOnDisk):
        return one(inputs)
    table = Kept(where)
    for block in row_blocks(inputs):
        table.add(one(block))
    return table.rows()
