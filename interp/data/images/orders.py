"""Which axis of images holds the channels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interp.data.images.made import with_inputs
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

    return replace(with_inputs(data, one), image_shape=None)
