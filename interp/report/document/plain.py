"""Results to strictly valid JSON values: no NaN, no infinities, no numpy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd


def plain(value: Any) -> Any:
    """Turn a result into what JSON can hold; NaN and infinities become None.

    Examples
    --------
    >>> plain({"a": np.array([1.5, np.nan]), 2: (np.int64(3), None)})
    {'a': [1.5, None], '2': [3, None]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, pd.DataFrame):
        return [plain(row) for row in value.to_dict(orient="records")]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):  # a lone surrogate from a file would make the page unwritable
        return value.encode("utf-8", "replace").decode("utf-8")
    return None if value is pd.NA or value is pd.NaT else _text(value)


def _text(value: Any) -> Any:
    if hasattr(value, "json"):  # a cell of the page
        return plain(value.json())
    return str(value) if isinstance(value, PurePath) else repr(value)
