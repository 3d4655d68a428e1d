"""Images of another size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch.nn.functional import interpolate

from interp.data.images.made import with_inputs
from interp.types import Array, Dataset

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

    return replace(with_inputs(data, one), image_shape=(shape[0], side, side))
