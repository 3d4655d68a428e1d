"""Scalings with numbers of each channel, or each column: those that others publish, and the data's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from interp.data.scale.whole import column_moments, moments_of_all
from interp.streams import RowsOnDisk
from interp.types import Array, Scaling

Numbers = Sequence[float]

PUBLISHED: dict[str, tuple[Numbers, Numbers]] = {
    "CIFAR-10": ((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)),
    "CIFAR-10, spread within images": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.201)),
    "CIFAR-100": ((0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)),
    "ImageNet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
"""Data set -> means and standard deviations of red, green and blue that are commonly used with it, in [0, 1]."""

GREY = (0.1307, 0.3081)
"""Mean and standard deviation of MNIST in [0, 1], which programs for other grey images have kept from examples."""

ALIKE = 0.02
"""Largest difference, in standard deviations, between numbers of which only the published ones are tried."""


def channel_scaling(divisor: float, mean: float | Numbers, std: float | Numbers, positions: int) -> Scaling:
    """Make the scaling ``(x/divisor-[...])/[...]`` with numbers of each channel.

    Parameters
    ----------
    divisor
        Number that all values are divided by first, not 0.
    mean, std
        Numbers of each channel, or one for all; no `std` is 0.
    positions
        Number of values of one channel, which lie beside each other: height times width, or 1 for columns.

    Returns
    -------
    Scaling
        Scaling whose name is the formula.

    Examples
    --------
    >>> scaling = channel_scaling(255, (0.5, 0.0), 0.5, 2)
    >>> scaling.name, scaling(np.array([[255, 0, 255, 0]]))
    ('(x/255-[0.5,0])/0.5', array([[ 1., -1.,  2.,  0.]], dtype=float32))
    """
    return Scaling(formula(divisor, mean, std), divisor, _spread(mean, positions), _spread(std, positions))


def formula(divisor: float, mean: float | Numbers, std: float | Numbers) -> str:
    """Write a scaling as a user does; one mean below 0 is added.

    Parameters
    ----------
    divisor, mean, std
        Numbers of the formula; those of each channel in a list.

    Examples
    --------
    >>> formula(255, 0.5, 0.25), formula(1, -0.5, 2), formula(1, [-0.5, 0], 2)
    ('(x/255-0.5)/0.25', '(x+0.5)/2', '(x-[-0.5,0])/2')
    """
    inner = f"x/{divisor:g}" if divisor != 1 else "x"
    shift = f"+{_printed(-mean)}" if isinstance(mean, float | int) and mean < 0 else f"-{_printed(mean)}"
    return f"({inner}{shift})/{_printed(std)}"


def colour_scalings(inputs: Array, divisor: float) -> Iterator[Scaling]:
    """Yield the scalings by channel that are usual for colour images: published ones, and the images' own.

    Parameters
    ----------
    inputs
        Images (S, 3 * positions), channel after channel.
    divisor
        Number that brings them to [0, 1].
    """
    positions = inputs.shape[1] // 3
    for mean, std in PUBLISHED.values():
        yield channel_scaling(divisor, mean, std, positions)
    own = _moments(inputs, divisor)
    if not any(_alike(own, published) for published in PUBLISHED.values()):
        yield channel_scaling(divisor, *own, positions)


def grey_scalings(mean: float, std: float, divisor: float) -> Iterator[Scaling]:
    """Yield the scaling that is published for grey images, where it differs from that by the images' own numbers.

    Parameters
    ----------
    mean, std
        Mean and standard deviation of the images themselves, in [0, 1].
    divisor
        Number that brings them to [0, 1].

    Examples
    --------
    >>> [scaling.name for scaling in grey_scalings(0.286, 0.353, 255)], list(grey_scalings(0.1309, 0.3084, 255))
    (['(x/255-0.1307)/0.3081'], [])
    """
    if not _alike((mean, std), GREY):
        yield channel_scaling(divisor, *GREY, 1)


def _moments(inputs: Array, divisor: float) -> tuple[Numbers, Numbers]:
    """Give mean and standard deviation of each of three channels, to four digits; those of one value are 1."""
    if isinstance(inputs, RowsOnDisk):
        parts = [
            moments_of_all(*one) for one in zip(*(np.split(part, 3) for part in column_moments(inputs)), strict=True)
        ]
        return [round(mean / divisor, 4) for mean, _ in parts], [round(std / divisor, 4) or 1.0 for _, std in parts]
    channels = np.split(inputs, 3, axis=1)
    mean = [round(float(one.mean(dtype=np.float64)) / divisor, 4) for one in channels]
    std = [round(float(one.std(dtype=np.float64)) / divisor, 4) or 1.0 for one in channels]
    return mean, std


def _alike(first: tuple[float | Numbers, float | Numbers], second: tuple[float | Numbers, float | Numbers]) -> bool:
    scale = np.asarray(second[1])
    return all(bool(np.all(np.abs(np.subtract(a, b)) <= ALIKE * scale)) for a, b in zip(first, second, strict=True))


def _printed(numbers: float | Numbers) -> str:
    """Write numbers; a 0 has no sign."""
    if isinstance(numbers, float | int):
        return f"{numbers + 0.0:g}"
    return f"[{','.join(map(_printed, numbers))}]"


def _spread(numbers: float | Numbers, positions: int) -> Array:
    """Give one number as it is, numbers of each channel once for each of its values."""
    if isinstance(numbers, float | int):
        return np.float32(numbers) * np.ones(())
    return np.repeat(np.asarray(numbers, np.float32), positions)
