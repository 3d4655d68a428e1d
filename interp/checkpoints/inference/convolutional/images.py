"""Size of the images that a stack of convolutions reads, and the pooling layouts that fit them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from interp.checkpoints.inference.convolutional.closing import layouts_of
from interp.checkpoints.inference.convolutional.layouts import Layouts
from interp.checkpoints.inference.convolutional.wider import wider_layouts
from interp.checkpoints.inference.stack.layers import USE_MODEL, Layer
from interp.checkpoints.inference.stack.order import in_groups, with_groups
from interp.errors import CheckpointError
from interp.network.inputs import IMAGE_SIDES
from interp.types import Dataset


def image_layouts(
    layers: Sequence[Layer], data: Dataset | None, path: object, less_usual: bool = False
) -> tuple[list[Layer], tuple[int, int, int], Layouts]:
    """Give the layers with the groups that such images ask for, the shape of the images, and what fits them.

    Parameters
    ----------
    layers
        Convolutions in running order, then any dense layers.
    data
        Data that state the size of the images; None to try the usual sizes.
    path
        Name of the file, for error messages.
    less_usual
        Whether less usual layouts are given, of networks that no usual one fits, and none of others.

    Returns
    -------
    layers
        Layers with the number of groups that such images ask for.
    shape
        Shape of one image, (channels, height, width).
    layouts
        Pooling layouts that fit them.

    Raises
    ------
    CheckpointError
        If the data are no such images, or without data no usual size leads to the first dense layer.
    """
    channels = layers[0].channels
    if len(layers[-1].weight) == channels and layers[-1].is_convolution and not _has_answers(data):
        raise CheckpointError(
            path,
            found=f"convolutions alone, from {channels} channels to as many, which may give images",
            expected="one output a class",
            do=f"give labelled data, or {USE_MODEL}",
        )
    if data is None:
        sizes = [(channels, side, side) for side in IMAGE_SIDES]
    elif data.image_shape is not None:
        sizes = [data.image_shape]
    else:
        side = round((data.width / channels) ** 0.5)
        sizes = [(channels, side, side)]
    for size in sizes:
        fitting = _with_channels(layers, size[0])
        fits = fitting is not None and (data is None or prod(size) == data.width)
        if fitting is None or not fits:
            continue
        found = layouts_of(fitting, size)
        if less_usual:
            wider = [] if found.tried else wider_layouts(fitting, size)
            found = Layouts(wider, len(wider))
        if found.tried:
            return fitting, size, found
    raise CheckpointError(
        path,
        found=f"convolutions that lead no image of {sizes[0] if data else f'{channels} channels'} to {_goal(layers)}",
        expected="a chain of convolution, pooling and dense layers, with its own data",
        do=USE_MODEL,
    )


def _with_channels(layers: Sequence[Layer], channels: int) -> list[Layer] | None:
    """Let the first convolution read an image's channels, in groups only if others are grouped too."""
    if channels == layers[0].channels:
        return list(layers)
    first = in_groups(layers[0], channels)
    return with_groups([first, *layers[1:]]) if first and any(layer.groups > 1 for layer in layers[1:]) else None


def _has_answers(data: Dataset | None) -> bool:
    return data is not None and (data.train.labels is not None or data.train.targets is not None)


def _goal(layers: Sequence[Layer]) -> str:
    dense = next((layer for layer in layers if not layer.is_convolution), None)
    if dense is None:
        return f"the {len(layers[-1].weight)} outputs of {layers[-1].name}"
    return f"the {dense.weight.shape[1]} inputs of {dense.name}"
