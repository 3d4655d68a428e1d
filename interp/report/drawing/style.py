"""Look of figures: one colour per boundary kind everywhere, safe for colour-blind readers."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from interp.report.selection.choose import ranks
from interp.types import Figure

if TYPE_CHECKING:  # a page without figures does without these, which take seconds to import
    from matplotlib.figure import Figure as Canvas

DPI = 130
COLUMN = 8.0  # inches; the text column of the page is 800 CSS pixels wide
MOST_LAYERS = 12  # layers that a section draws, one figure or more for each
FEW_LAYERS = 6  # layers drawn where there are more
PHOTO = "photo"  # label of a figure whose colours must not be turned round on a dark page

KIND_COLOURS = {
    "coherent": "#0072b2",
    "adhoc": "#d55e00",
    "undecided": "#b9a87c",
    "one-sided": "#aa6fa6",
    "dead": "#8a8a8a",
    "unsampled": "#d0d0d0",
}
SPLIT_COLOURS = {"train": "#5b5b5b", "test": "#0a7d62"}
NULL_COLOURS = {
    "random point": "#555555",
    "permuted bias": "#a8883c",
    "data mean": "#7a5195",
    "random direction": "#7d9bb5",
    "fresh initialisation": "#5c8a5c",
    "fresh without bias": "#a3b86c",
    "fresh batch norm": "#c08497",
}
PROTOTYPE_COLOURS = {"conditional": "#0a7d62", "component": "#0072b2", "nearest": "#b07d00", "strongest": "#a03050"}
INK = "#222222"
FAINT = "#9a9a9a"
OTHERS = ("#4c72b0", "#937860", "#64b5cd", "#8c8c8c", "#55a868")

RC: dict[str, Any] = {
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.edgecolor": "#b0b0b0",
    "axes.labelcolor": "#444444",
    "axes.linewidth": 0.8,
    "text.color": INK,
    "text.parse_math": False,  # names from files may hold dollar signs
    "xtick.color": "#666666",
    "ytick.color": "#666666",
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.5,
}


@contextmanager
def figure_style() -> Iterator[None]:
    """Set the page's look while a figure is drawn; nothing stays set, and no warning of drawing escapes."""
    import matplotlib as mpl
    import seaborn as sns

    with mpl.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as a glyph of a user's label that the font lacks
        sns.set_theme(context="paper", style="ticks", rc=RC)
        yield


def canvas(
    rows: int = 1, columns: int = 1, *, height: float, layout: Any = "constrained", **options: Any
) -> tuple[Canvas, Any]:
    """Make a figure that pyplot does not know of.

    Parameters
    ----------
    rows, columns
        Number of rows and columns of panels.
    height
        Height of the figure, in inches.
    layout
        Layout engine of matplotlib; None for none.
    **options
        Keyword arguments of `Figure.subplots`.

    Returns
    -------
    Figure, Array
        Figure, and its axes (rows, columns).
    """
    from matplotlib.figure import Figure as Canvas

    figure = Canvas(figsize=(COLUMN, height), dpi=DPI, layout=layout)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def colour(name: str, known: dict[str, str], position: int = 0) -> str:
    """Give a name's own colour, or one of the others by position.

    Parameters
    ----------
    name
        Name that is drawn.
    known
        Names with colours of their own.
    position
        Position among names without one.
    """
    return known.get(name, OTHERS[position % len(OTHERS)])


def slug(text: str) -> str:
    """Make a file's name, without an ending, of any text.

    Parameters
    ----------
    text
        Text, such as the name of a layer.

    Examples
    --------
    >>> slug("../features.0: <b>")
    'features-0-b'
    """
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")[:60] or "unnamed"


def layer_figures(prefix: str, names: Any) -> dict[str, str]:
    """Give each layer that is drawn a figure name of its own, even where two slugs agree.

    Of more than `MOST_LAYERS` layers, `FEW_LAYERS` are drawn, evenly over depth.

    Parameters
    ----------
    prefix
        First part of the figures' names.
    names
        Names of the layers, in order.

    Returns
    -------
    dict
        Name of a layer -> name of its figure.
    """
    found = {name: f"{prefix}-{position:02d}-{slug(name)}" for position, name in enumerate(names, 1)}
    chosen = range(len(found)) if len(found) <= MOST_LAYERS else ranks(len(found), FEW_LAYERS)
    return {name: found[name] for name in (list(found)[i] for i in chosen)}


def undrawn(named: dict[str, str], names: Any) -> tuple[str, ...]:
    """Say how many layers have no figures.

    Parameters
    ----------
    named
        Layers that have figures.
    names
        Names of all layers.

    Returns
    -------
    tuple of str
        One paragraph; none where all layers have figures.
    """
    if len(named) == len(list(names)):
        return ()
    return (f"Figures show {len(named)} of the {len(list(names))} layers, evenly over depth.",)


def short(text: Any, length: int = 28) -> str:
    """Cut a long name in the middle, for labels in figures.

    Parameters
    ----------
    text
        Name to be shown.
    length
        Largest number of characters.

    Examples
    --------
    >>> short("features.0.conv.weight", 9)
    'feat…ight'
    """
    text = str(text)
    half = (length - 1) // 2
    return text if len(text) <= length else f"{text[:half]}…{text[-half:]}"


def pale(axes: Any, *, grid: bool = True) -> None:
    """Remove the frame's upper and right sides; draw a faint grid behind.

    Parameters
    ----------
    axes
        Axes of matplotlib.
    grid
        Whether a grid is drawn.
    """
    import seaborn as sns

    sns.despine(ax=axes)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(visible=True, color="#ececec", linewidth=0.7)


def extent(*arrays: Any) -> tuple[float, float] | None:
    """Give the least and largest finite number of some arrays.

    Parameters
    ----------
    *arrays
        Arrays of numbers.

    Returns
    -------
    float, float
        Least and largest number; None in place of both where none is finite.

    Examples
    --------
    >>> extent([1.0, float("nan")], [3.0])
    (1.0, 3.0)
    """
    known = np.concatenate([np.ravel(np.asarray(values, float)) for values in arrays])
    known = known[np.isfinite(known)]
    return (float(known.min()), float(known.max())) if len(known) else None


def placeholder(text: str) -> Canvas:
    """Draw a line of text where there is nothing to draw.

    Parameters
    ----------
    text
        Line of text.
    """
    from matplotlib.figure import Figure as Canvas

    figure = Canvas(figsize=(COLUMN, 0.6), dpi=DPI)
    figure.text(0.01, 0.5, text, color="#666666", va="center")
    return figure


def drawn(figure: Figure) -> Any:
    """Draw a figure of a section in the page's style.

    Parameters
    ----------
    figure
        Figure of a section.

    Returns
    -------
    Figure
        Figure of matplotlib.
    """
    with figure_style():
        return figure.draw()
