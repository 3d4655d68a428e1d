"""Where padding, stride and pooling may stand in a stack of convolutions: what the shapes leave open.

A state dict of a convolutional network tells neither. But its first dense layer reads a known number of
values, and few placements lead from the image to that number; data decide between those.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from math import prod

from interp.checkpoints.inference.stack import USE_MODEL, Layer
from interp.errors import CheckpointError
from interp.inputs import IMAGE_SIDES
from interp.types import Dataset

MOST = 8  # placements handed on for data to choose from
MOST_FREE = 4  # convolutions whose padding, stride and pooling are all tried; in deeper stacks they are uniform
MOST_CONVOLUTIONS = 14


@dataclass(frozen=True)
class Placement:
    """One way from an image to the first dense layer; a value a convolution.

    Attributes
    ----------
    image
        (channels, height, width).
    pooling
        Side of the pooling window, which is its stride; 1 for none.
    mean
        Whether each channel is averaged over all positions at the end.
    kind
        ``max`` or ``avg``.
    """

    image: tuple[int, int, int]
    padding: tuple[int, ...]
    stride: tuple[int, ...]
    pooling: tuple[int, ...]
    mean: bool = False
    kind: str = "max"

    def __str__(self) -> str:
        """Say it in words."""
        pooled = f"{self.kind} pooling {_list(self.pooling)}" if max(self.pooling) > 1 else "no pooling"
        return f"padding {_list(self.padding)}, stride {_list(self.stride)}, {pooled}" + (", mean" if self.mean else "")

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of pooling that would make a difference."""
        return ("max", "avg") if max(self.pooling) > 1 else ("max",)


def placements(layers: Sequence[Layer], image: tuple[int, int, int]) -> list[Placement]:
    """List the placements that lead from an image to the first dense layer, the most usual first.

    Parameters
    ----------
    layers
        Convolutions, then at least one dense layer.
    image
        (channels, height, width) of one input.
    """
    convolutions = [layer for layer in layers if layer.is_convolution]
    inputs = layers[len(convolutions)].weight.shape[1]
    found: list[tuple[int, int, Placement]] = []
    for choice in _choices(convolutions):
        size = _size(convolutions, image[1:], choice)
        channels = len(convolutions[-1].weight)
        if size is not None and inputs in (channels, channels * prod(size)):
            mean = inputs == channels and prod(size) > 1
            padding, stride, pooling = (tuple(values) for values in zip(*choice, strict=True))
            placement = Placement(image, padding, stride, pooling, mean)
            found.append((_oddity(convolutions, placement), len(found), placement))
    return [placement for _, _, placement in sorted(found)[:MOST]]


def image_placements(
    layers: Sequence[Layer], data: Dataset | None, path: object
) -> tuple[tuple[int, int, int], list[Placement]]:
    """Give the shape of the images that a convolutional network reads, and the placements that fit them.

    Raises
    ------
    CheckpointError
        If the data are no such images, or without data no usual size leads to the first dense layer.
    """
    channels = layers[0].weight.shape[1]
    if data is None:
        sizes = [(channels, side, side) for side in IMAGE_SIDES]
    elif data.image_shape is not None:
        sizes = [data.image_shape]
    else:
        side = round((data.width / channels) ** 0.5)
        sizes = [(channels, side, side)]
    for size in sizes:
        fits = size[0] == channels and (data is None or prod(size) == data.width)
        if fits and (found := placements(layers, size)):
            return size, found
    raise CheckpointError(
        path,
        found=f"convolutions that lead no image of {sizes[0] if data else f'{channels} channels'} to the "
        f"{_first_dense(layers).weight.shape[1]} inputs of {_first_dense(layers).name}",
        expected="a chain of convolution, pooling and dense layers, with its own data",
        do=USE_MODEL,
    )


def _first_dense(layers: Sequence[Layer]) -> Layer:
    return next(layer for layer in layers if not layer.is_convolution)


def _choices(convolutions: Sequence[Layer]) -> Iterator[tuple[tuple[int, int, int], ...]]:
    """Yield (padding, stride, pooling) of every convolution."""
    if len(convolutions) > MOST_CONVOLUTIONS:
        return
    if len(convolutions) <= MOST_FREE:
        options = [list(product(_paddings(layer), _strides(layer), (2, 1, 3))) for layer in convolutions]
        yield from product(*options)
        return
    for same in (True, False):
        for pooling in product((1, 2), repeat=len(convolutions)):
            yield tuple(
                (layer.weight.shape[2] // 2 if same else 0, 1, pool)
                for layer, pool in zip(convolutions, pooling, strict=True)
            )


def _paddings(layer: Layer) -> tuple[int, ...]:
    if layer.padding is not None:
        return (layer.padding,)
    return tuple(dict.fromkeys((0, layer.weight.shape[2] // 2)))


def _strides(layer: Layer) -> tuple[int, ...]:
    return (1, 2) if layer.stride is None else (layer.stride,)


def _size(
    convolutions: Sequence[Layer], size: tuple[int, int], choice: Sequence[tuple[int, int, int]]
) -> tuple[int, ...] | None:
    """Follow height and width through the convolutions; None where nothing is left."""
    sides = list(size)
    for layer, (padding, stride, pool) in zip(convolutions, choice, strict=True):
        kernel = layer.weight.shape[2:]
        sides = [((side + 2 * padding - k) // stride + 1) // pool for side, k in zip(sides, kernel, strict=True)]
        if min(sides) < 1:
            return None
    return tuple(sides)


def _oddity(convolutions: Sequence[Layer], placement: Placement) -> int:
    """Count what is unusual: strides, large windows, mixed padding, pooling where channels do not grow."""
    grows = [len(second.weight) > len(first.weight) for first, second in pairwise(convolutions)] + [True]
    pooled = [window > 1 for window in placement.pooling]
    same = [padding > 0 for padding, la in zip(placement.padding, convolutions, strict=True) if la.weight.shape[2] > 1]
    return (
        2 * sum(stride > 1 for stride in placement.stride)
        + 3 * sum(window > 2 for window in placement.pooling)
        + len(set(same))
        + sum(is_pooled != is_growing for is_pooled, is_growing in zip(pooled, grows, strict=True))
        + 2 * placement.mean
    )


def _list(values: Sequence[int]) -> str:
    return "-".join(map(str, values))
