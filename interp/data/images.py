"""Images as arrays: which axis holds the channels, and images of another size."""

from __future__ import annotations

from interp.types import Inference

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
