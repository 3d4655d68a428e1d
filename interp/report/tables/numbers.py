"""Numbers as they look on the page: sensibly rounded, a real minus sign, an en dash for what is missing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

MISSING = "–"  # noqa: RUF001  an en dash: what the reader sees where there is no number


def finite(value: Any) -> bool:
    """Tell whether a value is a number that can be printed.

    Parameters
    ----------
    value
        Any value.

    Examples
    --------
    >>> finite(1.5), finite(float("nan")), finite(True)
    (True, False, False)
    """
    real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return real and math.isfinite(float(value))


def number(value: Any, digits: int = 3) -> str:
    """Print a number to some significant digits.

    Parameters
    ----------
    value
        Number; a dash stands for what is none, or not finite.
    digits
        Number of significant digits.

    Examples
    --------
    >>> number(0.123456), number(12345.6), number(7), number(float("nan"))
    ('0.123', '12,346', '7', '–')
    >>> number(-0.00001234)
    '−1.23e−5'
    >>> number(-0.0)
    '0.000'
    """
    if not finite(value):
        return MISSING
    if isinstance(value, int | np.integer):
        return _minus(f"{value:,d}")
    return _minus(_float(float(value), digits))


def decimals(value: Any, places: int = 2) -> str:
    """Print a number with fixed decimals, so that a column lines up.

    Parameters
    ----------
    value
        Number; a dash stands for what is none, or not finite.
    places
        Number of decimals.

    Examples
    --------
    >>> decimals(0.5), decimals(-0.001), decimals(None)
    ('0.50', '0.00', '–')
    """
    if not finite(value):
        return MISSING
    if abs(float(value)) >= 1e6:
        return number(float(value))
    text = f"{float(value):,.{places}f}"
    return _minus(text) if float(text.replace(",", "")) else text.lstrip("-")


def percent(value: Any, places: int = 1) -> str:
    """Print a share as a percentage.

    Parameters
    ----------
    value
        Share in [0, 1]; a dash stands for what is none, or not finite.
    places
        Number of decimals of the percentage.

    Examples
    --------
    >>> percent(0.9754, 2), percent(float("nan"))
    ('97.54 %', '–')
    """
    return f"{decimals(float(value) * 100, places)} %" if finite(value) else MISSING


def probability(value: Any) -> str:
    """Print a p- or q-value; one below 0.001 as just that.

    Parameters
    ----------
    value
        Probability in [0, 1]; a dash stands for what is none, or not finite.

    Examples
    --------
    >>> probability(0.0312), probability(1e-9), probability(1.0)
    ('0.031', '< 0.001', '1.000')
    """
    if not finite(value):
        return MISSING
    return "< 0.001" if float(value) < 0.001 else f"{float(value):.3f}"


def between(low: str, high: str) -> str:
    """Print an interval from its two printed ends.

    Parameters
    ----------
    low, high
        Ends of the interval as printed.

    Examples
    --------
    >>> between("0.1", "0.3"), between("–", "–")
    ('0.1 to 0.3', '–')
    """
    return MISSING if MISSING in (low, high) else f"{low} to {high}"


def _float(value: float, digits: int) -> str:
    size = abs(value)
    value = value or 0.0  # no -0.00
    if size != 0 and (size < 1e-3 or size >= 1e6):
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    whole = len(str(int(size)))
    return f"{value:,.{max(digits - (whole if size >= 1 else 0), 0)}f}"


def _minus(text: str) -> str:
    return text.replace("-", "−")  # noqa: RUF001  a minus as wide as the digits
