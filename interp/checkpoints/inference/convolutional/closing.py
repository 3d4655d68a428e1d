"""Which pooling layouts lead from an image to a stack's outputs.

A state dict of a convolutional network tells neither padding nor pooling. But its first dense layer reads a known
number of values, and few layouts lead from the image to that number; data decide between those. Where each channel is
averaged over its positions at the end, any layout closes: the usual ones are tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise, product
from math import prod

from torch import Tensor

from interp.checkpoints.inference.convolutional.layouts import Layouts, PoolingLayout
from interp.checkpoints.inference.stack.layers import Layer

MOST = 8  # layouts that are tried on data
MOST_OPEN = 64  # the same where no dense layer fixes the number of values
MOST_FREE = 4  # convolutions whose padding, stride and pooling are all tried; in deeper stacks they are uniform
MOST_CONVOLUTIONS = 14
MOST_OPEN_CONVOLUTIONS = 10
ODD = 3  # least oddity of a layout beside which less usual ones are looked at: that of one stride, or a large window

Choice = tuple[tuple[int, int, int], ...]
"""(padding, stride, pooling) of every convolution."""


def layouts_of(layers: Sequence[Layer], image: tuple[int, int, int]) -> Layouts:
    """List the layouts that lead from an image to the first dense layer, or to one output a class.

    Parameters
    ----------
    layers
        Convolutions in running order, then any dense layers.
    image
        Shape of one input, (channels, height, width).
    """
    convolutions = [layer for layer in layers if layer.is_convolution]
    channels = len(convolutions[-1].weight)
    inputs = channels if len(convolutions) == len(layers) else layers[len(convolutions)].weight.shape[1]
    closing, open_ended = [], []
    for choice in _choices(convolutions):
        if inputs == channels * prod(_size(convolutions, image[1:], choice)):
            closing.append(_layout(image, choice))
    for choice in _open_choices(convolutions) if inputs == channels else ():
        if prod(_size(convolutions, image[1:], choice)) > 1:
            open_ended.append(_layout(image, choice, "mean"))
    weights = [layer.weight for layer in convolutions]
    usual = partial(sorted, key=lambda layout: _oddity(weights, layout))
    plain = partial(sorted, key=lambda layout: (max(layout.padding) > 0, _oddity(weights, layout)))
    covering = [layout for layout in closing if len(layers) == len(convolutions) and _is_covered(weights[-1], layout)]
    others = [layout for layout in closing if layout not in covering]
    tried = usual(plain(covering)[:MOST] + usual(others)[:MOST] + usual(open_ended)[:MOST_OPEN])
    return Layouts(tried, len(closing) + len(open_ended))


def _is_covered(last: Tensor, layout: PoolingLayout) -> bool:
    """Whether the last convolution covers all that reaches it, as a dense layer does, which few do by chance."""
    return max(last.shape[2:]) > 1 and layout.padding[-1] == 0 and layout.stride[-1] == layout.pooling[-1] == 1


def _layout(image: tuple[int, int, int], choice: Choice, end: str = "") -> PoolingLayout:
    padding, stride, pooling = zip(*choice, strict=True)
    return PoolingLayout(image, padding, stride, pooling, end)


# --------------------------------------------------------------------------- choices


def _choices(convolutions: Sequence[Layer]) -> Iterator[Choice]:
    """Yield what may lead to a number of values that is known."""
    if len(convolutions) > MOST_CONVOLUTIONS:
        return
    if len(convolutions) <= MOST_FREE:
        options = [list(product(_paddings(layer), _strides(layer), (2, 1, 3))) for layer in convolutions]
        yield from product(*options)
        return
    before = len(convolutions) - 1
    for same, last in ((True, True), (True, False), (False, False)):
        for pooling in product((1, 2), repeat=len(convolutions)):
            yield _uniform(convolutions, (*(same,) * before, last), pooling, strided=False)


def _open_choices(convolutions: Sequence[Layer]) -> Iterator[Choice]:
    """Yield layouts with one way of padding, but for the last convolution, and one of halving."""
    count = len(convolutions)
    if count > MOST_OPEN_CONVOLUTIONS:
        return
    seen = set()
    for same, last, strided in product((True, False), repeat=3):
        for halved in product((1, 2), repeat=count):
            choice = _uniform(convolutions, (*(same,) * (count - 1), last), halved, strided)
            if choice not in seen:
                seen.add(choice)
                yield choice


def _uniform(convolutions: Sequence[Layer], same: Sequence[bool], halved: Sequence[int], strided: bool) -> Choice:
    """Give one choice: which convolutions keep the size, and after which it is halved; what a file states stands."""
    found = []
    for layer, keeps, half in zip(convolutions, same, halved, strict=True):
        padding = layer.weight.shape[2] // 2 if keeps else 0
        stride, pool = (half, 1) if strided else (1, half)
        stated = (padding if layer.padding is None else layer.padding, stride if layer.stride is None else layer.stride)
        found.append((*stated, pool))
    return tuple(found)


def _paddings(layer: Layer) -> tuple[int, ...]:
    if layer.padding is not None:
        return (layer.padding,)
    return tuple(dict.fromkeys((0, layer.weight.shape[2] // 2)))


def _strides(layer: Layer) -> tuple[int, ...]:
    return (1, 2) if layer.stride is None else (layer.stride,)


def _size(convolutions: Sequence[Layer], size: tuple[int, int], choice: Choice) -> tuple[int, ...]:
    """Follow height and width through the convolutions; zeros where nothing is left."""
    sides = list(size)
    for layer, (padding, stride, pool) in zip(convolutions, choice, strict=True):
        kernel = layer.weight.shape[2:]
        sides = [((side + 2 * padding - k) // stride + 1) // pool for side, k in zip(sides, kernel, strict=True)]
        if min(sides) < 1:
            return (0, 0)
    return tuple(sides)


def is_odd(weights: Sequence[Tensor], layout: PoolingLayout) -> bool:
    """Whether a layout is so unusual that another may have been meant; never where a mean over positions follows.

    Parameters
    ----------
    weights
        Weights (C_out, C_in, K, K) of the convolutions, in running order.
    layout
        Padding, stride and pooling of each.
    """
    return not layout.end and _oddity(weights, layout) >= ODD


def pads_some_alone(weights: Sequence[Tensor], layout: PoolingLayout) -> bool:
    """Whether some convolutions pad and others do not, those of 1x1 aside.

    Parameters
    ----------
    weights
        Weights (C_out, C_in, K, K) of the convolutions, in running order.
    layout
        Padding, stride and pooling of each.
    """
    return len(_ways_of_padding(weights, layout)) > 1


def _ways_of_padding(weights: Sequence[Tensor], layout: PoolingLayout) -> set[bool]:
    """Give whether convolutions pad: both where some do alone."""
    return {padding > 0 for padding, weight in zip(layout.padding, weights, strict=True) if weight.shape[2] > 1}


def _oddity(weights: Sequence[Tensor], layout: PoolingLayout) -> int:
    """Count what is unusual: strides, large windows, mixed padding, halving where channels do not grow."""
    grows = [len(second) > len(first) for first, second in pairwise(weights)] + [not layout.end]
    halved = [window > 1 for window in layout.pooling]
    strides = 2 * sum(stride > 1 for stride in layout.stride)
    if layout.end:  # halving by strides is then as common as by pooling
        halved = [pool * stride > 1 for pool, stride in zip(layout.pooling, layout.stride, strict=True)]
        strides = min(strides, 1)
    return (
        strides
        + 3 * sum(window > 2 for window in layout.pooling)
        + len(_ways_of_padding(weights, layout))
        + sum(is_halved != is_growing for is_halved, is_growing in zip(halved, grows, strict=True))
        + 2 * bool(layout.end)
    )
