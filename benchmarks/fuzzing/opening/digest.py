"""One digest over all numbers of what was read, to tell whether a damaged file gave others than a sound one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd


def digest_of(found: Any) -> str:
    """Give 16 hexadecimal digits that stand for results: their names, kinds, numbers and texts."""
    digest = hashlib.sha256()
    for part in _parts(found):
        digest.update(part)
    return digest.hexdigest()[:16]


def _parts(found: Any) -> Iterator[bytes]:
    if is_dataclass(found) and not isinstance(found, type):
        yield type(found).__name__.encode()
        yield from _parts({field.name: getattr(found, field.name) for field in fields(found)})
    elif isinstance(found, pd.DataFrame):
        yield from _parts({name: found[name].to_numpy() for name in found.columns})
    elif isinstance(found, Mapping):
        for name, value in found.items():
            yield repr(name).encode()
            yield from _parts(value)
    elif isinstance(found, (tuple, list)):
        yield str(len(found)).encode()
        for value in found:
            yield from _parts(value)
    elif isinstance(found, np.ndarray) and found.dtype != object:
        yield f"{found.dtype}{found.shape}".encode()
        yield np.ascontiguousarray(found).tobytes()
    else:
        yield repr(found.tolist() if isinstance(found, np.ndarray) else found).encode()
