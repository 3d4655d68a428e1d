"""Vectors as tiny pictures: PNG of one channel, JPEG of three, within a page that has thousands of them."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from matplotlib import colormaps
from PIL import Image

from interp.report.drawing.images import Shape, coloured, pixels
from interp.types import Array

MOST_PIXELS = 64  # side of a tile; larger images are averaged down
SHADES = 33  # of weights and differences, from blue to red


@dataclass(frozen=True)
class Tones:
    """Shape of the images of a data set, and the values that are drawn white and black.

    Attributes
    ----------
    shape
        Channels, height and width.
    low, high
        Values that are white and black; of three channels the least and the largest.
    """

    shape: Shape
    low: float
    high: float


def picture(vector: Array, tones: Tones) -> str:
    """Give an input as a data URI.

    Parameters
    ----------
    vector
        Values of the input, flat.
    tones
        Shape of the image, and its range of values.
    """
    image = smaller(pixels(vector, tones.shape))
    shade = coloured(image, tones.low, tones.high)
    if image.ndim == 3:
        return _jpeg((shade * 255).round().astype(np.uint8))
    return png((255 - shade * 255).round().astype(np.uint8))


def change(vector: Array, shape: Shape) -> str:
    """Give weights or differences as a data URI: blue below zero, red above, the largest in full colour.

    Parameters
    ----------
    vector
        Values, flat.
    shape
        Channels, height and width; channels are averaged.
    """
    image = smaller(np.asarray(vector, float).reshape(shape).mean(0))
    most = float(np.abs(image).max(initial=0.0)) or 1.0
    index = np.round((image / most + 1) / 2 * (SHADES - 1)).astype(np.uint8)
    palette = (colormaps["RdBu_r"](np.linspace(0, 1, SHADES))[:, :3] * 255).round().astype(np.uint8)
    return png(index, palette)


def smaller(image: Array) -> Array:
    """Average an image down by a whole factor until it is no larger than a tile; NaN becomes 0.

    Parameters
    ----------
    image
        Image, (height, width) or (height, width, 3).

    Examples
    --------
    >>> smaller(np.ones((224, 224, 3))).shape, smaller(np.ones((28, 28))).shape
    ((56, 56, 3), (28, 28))
    """
    image = np.nan_to_num(np.asarray(image, float))
    factor = -(-max(image.shape[:2]) // MOST_PIXELS)
    if factor == 1:
        return image
    height, width = max(image.shape[0] // factor, 1), max(image.shape[1] // factor, 1)
    rows, columns = min(factor, image.shape[0]), min(factor, image.shape[1])
    cut = image[: height * rows, : width * columns]
    averaged: Array = cut.reshape(height, rows, width, columns, *image.shape[2:]).mean(axis=(1, 3))
    return averaged


def png(shades: Array, palette: Array | None = None) -> str:
    """Write an image of one channel as PNG, as a data URI: a tenth of the time that a library of images takes.

    Parameters
    ----------
    shades
        Shades or indices of colours, (height, width) of uint8.
    palette
        Colours (n, 3) of uint8; None for shades of grey.
    """
    height, width = shades.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), shades], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if palette is None else 3, 0, 0, 0)
    colours = b"" if palette is None else _chunk(b"PLTE", palette.tobytes())
    content = _chunk(b"IHDR", header) + colours + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + content).decode("ascii")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _jpeg(image: Array) -> str:
    out = io.BytesIO()
    Image.fromarray(image).save(out, format="JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode("ascii")


def tile(uri: str, words: str) -> Markup:
    """Give a tile with words below it.

    Parameters
    ----------
    uri
        Data URI of the picture.
    words
        Words below it, which also say what it shows.
    """
    return Markup('<figure class="tile"><img alt="{0}" src="{1}"><figcaption>{0}</figcaption></figure>').format(
        words, uri
    )
