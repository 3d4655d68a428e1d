"""Less usual pooling layouts that close: any padding, larger strides, windows that overlap, each layer by itself.

The convolutions of examples for private training (8x8 at stride 2, windows of 2 at stride 1), those of 4x4 that halve
an image, and windows of 3 at stride 2 are among them. Layouts are too many to list, so the least odd are found from
layer to layer: of all that lead to one size, a few are kept.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import product
from math import prod
from typing import NamedTuple

from interp.checkpoints.inference.convolutional.layouts import PoolingLayout
from interp.checkpoints.inference.stack.layers import Layer

MOST = 48
"""Largest number of layouts that are given, and that are kept of each size on the way."""

WINDOWS = {(1, 1): 0, (2, 2): 0, (3, 2): 1, (2, 1): 1, (3, 3): 2, (4, 4): 2}
"""(side of a pooling window, its stride) -> how odd it is."""

STRIDES = {1: 0, 2: 0, 3: 2, 4: 2}
"""Stride of a convolution -> how odd it is."""


class Option(NamedTuple):
    """Padding and stride of a convolution, and the window and stride of the pooling behind it."""

    padding: int
    stride: int
    window: int
    pool_stride: int


Way = tuple[int, tuple[Option, ...]]
"""How odd some layers' options are in all, and these."""


def wider_layouts(
    layers: Sequence[Layer], image: tuple[int, int, int], known: Collection[PoolingLayout] = ()
) -> list[PoolingLayout]:
    """List layouts that lead from an image to the first dense layer, the least odd first; at most `MOST`.

    Parameters
    ----------
    layers
        Convolutions in running order, then any dense layers.
    image
        Shape of one input, (channels, height, width).
    known
        Layouts to leave out.

    Returns
    -------
    list of PoolingLayout
        None where no dense layer tells the number of positions, or tells one a channel, which the mean of any leaves.
    """
    convolutions = [layer for layer in layers if layer.is_convolution]
    channels = len(convolutions[-1].weight)
    dense = layers[len(convolutions) :]
    if not dense or dense[0].weight.shape[1] <= channels:
        return []
    ways: dict[tuple[int, ...], list[Way]] = {image[1:]: [(0, ())]}
    for layer in convolutions:
        ways = _onward(ways, layer)
    found = [way for size, some in ways.items() if dense[0].weight.shape[1] == channels * prod(size) for way in some]
    listed = [_layout(image, options) for _, options in sorted(found)[: MOST + len(known)]]
    return [layout for layout in listed if layout not in known][:MOST]


def _onward(ways: dict[tuple[int, ...], list[Way]], layer: Layer) -> dict[tuple[int, ...], list[Way]]:
    """Go through one convolution under each of its options; keep the least odd ways to each size behind it."""
    options = _options(layer)
    onward: dict[tuple[int, ...], list[Way]] = {}
    for size, some in ways.items():
        for option, odd in options.items():
            if min(after := _size(size, layer, option)) > 0:
                longer = [(before + odd + _changes(path, option), (*path, option)) for before, path in some]
                onward.setdefault(after, []).extend(longer)
    return {size: sorted(some)[: 2 * MOST] for size, some in onward.items()}


def _changes(path: Sequence[Option], option: Option) -> int:
    """Count in how much a layer is treated in another way than those before it, which is odd too.

    Padding is compared with the layer before, and how the image gets smaller with the last layer where it did.
    """
    odd = int(bool(path) and (path[-1].padding > 0) != (option.padding > 0))
    smaller = next((before for before in reversed(path) if _shrinks(before)), None)
    if smaller is None or not _shrinks(option):
        return odd
    return odd + ((smaller.stride, *smaller[2:]) != (option.stride, *option[2:]))


def _shrinks(option: Option) -> bool:
    return option.stride > 1 or option.window > 1


def _options(layer: Layer) -> dict[Option, int]:
    """Give what may be said of a convolution, with how odd it is; what its file states stands."""
    kernel = layer.weight.shape[2]
    paddings = range(min(kernel - 1, kernel // 2 + 1) + 1) if layer.padding is None else (layer.padding,)
    strides = [one for one in STRIDES if one <= kernel] if layer.stride is None else [layer.stride]
    found = {}
    for padding, stride, (window, step) in product(paddings, strides, WINDOWS):
        odd = WINDOWS[window, step] + (stride > 1 and step > 1) + (stride == step == 1 < window)
        odd += 0 if padding in (0, (kernel - 1) // 2) else 1 if padding == kernel // 2 else 2
        odd += STRIDES.get(stride, 0)
        found[Option(padding, stride, window, step)] = odd
    return found


def _size(size: tuple[int, ...], layer: Layer, option: Option) -> tuple[int, ...]:
    """Give height and width behind a convolution and its pooling; zeros and less where nothing is left."""
    kernel = layer.weight.shape[2:]
    sides = [(side + 2 * option.padding - k) // option.stride + 1 for side, k in zip(size, kernel, strict=True)]
    return tuple((side - option.window) // option.pool_stride + 1 for side in sides)


def _layout(image: tuple[int, int, int], options: Sequence[Option]) -> PoolingLayout:
    padding, stride, pooling, steps = zip(*options, strict=True)
    return PoolingLayout(image, padding, stride, pooling, pool_stride=() if steps == pooling else steps)
