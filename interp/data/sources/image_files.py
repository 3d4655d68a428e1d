"""Images in files or in bytes -> arrays of one size."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from interp.errors import DataError, first_line
from interp.types import Array

if TYPE_CHECKING:
    from PIL.Image import Image

READERS = ("Png", "Jpeg", "Bmp", "Gif", "Tiff", "WebP", "Ppm")
FORMATS = tuple(reader.upper() for reader in READERS)
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
    with warnings.catch_warnings():  # not around each image: a stream's are read in threads, which share filters
        warnings.simplefilter("ignore")  # Pillow's, on marks beside the pixels that it leaves out
        if fill_memory(where, sources, side):
            raise DataError(
                where,
                found=f"{len(sources):,} images that take over {MOST_BYTES / 1e9:.0f} GB",
                expected="fewer",
                do="pass --image-size with the side in pixels that the network was trained on, "
                "or give interp.stream(...)",
            )
        images = of_one_size(where, sources, side)
        return channels_first(images, all(image.mode in GREY for image in images))


def of_one_size(where: str, sources: Iterable[Path | bytes | Image], side: int | None) -> list[Image]:
    """Read images that all have one size.

    Parameters
    ----------
    where
        Name of the data in errors.
    sources
        Files, contents of files, or images of Pillow's.
    side
        Side in pixels that images are resized and cut to; None to leave them.

    Raises
    ------
    DataError
        If an image cannot be read, or sizes differ without `side`.
    """
    sizes: set[tuple[int, int]] = set()

    def taken(image: Any) -> Any:
        """Decode no image once they differ: a header of a few bytes may say millions of rows."""
        sizes.add((side, side) if side is not None else image.size)
        return sized(_loaded(image), side) if len(sizes) == 1 else None

    images = [_opened(where, source, taken) for source in sources]
    if len(sizes) > 1:
        shown = ", ".join(f"{width}x{height}" for width, height in sorted(sizes)[:3])
        raise DataError(
            where,
            found=f"images of {len(sizes):,} sizes ({shown}{', ...' if len(sizes) > 3 else ''})",
            expected="one size",
            do="pass --image-size (image_size in Python) with the side in pixels that the network was trained on",
        )
    return images


def channels_first(images: Sequence[Any], grey: bool) -> Array:
    """Give images of one size as bytes (S, C, H, W).

    Parameters
    ----------
    images
        Images of Pillow's.
    grey
        Whether there is one channel, instead of red, green and blue.
    """
    arrays = [np.asarray(image.convert("L" if grey else "RGB")) for image in images]
    return np.stack([array[None] if grey else array.transpose(2, 0, 1) for array in arrays])


def mode_of(where: str, source: Path | bytes) -> str:
    """Read the mode of an image, such as ``L`` or ``RGB``, off its header.

    Parameters
    ----------
    where
        Name of the data in errors.
    source
        File, or content of a file.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    return str(_read(where, source, lambda image: image.mode))


def _loaded(image: Any) -> Any:
    """Decode an image of a file, which is closed then; one in memory is given back."""
    from PIL import ImageFile

    if not isinstance(image, ImageFile.ImageFile):
        return image
    image.load()
    return image.copy()


def _opened(where: str, source: Path | bytes | Image, take: Callable[[Any], Any]) -> Any:
    """Take of an image what is wanted, where it is in memory or where it must be read."""
    from PIL import Image

    return take(source) if isinstance(source, Image.Image) else _read(where, source, take)


def _read(where: str, source: Path | bytes, take: Callable[[Any], Any]) -> Any:
    from PIL import Image

    _import_readers()
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
            return take(image)
    except Exception as error:  # Pillow's readers fail with many types; each means the same here
        raise DataError(
            where if isinstance(source, bytes) else source,
            found=f"an image that cannot be read ({first_line(error)})",
            expected=f"one of {', '.join(FORMATS)}",
            do="take it out, or save it again",
        ) from error


@cache
def _import_readers() -> None:
    """Import Pillow's readers of these formats: where one is missing, Pillow imports those of all formats."""
    for reader in READERS:
        import_module(f"PIL.{reader}ImagePlugin")


def sized(image: Any, side: int | None) -> Any:
    """Resize an image as torchvision's Resize and CenterCrop do.

    Parameters
    ----------
    image
        Image of Pillow's.
    side
        Side in pixels; None to leave it.
    """
    if side is None:
        return image
    from torchvision.transforms.functional import center_crop, resize

    return center_crop(resize(image, side), [side, side])


def fill_memory(where: str, sources: Sequence[Any], side: int | None) -> bool:
    """Tell whether images of the size of the first one are too many to be held in memory.

    Parameters
    ----------
    where
        Name of the data in errors.
    sources
        Files, contents of files, or images of Pillow's.
    side
        Side in pixels that images are resized and cut to; None to leave them.

    Raises
    ------
    DataError
        If the header of the first one cannot be read.
    """
    width, height = (side, side) if side is not None else _opened(where, sources[0], lambda image: image.size)
    return bool(3 * width * height * len(sources) > MOST_BYTES)
