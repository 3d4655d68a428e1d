"""Images with light and dark exchanged, as drawing programs have them beside scanned digits."""

from __future__ import annotations

import numpy as np

from interp.data.images.made import with_inputs
from interp.data.scale.whole import extremes
from interp.types import Array, Dataset

SHADES = 16
"""Largest value of images of few shades, whose brightest is white; of other bytes white is 255."""


def white_of(data: Dataset) -> float | None:
    """Give the value of white: 255 of bytes, else the largest; None of no images, and where values are below 0.

    Parameters
    ----------
    data
        Data set.

    Examples
    --------
    >>> from interp.data import load_dataset
    >>> white_of(load_dataset("digits"))
    16.0
    """
    if data.image_shape is None or data.parts:
        return None
    low, top = extremes(data.train.inputs)
    if low < 0 or top <= 0:
        return None
    return 255.0 if data.train.inputs.dtype == np.uint8 and top > SHADES else float(top)


def negatives(data: Dataset, white: float) -> Dataset:
    """Give a data set with each value of its images taken from that of white.

    Parameters
    ----------
    data
        Data set of images.
    white
        Value of white, from `white_of`.
    """

    def one(inputs: Array) -> Array:
        return np.asarray(inputs.dtype.type(white) - inputs, inputs.dtype)

    return with_inputs(data, one)
