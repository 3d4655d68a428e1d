"""Vectors as images: their shapes, and many of them as one picture."""

from __future__ import annotations

from math import isqrt, prod

import numpy as np

from interp.types import Array, NodeLayer, Results

Shape = tuple[int, int, int]

LONG = 4
"""Number of time steps, for each value of a step, above which sequences are no pictures."""


def network_shape(results: Results, layer: NodeLayer, width: int) -> Shape | None:
    """Give the shape of a network input as an image, or of the patch of it that a convolution reads.

    Parameters
    ----------
    results
        Results of all stages.
    layer
        Layer of the network.
    width
        Number of values of the vector to be drawn.

    Returns
    -------
    tuple of int
        Channels, height and width; None where the values are no image.
    """
    shape = results.data.image_shape
    if shape is not None and _is_long(results, shape):
        return None
    if shape is None or prod(shape) == width:
        return shape
    side = isqrt(width // shape[0])
    patch = layer.kind.startswith("conv") and side > 1 and shape[0] * side * side == width
    return (shape[0], side, side) if patch else None


def _is_long(results: Results, shape: Shape) -> bool:
    """Whether a shape is that of long sequences, whose pictures one below the other would be metres high."""
    return shape[1] > LONG * shape[2] and any(layer.is_stepwise for layer in results.model.every_layer)


def step_shape(results: Results) -> tuple[int, int] | None:
    """Give the number of time steps and of values at each, of inputs of a network that runs a step at a time.

    Parameters
    ----------
    results
        Results of all stages.

    Returns
    -------
    tuple of int
        Time steps and values of each; None where no layer runs a step at a time, or the inputs have no such shape.
    """
    data = results.data
    if not any(layer.is_stepwise for layer in results.model.every_layer):
        return None
    if data.parts:
        steps = data.parts[0].shape
        return (steps[0], prod(steps[1:])) if steps else None
    shape = data.image_shape
    return (shape[1], shape[2]) if shape is not None and shape[0] == 1 and prod(shape) == data.width else None


def layer_shape(results: Results, layer: NodeLayer) -> Shape | None:
    """Give the shape of a layer's input as an image; only the first layer reads images.

    Parameters
    ----------
    results
        Results of all stages.
    layer
        Layer of the network.

    Returns
    -------
    tuple of int
        Channels, height and width; None where the values are no image.
    """
    first = bool(results.model.layers) and results.model.is_first(layer)
    return network_shape(results, layer, layer.inputs) if first else None


def pixels(vector: Array, shape: Shape) -> Array:
    """Lay a vector out as an image.

    Parameters
    ----------
    vector
        Values, (D,).
    shape
        Channels, height and width.

    Returns
    -------
    Array
        Image, (height, width), or (height, width, 3) of three channels.
    """
    image = np.asarray(vector, float).reshape(shape)
    return image.transpose(1, 2, 0) if shape[0] == 3 else image.mean(0)


def coloured(image: Array, low: float, high: float) -> Array:
    """Bring an image of three channels to [0, 1]; NaN stays.

    Parameters
    ----------
    image
        Image, (height, width, 3).
    low, high
        Values that become 0 and 1.
    """
    return np.clip((image - low) / max(high - low, 1e-12), 0, 1)


def mosaic(rows: list[list[Array | None]], size: tuple[int, ...], gap: int) -> Array:
    """Set images of one size side by side.

    Parameters
    ----------
    rows
        Images, row by row; None leaves a place empty.
    size
        Shape of each image.
    gap
        Number of pixels between images.

    Returns
    -------
    Array
        One image; NaN between the images and in empty places.
    """
    height, width = size[0] + gap, size[1] + gap
    columns = max(map(len, rows), default=1)
    board = np.full((max(len(rows), 1) * height - gap, columns * width - gap, *size[2:]), np.nan)
    for top, row in enumerate(rows):
        for left, image in enumerate(row):
            if image is not None:
                board[top * height : top * height + size[0], left * width : left * width + size[1]] = image
    return board
