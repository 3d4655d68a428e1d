"""Images of another number of channels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from interp.data.images.made import with_inputs
from interp.streams import row_blocks
from interp.types import Array, Dataset

LUMA = (19595, 38470, 7471)
"""Weights of red, green and blue in luminance, in 65536ths: those of ITU-R BT.601, 0.299, 0.587 and 0.114.

Pillow's ``convert("L")``, and so torchvision's ``Grayscale``, has these whole numbers.
"""

ONE = 65536
"""Sum of `LUMA`, so that grey stays the grey that it is."""

IMAGES_A_BLOCK = 1024
"""Number of images whose luminance is computed at once."""

Recolour = Callable[[Array], Array]
"""(images (S, C, H, W)) -> images (S, D, H, W) in their own type."""


def has_equal_channels(data: Dataset) -> bool:
    """Tell whether the channels of each image are equal, value by value.

    Parameters
    ----------
    data
        Data set of images.
    """
    shape = data.image_shape
    assert shape is not None
    blocks = (block.reshape(-1, *shape) for split in data.splits.values() for block in row_blocks(split.inputs))
    return all(bool((images == images[:, :1]).all()) for images in blocks)


def first_channel(images: Array) -> Array:
    """Take the first channel of images.

    Parameters
    ----------
    images
        Images (S, C, H, W).

    Examples
    --------
    >>> first_channel(np.arange(3).reshape(1, 3, 1, 1)).tolist()
    [[[[0]]]]
    """
    return np.ascontiguousarray(images[:, :1])


def luminance(images: Array) -> Array:
    """Give the luminance of colours; whole numbers are rounded as Pillow's ``convert("L")`` rounds them.

    Parameters
    ----------
    images
        Red, green and blue (S, 3, H, W).

    Examples
    --------
    >>> luminance(np.array([255, 0, 0], np.uint8).reshape(1, 3, 1, 1)).item()
    76
    """
    found = np.empty((len(images), 1, *images.shape[2:]), images.dtype)
    for start in range(0, len(images), IMAGES_A_BLOCK):
        rows = slice(start, start + IMAGES_A_BLOCK)
        grey = np.tensordot(images[rows].astype(np.float64), np.array(LUMA, np.float64), ([1], [0])) / ONE
        found[rows, 0] = np.floor(grey + 0.5) if images.dtype.kind in "biu" else grey
    return found


def repeated(images: Array) -> Array:
    """Give grey images as red, green and blue that are equal, as Pillow's ``convert("RGB")`` does.

    Parameters
    ----------
    images
        Grey images (S, 1, H, W).

    Examples
    --------
    >>> repeated(np.array([7], np.uint8).reshape(1, 1, 1, 1)).tolist()
    [[[[7]], [[7]], [[7]]]]
    """
    return np.repeat(images, 3, axis=1)


def recoloured(data: Dataset, recolour: Recolour) -> Dataset:
    """Give a data set whose images have other channels.

    Parameters
    ----------
    data
        Data set of images.
    recolour
        One of `first_channel`, `luminance` and `repeated`.
    """
    assert data.image_shape is not None
    shape = data.image_shape
    channels = recolour(np.zeros((1, *shape), data.train.inputs.dtype)).shape[1]

    def one(inputs: Array) -> Array:
        return recolour(inputs.reshape(-1, *shape)).reshape(len(inputs), -1)

    return replace(with_inputs(data, one), image_shape=(channels, *shape[1:]))
