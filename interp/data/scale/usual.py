"""Scalings that are usual for inputs, by their printed names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interp.data.scale.by_channel import channel_scaling, colour_scalings, grey_scalings
from interp.data.scale.whole import binary_columns, column_moments, extremes, moments_of_all
from interp.streams import RowsOnDisk
from interp.types import Array, Dataset, Scaling

COUNTED = 2**20
"""Number of bytes that are counted at a time."""


def scalings(data: Dataset) -> dict[str, Scaling]:
    """List the scalings that are usual for such data.

    Bytes are divided by 255, other data by their own maximum; several inputs are raw or standardised. Means
    and standard deviations are those of the training split: for images over all values and to four digits, as papers
    print them, otherwise for each column; where some columns hold 0 and 1 alone, as categories do, they are left as
    they are in one scaling more. Colour images have those of each channel too: the data's own, and what is published
    for CIFAR and ImageNet. Grey ones of bytes, or from 0 to 1, have what is published for MNIST too.

    Parameters
    ----------
    data
        Data set whose training inputs are to be scaled.

    Returns
    -------
    dict of Scaling
        Printed name -> scaling, ``raw`` first.

    Examples
    --------
    >>> from interp.data import load_dataset
    >>> list(scalings(load_dataset("digits")))
    ['raw', 'x/16', '(x/16-0.3054)/0.3761', '(x/16-0.5)/0.5']
    """
    inputs = data.train.inputs
    if data.parts and all(part.whole for part in data.parts):
        return {RAW.name: RAW}
    if data.parts:
        return {RAW.name: RAW, "(x-mean)/std": standardised(data)}
    low, top = extremes(inputs)
    found = [RAW]
    if inputs.dtype == np.uint8 and 16 < top <= 255:
        top = 255.0
    if low >= 0 and top > 1:
        found.append(Scaling(f"x/{top:g}", top))
    if data.image_shape is not None:
        divisor = top if top > 1 else 1.0
        mean, std = _overall_moments(inputs, divisor)
        found += [affine_scaling(divisor, mean, std), affine_scaling(divisor, 0.5, 0.5)]
        if data.image_shape[0] == COLOURS and low >= 0:
            found += colour_scalings(inputs, divisor)
        elif data.image_shape[0] == 1 and low >= 0 and divisor in (1.0, 255.0):
            found += grey_scalings(mean, std, divisor)
    else:
        found.append(standardisation(inputs))
        if (binary := binary_columns(inputs)).any() and not binary.all():
            found.append(_kept(found[-1], binary, BUT_BINARY))
    return {scaling.name: scaling for scaling in found}


RAW = Scaling("raw")

BUT_BINARY = "(x-mean)/std but 0/1"
"""Name of the standardisation of a table that leaves columns of 0 and 1, such as those of categories, as they are."""

COLOURS = 3
"""Number of channels of images in red, green and blue."""


def standardised(data: Dataset) -> Scaling:
    """Make ``(x-mean)/std`` for each column; whole numbers that are no quantities, such as tokens, stay as they are.

    Parameters
    ----------
    data
        Data set whose training inputs have these means and standard deviations.
    """
    scaling = standardisation(data.train.inputs)
    kept = np.array([part.whole for part in data.parts for _ in range(part.width)] or [False] * data.width)
    return _kept(scaling, kept, scaling.name)


def standardised_but_binary(data: Dataset) -> Scaling:
    """Make `BUT_BINARY`: ``(x-mean)/std`` for each column that does not hold 0 and 1 alone.

    Parameters
    ----------
    data
        Data set whose training inputs have these means and standard deviations.
    """
    return _kept(standardised(data), binary_columns(data.train.inputs), BUT_BINARY)


def _kept(scaling: Scaling, kept: Array, name: str) -> Scaling:
    """Give a scaling of that name which leaves some columns, (D,) bool, as they are."""
    return replace(scaling, name=name, mean=np.where(kept, 0.0, scaling.mean), std=np.where(kept, 1.0, scaling.std))


def affine_scaling(divisor: float, mean: float, std: float) -> Scaling:
    """Make the scaling ``(x/divisor-mean)/std`` with the same numbers for all values.

    Parameters
    ----------
    divisor, mean, std
        Numbers of the formula; `divisor` and `std` are not 0.

    Returns
    -------
    Scaling
        Scaling whose name is the formula.

    Examples
    --------
    >>> affine_scaling(255, 0.5, 0.25)(np.array([0.0, 255.0]))
    array([-2.,  2.], dtype=float32)
    """
    return channel_scaling(divisor, mean, std, 1)


def standardisation(inputs: Array) -> Scaling:
    """Make the scaling ``(x-mean)/std`` with numbers of each column.

    Parameters
    ----------
    inputs
        Inputs (S, D).

    Returns
    -------
    Scaling
        Scaling with the means and standard deviations of the columns; constant columns are divided by 1.

    Examples
    --------
    >>> standardisation(np.array([[0.0, 7.0], [4.0, 7.0]]))(np.array([[0.0, 7.0]]))
    array([[-1.,  0.]], dtype=float32)
    """
    mean, std = column_moments(inputs)
    return Scaling("(x-mean)/std", 1.0, mean, np.where(std > 0, std, 1.0))


def _overall_moments(inputs: Array, divisor: float) -> tuple[float, float]:
    if isinstance(inputs, RowsOnDisk):
        mean, std = moments_of_all(*column_moments(inputs))
        return round(mean / divisor, 4), round(std / divisor, 4)
    values, counts = _counted(inputs)
    scaled = values.astype(np.float64) / divisor
    mean = np.average(scaled, weights=counts)
    std = np.sqrt(np.average((scaled - mean) ** 2, weights=counts))
    return round(float(mean), 4), round(float(std), 4)


def _counted(inputs: Array) -> tuple[Array, Array]:
    """Give the distinct values, ascending, and how often each occurs; bytes are counted without sorting them."""
    if inputs.dtype != np.uint8:
        return np.unique(inputs, return_counts=True)
    counts = np.zeros(256, np.int64)
    flat = inputs.reshape(-1)
    for start in range(0, len(flat), COUNTED):
        counts += np.bincount(flat[start : start + COUNTED], minlength=256)
    values = np.flatnonzero(counts)
    return values, counts[values]
