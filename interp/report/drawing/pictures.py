"""Figures as small PNG files: drawn once, few colours, the whole page within a budget."""

from __future__ import annotations

import base64
import io
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image, ImageColor

from interp.report.drawing.style import DPI, KIND_COLOURS, PHOTO, drawn, figure_style, slug
from interp.run.processes import side_by_side
from interp.types import Array, Figure

COLOURS = 192  # enough for lines and images in one colour scale; a third of the bytes of full colour
BUDGET = 3_300_000  # bytes of PNG on one page; base64 makes 4.4 MB of them
KEPT = np.array([ImageColor.getrgb(name) for name in ("#ffffff", *KIND_COLOURS.values())])  # (colours, 3)
SNAP = 9  # shades this close to a kept colour become it


@dataclass(frozen=True)
class Picture:
    """A drawn figure.

    Attributes
    ----------
    stem
        Name of its file, without the ending.
    png
        Content of the file.
    shown_width, shown_height
        Size on the page in CSS pixels.
    look
        Class of the image on the page: ``photo`` where its colours must stay on a dark page, else ``plot``.
    """

    stem: str
    png: bytes
    shown_width: int
    shown_height: int
    look: str

    @property
    def uri(self) -> str:
        """Data URI that holds the picture."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")


def draw_all(figures: Iterable[Figure]) -> dict[str, Picture]:
    """Draw every figure once.

    Parameters
    ----------
    figures
        Figures of the page, in order.

    Returns
    -------
    dict
        Name of a figure -> picture; all pictures together are within the page's budget of bytes.
    """
    named = {figure.name: figure for figure in figures}
    stems: list[str] = []
    for name in named:
        stems.append(_free(slug(name), stems))
    pictures = side_by_side(lambda one: _picture(*one), list(zip(named.values(), stems, strict=True)))
    return within(dict(zip(named, pictures, strict=True)), BUDGET)


def within(pictures: dict[str, Picture], budget: int) -> dict[str, Picture]:
    """Halve the largest pictures until all fit: a page that opens beats a sharp one that does not.

    Parameters
    ----------
    pictures
        Name of a figure -> picture.
    budget
        Number of bytes that all pictures may have together.

    Returns
    -------
    dict
        Name of a figure -> picture.
    """
    fitted = dict(pictures)
    left = set(fitted)
    while left and sum(len(picture.png) for picture in fitted.values()) > budget:
        name = max(sorted(left), key=lambda name: len(fitted[name].png))
        smaller = _halved(fitted[name].png)
        if len(smaller) < len(fitted[name].png):
            fitted[name] = replace(fitted[name], png=smaller)
        else:
            left.remove(name)
    return fitted


def _picture(figure: Figure, stem: str) -> Picture:
    canvas = drawn(figure)
    with figure_style():
        image = _image(canvas)
    width, height = canvas.get_size_inches() * 100
    look = PHOTO if canvas.get_label() == PHOTO else "plot"
    _forget(canvas)
    png = _encode(image, 256 if look == PHOTO else COLOURS)
    return Picture(stem, png, round(width), round(height), look)


def _image(canvas: Any) -> Image.Image:
    """Give the pixels that `Figure.savefig` gives, which goes through the whole figure once more for its layout."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas.set_dpi(DPI)
    canvas.set_facecolor("white")
    pixels: Any = FigureCanvasAgg(canvas)
    pixels.draw()
    return Image.fromarray(np.asarray(pixels.buffer_rgba())).convert("RGB")


def _forget(canvas: Any) -> None:
    """Close a figure that a user's section made with pyplot."""
    import matplotlib.pyplot as plt

    plt.close(canvas)


def _free(stem: str, taken: Collection[str]) -> str:
    """Give a file stem that is not taken."""
    number = 2
    free = stem
    while free in taken:
        free, number = f"{stem}-{number}", number + 1
    return free


def _encode(image: Image.Image, colours: int) -> bytes:
    out = io.BytesIO()
    image.quantize(palette=_palette(image, colours), dither=Image.Dither.NONE).save(out, format="PNG", optimize=True)
    return out.getvalue()


def _palette(image: Image.Image, colours: int) -> Image.Image:
    """Choose colours by median cut, and keep white and those of the kinds exact: small labels would lose theirs."""
    cut = image.quantize(colours - len(KEPT), method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    chosen = np.asarray(cut.getpalette() or [], int).reshape(-1, 3)
    far = np.abs(chosen[:, None] - KEPT).max(2).min(1, initial=255)  # to the closest colour that is kept
    chosen[far < SNAP] = _closest(chosen[far < SNAP])
    palette = Image.new("P", (1, 1))
    palette.putpalette([int(channel) for channel in np.concatenate([KEPT, chosen])[:colours].ravel()])
    return palette


def _closest(colours: Array) -> Array:
    """Give the kept colour that is closest to each; two shades of white would show as a tinted box."""
    closest: Array = KEPT[np.abs(colours[:, None] - KEPT).max(2).argmin(1)]
    return closest


def _halved(png: bytes) -> bytes:
    image = Image.open(io.BytesIO(png)).convert("RGB")
    size = (max(image.width // 2, 1), max(image.height // 2, 1))
    return _encode(image.resize(size, Image.Resampling.LANCZOS), 64)
