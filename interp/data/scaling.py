"""Scalings that are usual for inputs, by their printed names."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from interp.errors import UsageError
from interp.types import Array, Dataset, Scaling

COUNTED = 2**20
"""Number of bytes that are counted at a time."""


def scalings(data: Dataset) -> dict[str, Scaling]:
    """List the scalings that are usual for such data.

    Bytes are divided by 255, other data by their own maximum; several inputs are raw or standardised. Means
    and standard deviations are those of the training split: for images over all values and to four digits, as papers
    print them, otherwise for each column.

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
        return {RAW.name: RAW, "(x-mean)/std": _standardised(data)}
    top = float(inputs.max())
    found = [RAW]
    if inputs.dtype == np.uint8 and 16 < top <= 255:
        top = 255.0
    if inputs.min() >= 0 and top > 1:
        found.append(Scaling(f"x/{top:g}", top))
    if data.image_shape is not None:
        divisor = top if top > 1 else 1.0
        mean, std = _overall_moments(inputs, divisor)
        found += [affine_scaling(divisor, mean, std), affine_scaling(divisor, 0.5, 0.5)]
    else:
        found.append(standardisation(inputs))
    return {scaling.name: scaling for scaling in found}


RAW = Scaling("raw")


def _standardised(data: Dataset) -> Scaling:
    """Make ``(x-mean)/std`` for each column; whole numbers that are no quantities, such as tokens, stay as they are."""
    scaling = standardisation(data.train.inputs)
    kept = np.array([part.whole for part in data.parts for _ in range(part.width)] or [False] * data.width)
    return replace(scaling, mean=np.where(kept, 0.0, scaling.mean), std=np.where(kept, 1.0, scaling.std))


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
    inner = f"x/{divisor:g}" if divisor != 1 else "x"
    return Scaling(
        f"({inner}-{mean:g})/{std:g}", divisor, np.float32(mean) * np.ones(()), np.float32(std) * np.ones(())
    )


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
    mean, std = inputs.mean(axis=0, dtype=np.float64), inputs.std(axis=0, dtype=np.float64)
    return Scaling("(x-mean)/std", 1.0, mean, np.where(std > 0, std, 1.0))


def parse_scaling(text: str, data: Dataset | None) -> Scaling:
    """Read a scaling as the user writes it.

    Parameters
    ----------
    text
        ``raw``, ``x/A``, ``(x/A-B)/C``, ``(x-B)/C`` or ``(x-mean)/std``.
    data
        Data set with the means and standard deviations of ``(x-mean)/std``; None where there is none.

    Returns
    -------
    Scaling
        Scaling with these numbers.

    Raises
    ------
    UsageError
        If `text` has another form, divides by zero, or needs data where there are none.

    Examples
    --------
    >>> parse_scaling("(x/255 - 0.5)/0.5", None).name
    '(x/255-0.5)/0.5'
    """
    compact = text.replace(" ", "")
    if compact in ("raw", "x"):
        return RAW
    if compact == "(x-mean)/std" and data is not None:
        return _standardised(data)
    if data is not None and any(part.whole for part in data.parts):
        raise UsageError(
            "--scaling",
            found=repr(text),
            expected="raw or (x-mean)/std beside inputs of whole numbers, which are not scaled",
            do="scale the others in the file",
        )
    number = r"([0-9.]+(?:e-?[0-9]+)?)"
    simple = re.fullmatch(rf"x/{number}", compact)
    full = re.fullmatch(rf"\(x(?:/{number})?-{number}\)/{number}", compact)
    try:
        if simple and 0 < float(simple[1]) < np.inf:
            return Scaling(f"x/{float(simple[1]):g}", float(simple[1]))
        if full and all(0 < float(part) < np.inf for part in (full[1] or 1, full[3])):
            return affine_scaling(float(full[1] or 1), float(full[2]), float(full[3]))
    except ValueError:
        pass  # two dots in a number: falls through to the error
    raise UsageError(
        "--scaling", found=repr(text), expected="raw, x/A, (x/A-B)/C or (x-mean)/std", do="for example --scaling x/255"
    )


def _overall_moments(inputs: Array, divisor: float) -> tuple[float, float]:
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
