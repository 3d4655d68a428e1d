"""A scaling as the user writes it -> Scaling."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from interp.data.scale.by_channel import Numbers, channel_scaling
from interp.data.scale.usual import BUT_BINARY, RAW, affine_scaling, standardised, standardised_but_binary
from interp.errors import UsageError
from interp.types import Dataset, Scaling

NUMBER = r"([0-9.]+(?:e[+-]?[0-9]+)?)"
NUMBERS = r"([0-9.]+(?:e[+-]?[0-9]+)?|\[[0-9.,e+-]+\])"
FORMS = f"raw, x/A, (x/A-B)/C, (x/A+B)/C, (x/A-[B,B,B])/[C,C,C], (x-mean)/std or {BUT_BINARY}"


def parse_scaling(text: str, data: Dataset | None) -> Scaling:
    """Read a scaling as the user writes it.

    Parameters
    ----------
    text
        ``raw``, ``x/A``, ``(x/A-B)/C``, ``(x-B)/C``, ``(x+B)/C``, ``(x-mean)/std``, or `BUT_BINARY` for tables; B and C
        may be lists in brackets, with a number for each channel of images, or for each column.
    data
        Data set with the means and standard deviations of ``(x-mean)/std``, or with the channels that lists are for;
        None where there is none.

    Returns
    -------
    Scaling
        Scaling with these numbers.

    Raises
    ------
    UsageError
        If `text` has another form, divides by zero, or needs data where there are none or of other channels.

    Examples
    --------
    >>> parse_scaling("(x/255 - 0.5)/0.5", None).name
    '(x/255-0.5)/0.5'
    """
    compact = text.replace(" ", "")
    if compact in ("raw", "x"):
        return RAW
    if compact == "(x-mean)/std" and data is not None:
        return standardised(data)
    if compact == BUT_BINARY.replace(" ", "") and data is not None and not data.parts:
        return standardised_but_binary(data)
    if data is not None and any(part.whole for part in data.parts):
        raise UsageError(
            "--scaling",
            found=repr(text),
            expected="raw or (x-mean)/std beside inputs of whole numbers, which are not scaled",
            do="scale the others in the file",
        )
    found = _formula(compact)
    if found is None or not _is_usable(*found):
        raise UsageError("--scaling", found=repr(text), expected=FORMS, do="for example --scaling x/255")
    divisor, mean, std = found
    if std is None:
        return Scaling(f"x/{divisor:g}", divisor)
    if isinstance(mean, float) and isinstance(std, float):
        return affine_scaling(divisor, mean, std)
    lengths = {len(one) for one in (mean, std) if not isinstance(one, float)}
    return channel_scaling(divisor, mean, std, _positions(text, lengths, data))


def _formula(compact: str) -> tuple[float, float | Numbers, float | Numbers | None] | None:
    """Give the numbers of a formula, without a standard deviation those of ``x/A``; None for any other text."""
    simple = re.fullmatch(rf"x/{NUMBER}", compact)
    full = re.fullmatch(rf"\(x(?:/{NUMBER})?([+-]){NUMBERS}\)/{NUMBERS}", compact)
    try:
        if simple:
            return float(simple[1]), 0.0, None
        return (float(full[1] or 1), _numbers(full[3], full[2] == "+"), _numbers(full[4])) if full else None
    except ValueError:  # two dots in a number
        return None


def _numbers(text: str, is_added: bool = False) -> float | Numbers:
    """Read one number or a list; a mean that is added is its negative."""
    sign = -1.0 if is_added else 1.0
    return [sign * float(one) for one in text[1:-1].split(",")] if text.startswith("[") else sign * float(text)


def _is_usable(divisor: float, mean: float | Numbers, std: float | Numbers | None) -> bool:
    divisors = np.atleast_1d([] if std is None else std)
    return 0 < divisor < np.inf and bool(np.all((divisors > 0) & np.isfinite(divisors)) and np.isfinite(mean).all())


def _positions(text: str, lengths: Sequence[int] | set[int], data: Dataset | None) -> int:
    """Give the number of values of each channel, or 1 where numbers are those of columns."""
    counts = {} if data is None else {(data.image_shape or (0,))[0]: data.width, data.width: data.width}
    known = {count: width // count for count, width in counts.items() if count}
    if len(lengths) == 1 and (length := next(iter(lengths))) in known:
        return known[length]
    channels = " or ".join(f"{count:,}" for count in known) or "data with channels"
    raise UsageError(
        "--scaling",
        found=f"{text!r}, numbers of {' and of '.join(map(str, sorted(lengths)))} channels",
        expected=f"{channels}, as {data.name} has" if data is not None else channels,
        do="give a number for each channel, or one for all",
    )
