"""Images shifted by some pixels, each by others, as training does that shall not see the same image twice."""

from __future__ import annotations

import numpy as np

from interp.types import Array


def shifted(inputs: Array, image: tuple[int, int, int], most: int, seed: int = 0) -> Array:
    """Shift each image by up to so many pixels each way; what comes in repeats the pixels at its edge.

    Parameters
    ----------
    inputs
        Images as stored, (S, D).
    image
        Shape of one image, (channels, height, width).
    most
        Largest number of pixels.
    seed
        Seed of the draw.

    Returns
    -------
    Array
        Shifted images, (S, D).

    Examples
    --------
    >>> inputs = np.arange(9).reshape(1, 9)
    >>> bool((shifted(inputs, (1, 3, 3), 0) == inputs).all())
    True
    """
    channels, height, width = image
    wide = np.pad(inputs.reshape(-1, *image), [(0, 0), (0, 0), (most, most), (most, most)], mode="edge")
    down, right = np.random.default_rng(seed).integers(0, 2 * most + 1, (2, len(inputs), 1, 1, 1))
    rows, planes = np.arange(len(inputs))[:, None, None, None], np.arange(channels)[:, None, None]
    return np.asarray(wide[rows, planes, down + np.arange(height)[:, None], right + np.arange(width)]).reshape(
        inputs.shape
    )
