"""Drawing of prototypes: as images, or as rows of a heat map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from interp.report.drawing.images import Shape, coloured, mosaic, pixels
from interp.report.drawing.style import COLUMN, INK, KIND_COLOURS, PHOTO, canvas, extent, placeholder, short
from interp.types import Array

BAR: dict[str, Any] = {"location": "top", "shrink": 0.3, "aspect": 40, "pad": 0.02}
"""Place of the colour bar: above, where reading begins; a sheet may be longer than a screen."""

CHANGE = "difference from the mean of all data"
BLOCKS = 2  # columns of nodes on a sheet of images


@dataclass(frozen=True)
class Sheet:
    """Prototypes of some nodes of one layer.

    Attributes
    ----------
    layer
        Name of the layer.
    nodes
        Indices of the nodes that are shown.
    total
        Number of nodes of the layer.
    labels
        Label and kind of boundary of each node.
    columns
        Sort of prototype -> one prototype a node, (nodes, D); NaN where a node has none.
    mean
        Mean of the data, (D,).
    k
        Number of centroids of the clustering beside them; 0 without one.
    """

    layer: str
    nodes: list[int]
    total: int
    labels: list[tuple[str, str]]
    columns: Mapping[str, Array]
    mean: Array
    k: int


@dataclass(frozen=True)
class Scale:
    """Size and colours of the tiles of a sheet.

    Attributes
    ----------
    shape
        Channels, height and width of a tile.
    low, high
        Ends of the colour scale.
    colours
        Name of the colour map.
    rows
        Number of rows of a block of tiles.
    """

    shape: Shape
    low: float
    high: float
    colours: str
    rows: int


def draw_images(sheet: Sheet, shape: Shape, *, change: bool) -> Any:
    """Draw prototypes as images in two blocks of rows: a row is a node, a column a sort of prototype.

    Parameters
    ----------
    sheet
        Prototypes of some nodes of one layer.
    shape
        Channels, height and width of an image.
    change
        Whether the difference from the data mean is drawn in place of the prototype itself.

    Returns
    -------
    Figure
        Figure of matplotlib.
    """
    if not sheet.nodes:
        return placeholder("No node of this layer has a prototype.")
    middle = np.nan_to_num(np.asarray(sheet.mean, float)) if change else 0.0
    columns = {kind: means - middle for kind, means in sheet.columns.items()}
    scale = _scale(columns, shape, -(-len(sheet.nodes) // BLOCKS), change=change)
    tile = COLUMN / (BLOCKS * (len(columns) + 1.0))
    figure, grid = canvas(1, BLOCKS, height=0.55 + scale.rows * tile * shape[1] / shape[2] * 1.04)
    blocks = [_block(axes, block, columns, sheet.labels, scale) for block, axes in enumerate(grid[0])]
    if shape[0] == 3:
        figure.set_label(PHOTO)
    else:
        figure.colorbar(blocks[0], ax=grid[0].tolist(), **BAR, label=CHANGE if change else "value")
    return figure


def _scale(columns: Mapping[str, Array], shape: Shape, rows: int, *, change: bool) -> Scale:
    """Give one scale for the whole sheet, so that tiles compare; symmetric for changes."""
    measured = [means for kind, means in columns.items() if kind != "conditional"]  # may leave the data
    low, high = extent(*(measured or columns.values())) or (0.0, 1.0)
    if change:
        high = _typical(np.concatenate(list(columns.values())), 0.99)
        low = -high
    return Scale(shape, low, high if high > low else low + 1.0, "RdBu_r" if change else "Greys", rows)


def _block(axes: Any, block: int, columns: Mapping[str, Array], labels: list[tuple[str, str]], scale: Scale) -> Any:
    """Draw one block; its empty places stay white, so that both blocks have one size."""
    height, width = scale.shape[1:]
    gap = max(1, round(0.06 * max(height, width)))
    start = block * scale.rows
    images = [[_tile(means, row, scale) for means in columns.values()] for row in range(start, start + scale.rows)]
    size = (height, width, 3) if scale.shape[0] == 3 else (height, width)
    board = _white(mosaic(images, size, gap))
    image = axes.imshow(board, cmap=scale.colours, vmin=scale.low, vmax=scale.high, interpolation="nearest")
    axes.set_axis_off()
    shown = labels[start : start + scale.rows]
    if shown:
        _name_columns(axes, list(columns), width + gap, width)
        _name_rows(axes, shown, height + gap, height, gap)
    return image


def _tile(means: Array, row: int, scale: Scale) -> Array | None:
    if row >= len(means) or not np.isfinite(means[row]).all():
        return None
    image = pixels(means[row], scale.shape)
    return coloured(image, scale.low, scale.high) if scale.shape[0] == 3 else image


def _white(board: Array) -> Array:
    """Leave gaps white: NaN is drawn as nothing in one channel, and set to white in three."""
    return np.nan_to_num(board, nan=1.0) if board.ndim == 3 else np.ma.masked_invalid(board)


def _name_columns(axes: Any, names: list[str], step: float, width: float) -> None:
    for position, name in enumerate(names):
        axes.text(
            position * step + width / 2, -0.1 * width, name, ha="center", va="bottom", fontsize=6.5, color="#555555"
        )


def _name_rows(axes: Any, labels: list[tuple[str, str]], step: float, height: float, gap: float) -> None:
    for position, (label, kind) in enumerate(labels):
        middle = position * step + height / 2
        axes.text(
            -1.5 * gap,
            middle,
            label,
            ha="right",
            va="center",
            fontsize=8,
            color=KIND_COLOURS.get(kind, INK),
            weight="bold",
        )


def draw_heat(sheet: Sheet, features: tuple[str, ...]) -> Any:
    """Draw prototypes as a heat map: for each node one row a sort of prototype, less the data mean.

    Parameters
    ----------
    sheet
        Prototypes of some nodes of one layer.
    features
        Names of the inputs; empty where they have none.

    Returns
    -------
    Figure
        Figure of matplotlib.
    """
    if not sheet.nodes:
        return placeholder("No node of this layer has a prototype.")
    rows = np.concatenate([_rows(sheet, position) for position in range(len(sheet.nodes))])
    figure, grid = canvas(height=0.8 + 0.115 * len(rows))
    axes = grid[0, 0]
    high = _typical(rows, 0.995)
    image = axes.imshow(
        np.ma.masked_invalid(rows), cmap="RdBu_r", vmin=-high, vmax=high, aspect="auto", interpolation="nearest"
    )
    _label_heat(axes, sheet, features, rows.shape[1])
    figure.colorbar(image, ax=axes, **BAR, label=CHANGE)
    return figure


def _rows(sheet: Sheet, position: int) -> Array:
    """Give a node's rows and one empty row below them."""
    middle = np.nan_to_num(np.asarray(sheet.mean, float))
    rows = [means[position] - middle for means in sheet.columns.values()]
    return np.stack([*rows, np.full(len(middle), np.nan)])


def _typical(rows: Array, share: float) -> float:
    """End the scale where this share of the values lies within it, so that a few outliers hide nothing."""
    known = np.abs(rows[np.isfinite(rows)])
    return max(float(np.quantile(known, share)), 1e-12) if len(known) else 1.0


def _label_heat(axes: Any, sheet: Sheet, features: tuple[str, ...], width: int) -> None:
    step = len(sheet.columns) + 1
    ticks = [node * step + row for node in range(len(sheet.nodes)) for row in range(step - 1)]
    axes.set_yticks(ticks, list(sheet.columns) * len(sheet.nodes), fontsize=5.5)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for position, (label, kind) in enumerate(sheet.labels):
        middle = position * step + (step - 2) / 2
        axes.text(-0.085, middle, label, transform=axes.get_yaxis_transform(), ha="right", va="center",
                  weight="bold", color=KIND_COLOURS.get(kind, INK))  # fmt: skip
    if features and width <= 40:
        axes.set_xticks(
            range(width), [short(name, 18) for name in features[:width]], rotation=60, ha="right", fontsize=6.5
        )
    else:
        axes.set_xlabel("input of the layer")
