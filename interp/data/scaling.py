"""The ways in which inputs are usually scaled, by their printed names."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from interp.errors import UsageError
from interp.types import Array, Dataset, Scaling


def scalings(data: Dataset) -> dict[str, Scaling]:
    """List the scalings that people use for such data, by printed name.

    Bytes are divided by 255; other data by their own maximum; several inputs are raw or standardised. Means
    and standard deviations are the training split's, over all values for images and per column otherwise, to
    four digits as printed in papers.
    """
    inputs = data.train.inputs
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
    """Make ``(x-mean)/std`` per column; what stands for itself, such as tokens, stays."""
    scaling = standardisation(data.train.inputs)
    kept = np.array([part.whole for part in data.parts for _ in range(part.width)] or [False] * data.width)
    return replace(scaling, mean=np.where(kept, 0.0, scaling.mean), std=np.where(kept, 1.0, scaling.std))


def affine_scaling(divisor: float, mean: float, std: float) -> Scaling:
    """Make ``(x/divisor-mean)/std`` with scalar numbers."""
    inner = f"x/{divisor:g}" if divisor != 1 else "x"
    return Scaling(
        f"({inner}-{mean:g})/{std:g}", divisor, np.float32(mean) * np.ones(()), np.float32(std) * np.ones(())
    )


def standardisation(inputs: Array) -> Scaling:
    """Make ``(x-mean)/std`` per column; constant columns keep their scale."""
    mean, std = inputs.mean(axis=0, dtype=np.float64), inputs.std(axis=0, dtype=np.float64)
    return Scaling("(x-mean)/std", 1.0, mean, np.where(std > 0, std, 1.0))


def parse_scaling(text: str, data: Dataset | None) -> Scaling:
    """Read a scaling as the user writes it.

    Parameters
    ----------
    text
        ``raw``, ``x/A``, ``(x/A-B)/C``, ``(x-B)/C`` or ``(x-mean)/std``.
    data
        Gives the numbers of ``(x-mean)/std``.

    Raises
    ------
    UsageError
        If `text` has another form, or divides by zero.
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
    values, counts = np.unique(inputs, return_counts=True)
    scaled = values.astype(np.float64) / divisor
    mean = np.average(scaled, weights=counts)
    std = np.sqrt(np.average((scaled - mean) ** 2, weights=counts))
    return round(float(mean), 4), round(float(std), 4)
