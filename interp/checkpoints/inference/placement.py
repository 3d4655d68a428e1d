"""Where padding, stride and pooling may stand in a stack of convolutions: what the shapes leave open.

A state dict of a convolutional network tells neither. But its first dense layer reads a known number of
values, and few placements lead from the image to that number; data decide between those. Where each channel is
averaged over its positions at the end, any placement closes: the usual ones are tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise, product
from math import prod

from interp.checkpoints.inference.order import in_groups, with_groups
from interp.checkpoints.inference.stacked import USE_MODEL, Layer
from interp.errors import CheckpointError
from interp.network.inputs import IMAGE_SIDES
from interp.types import Dataset

MOST = 8  # placements handed on for data to choose from
MOST_OPEN = 64  # the same where no number of values says which close
MOST_FREE = 4  # convolutions whose padding, stride and pooling are all tried; in deeper stacks they are uniform
MOST_CONVOLUTIONS = 14
MOST_OPEN_CONVOLUTIONS = 10

Choice = tuple[tuple[int, int, int], ...]
"""(padding, stride, pooling) of every convolution."""


@dataclass(frozen=True)
class Placement:
    """One way from an image to the first dense layer, or to the scores; a value a convolution.

    Attributes
    ----------
    image
        (channels, height, width).
    pooling
        Side of the pooling window, which is its stride; 1 for none.
    end
        What each channel becomes after the last convolution: its ``mean`` or ``max`` over all positions, or
        nothing but flat.
    kind
        ``max`` or ``avg``.
    """

    image: tuple[int, int, int]
    padding: tuple[int, ...]
    stride: tuple[int, ...]
    pooling: tuple[int, ...]
    end: str = ""
    kind: str = "max"

    def __str__(self) -> str:
        """Say it in words."""
        pooled = f"{self.kind} pooling {_list(self.pooling)}" if max(self.pooling) > 1 else "no pooling"
        end = f", {self.end} over positions" if self.end else ""
        return f"padding {_list(self.padding)}, stride {_list(self.stride)}, {pooled}{end}"

    @property
    def variants(self) -> tuple[Placement, ...]:
        """The same place with every kind of pooling that would make a difference, the usual first."""
        kinds = ("max", "avg") if max(self.pooling) > 1 else ("max",)
        ends = ("mean", "max") if self.end else ("",)
        return tuple(replace(self, end=end, kind=kind) for end, kind in product(ends, kinds))

    @property
    def shows(self) -> bool:
        """Whether a place that is right shows under this variant: where it closes, max pooling stands for the mean."""
        return self.end == "mean" or (not self.end and self.kind == "max")


@dataclass(frozen=True)
class Places:
    """Placements that lead from an image to the scores.

    Attributes
    ----------
    tried
        Those handed on, the most usual first.
    found
        How many there are, of those that were looked at.
    """

    tried: list[Placement]
    found: int

    @property
    def note(self) -> str:
        """Say where not all were handed on."""
        return f"the {len(self.tried)} most usual of {self.found:,} were tried" if len(self.tried) < self.found else ""


def placements(layers: Sequence[Layer], image: tuple[int, int, int]) -> Places:
    """List the placements that lead from an image to the first dense layer, or to one score a class.

    Parameters
    ----------
    layers
        Convolutions, then any dense layers.
    image
        (channels, height, width) of one input.
    """
    convolutions = [layer for layer in layers if layer.is_convolution]
    channels = len(convolutions[-1].weight)
    inputs = channels if len(convolutions) == len(layers) else layers[len(convolutions)].weight.shape[1]
    closing, open_ended = [], []
    for choice in _choices(convolutions):
        if inputs == channels * prod(_size(convolutions, image[1:], choice)):
            closing.append(_placement(image, choice))
    for choice in _open_choices(convolutions) if inputs == channels else ():
        if prod(_size(convolutions, image[1:], choice)) > 1:
            open_ended.append(_placement(image, choice, "mean"))
    usual = partial(sorted, key=lambda placement: _oddity(convolutions, placement))
    tried = usual(usual(closing)[:MOST] + usual(open_ended)[:MOST_OPEN])
    return Places(tried, len(closing) + len(open_ended))


def _placement(image: tuple[int, int, int], choice: Choice, end: str = "") -> Placement:
    padding, stride, pooling = zip(*choice, strict=True)
    return Placement(image, padding, stride, pooling, end)


def image_placements(
    layers: Sequence[Layer], data: Dataset | None, path: object
) -> tuple[list[Layer], tuple[int, int, int], Places]:
    """Give the layers with the groups that such images ask for, the shape of the images, and what fits them.

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
            expected="one score a class",
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
        fitting = _reading(layers, size[0])
        fits = fitting is not None and (data is None or prod(size) == data.width)
        if fitting is not None and fits and (found := placements(fitting, size)).tried:
            return fitting, size, found
    raise CheckpointError(
        path,
        found=f"convolutions that lead no image of {sizes[0] if data else f'{channels} channels'} to {_goal(layers)}",
        expected="a chain of convolution, pooling and dense layers, with its own data",
        do=USE_MODEL,
    )


def _reading(layers: Sequence[Layer], channels: int) -> list[Layer] | None:
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
        return f"the {len(layers[-1].weight)} scores of {layers[-1].name}"
    return f"the {dense.weight.shape[1]} inputs of {dense.name}"


# --------------------------------------------------------------------------- choices


def _choices(convolutions: Sequence[Layer]) -> Iterator[Choice]:
    """Yield what may lead to a number of values that is known."""
    if len(convolutions) > MOST_CONVOLUTIONS:
        return
    if len(convolutions) <= MOST_FREE:
        options = [list(product(_paddings(layer), _strides(layer), (2, 1, 3))) for layer in convolutions]
        yield from product(*options)
        return
    for same in (True, False):
        for pooling in product((1, 2), repeat=len(convolutions)):
            yield _uniform(convolutions, (same,) * len(convolutions), pooling, strided=False)


def _open_choices(convolutions: Sequence[Layer]) -> Iterator[Choice]:
    """Yield placements with one way of padding, but for the last convolution, and one of halving."""
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


def _oddity(convolutions: Sequence[Layer], placement: Placement) -> int:
    """Count what is unusual: strides, large windows, mixed padding, halving where channels do not grow."""
    grows = [len(second.weight) > len(first.weight) for first, second in pairwise(convolutions)] + [not placement.end]
    halved = [window > 1 for window in placement.pooling]
    strides = 2 * sum(stride > 1 for stride in placement.stride)
    if placement.end:  # what is halved by strides is as usual as what is pooled
        halved = [pool * stride > 1 for pool, stride in zip(placement.pooling, placement.stride, strict=True)]
        strides = min(strides, 1)
    same = [padding > 0 for padding, la in zip(placement.padding, convolutions, strict=True) if la.weight.shape[2] > 1]
    return (
        strides
        + 3 * sum(window > 2 for window in placement.pooling)
        + len(set(same))
        + sum(is_halved != is_growing for is_halved, is_growing in zip(halved, grows, strict=True))
        + 2 * bool(placement.end)
    )


def _list(values: Sequence[int]) -> str:
    return "-".join(map(str, values))
