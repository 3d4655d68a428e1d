"""Images in files or in bytes -> arrays of one size."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from interp.errors import DataError, first_line
from interp.types import Array

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""Formats that are read: of others, Pillow's readers have been the way into programs."""

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")

MOST_BYTES = 4_000_000_000
"""Largest number of bytes of all images of a data set."""

GREY = ("1", "L", "I", "I;16", "F", "LA")


def stacked(where: str, sources: Sequence[Path | bytes | Image], side: int | None) -> Array:
    """Read images as bytes (S, C, H, W): one channel where all are grey, else red, green and blue.

    Parameters
    ----------
    where
        Name of the data in errors.
    sources
        Files, contents of files, or images of Pillow's.
    side
        Side in pixels; the shorter side of each image is brought to it, and what stands out beyond a square in the
        middle is cut off. None to leave images as they are.

    Raises
    ------
    DataError
        If an image cannot be read, sizes differ without `side`, or all would fill memory.
    """
    images = [_sized(_opened(where, source), side) for source in sources[:1]]
    _check_memory(where, images[0], len(sources))
    images += [_sized(_opened(where, source), side) for source in sources[1:]]
    sizes = {image.size for image in images}
    if len(sizes) > 1:
        shown = ", ".join(f"{width}x{height}" for width, height in sorted(sizes)[:3])
        raise DataError(
            where,
            found=f"images of {len(sizes):,} sizes ({shown}, ...)",
            expected="one size",
            do="pass --image-size with the side in pixels that the network was trained on",
        )
    grey = all(image.mode in GREY for image in images)
    arrays = [np.asarray(image.convert("L" if grey else "RGB")) for image in images]
    return np.stack([array[None] if grey else array.transpose(2, 0, 1) for array in arrays])


def _opened(where: str, source: Any) -> Any:
    from PIL import Image

    if isinstance(source, Image.Image):
        return source
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
            image.load()
            return image.copy()
    except Exception as error:  # Pillow's readers fail with many types; each means the same here
        raise DataError(
            where if isinstance(source, bytes) else source,
            found=f"an image that cannot be read ({first_line(error)})",
            expected=f"one of {', '.join(FORMATS)}",
            do="take it out, or save it again",
        ) from error


def _sized(image: Any, side: int | None) -> Any:
    """Resize an image as torchvision's Resize and CenterCrop do."""
    if side is None:
        return image
    from torchvision.transforms.functional import center_crop, resize

    return center_crop(resize(image, side), [side, side])


def _check_memory(where: str, image: Any, count: int) -> None:
    width, height = image.size
    if (needed := 3 * width * height * count) > MOST_BYTES:
        raise DataError(
            where,
            found=f"{count:,} images of {width}x{height}, {needed / 1e9:.0f} GB",
            expected=f"at most {MOST_BYTES / 1e9:.0f} GB",
            do="pass --image-size with the side in pixels that the network was trained on, or give fewer",
        )
