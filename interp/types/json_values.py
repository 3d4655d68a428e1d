"""Results as JSON values, by one rule for files, settings and what the program prints."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from interp.types.annotations.frames import is_of_pandas, pd

PLAIN = (str, float, int, bool)


def as_json(value: Any, exact: bool = False) -> Any:
    """Turn a result into dicts, lists, text, numbers, booleans and None.

    Parameters
    ----------
    value
        Any nesting of dataclasses, mappings, sequences, tables (a list of rows), arrays and scalars.
    exact
        Whether values are read back by this program: NaN, infinities and text that is no valid UTF-8 then stay as
        Python writes them, and what has no JSON value is refused. Otherwise the result is strictly valid JSON: NaN
        and infinities become None, odd text is replaced, and anything else becomes its `repr`.

    Returns
    -------
    object
        Dicts, lists, text, numbers, booleans and None.

    Raises
    ------
    TypeError
        If `exact` is set and something has no JSON value.

    Examples
    --------
    >>> as_json({"a": np.array([1.5, np.nan]), 2: (np.int64(3), None)})
    {'a': [1.5, None], '2': [3, None]}
    >>> as_json((np.float32(0.5), float("inf")), exact=True)
    [0.5, inf]
    >>> as_json(pd.array([1, pd.NA]))
    [1, None]
    """
    if value is None or type(value) in PLAIN:  # most of a large result; asking what else it might be takes longest
        return _scalar(value, exact)
    if isinstance(value, Mapping):
        return {_text(str(key), exact): as_json(part, exact) for key, part in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name), exact) for field in fields(value)}
    if is_of_pandas(value):
        return _of_pandas(value, exact)
    if isinstance(value, np.ndarray):
        return as_json(value.tolist(), exact)
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(part, exact) for part in value]
    return _scalar(value.item() if isinstance(value, np.generic) else value, exact)


def _of_pandas(value: Any, exact: bool) -> Any:
    if isinstance(value, pd.DataFrame):
        return as_json(value.to_dict(orient="records"), exact)
    if isinstance(value, pd.api.extensions.ExtensionArray):
        return as_json(value.tolist(), exact)
    return None if value is pd.NA or value is pd.NaT else _scalar(value, exact)


def _scalar(value: Any, exact: bool) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if exact or math.isfinite(value) else None
    if isinstance(value, str):
        return _text(value, exact)
    if exact:
        raise TypeError(f"{type(value).__name__} is not JSON serializable")
    return _text(str(value) if isinstance(value, PurePath) else repr(value), exact)


def _text(value: str, exact: bool) -> str:
    """Replace lone surrogates, as names of files may hold: no UTF-8 writer takes them."""
    return value if exact or value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
