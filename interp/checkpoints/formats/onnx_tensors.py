"""ONNX tensors: in the file, in any of its fields, or in a file beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp.checkpoints.formats.protobuf import fields, integers
from interp.types import Array

NUMBERS = {
    1: "<f4", 2: "u1", 3: "i1", 4: "<u2", 5: "<i2", 6: "<i4", 7: "<i8", 9: "?", 10: "<f2", 11: "<f8", 12: "<u4",
    13: "<u8",
}  # fmt: skip
"""TensorProto.DataType -> numpy's; strings, complex and packed kinds are left out."""

BFLOAT16, EXTERNAL = 16, 1
FLOAT_DATA, INT32_DATA, INT64_DATA, RAW, DOUBLE_DATA, UINT64_DATA = 4, 5, 7, 9, 10, 11
AS_BITS = {10: "<u2", BFLOAT16: "<u2"}  # halves that the field of 32-bit integers holds as bit patterns


def read_tensor(message: bytes, folder: Path) -> tuple[str, Tensor | None]:
    """Read one TensorProto: (name, tensor), floats in 32 bits and whole numbers in 64; None for other kinds.

    Raises
    ------
    ValueError
        If it holds other than what it declares, or points out of its folder.
    """
    found = list(fields(message))
    last: dict[int, Any] = dict(found)
    name, kind = last.get(8, b"").decode(), last.get(2, 0)
    if kind not in NUMBERS and kind != BFLOAT16:
        return name, None
    shape = [size for number, value in found if number == 1 for size in integers(value)]
    values = _typed(found, kind)
    if values is None:
        raw: bytes = _beside(found, folder) if last.get(14) == EXTERNAL else last.get(RAW, b"")
        values = _from_bytes(raw, kind)
    values = values.reshape(shape)
    return name, torch.from_numpy(values.astype(np.float32 if values.dtype.kind == "f" else np.int64))


def _from_bytes(raw: bytes, kind: int) -> Array:
    if kind == BFLOAT16:  # the upper half of a float of 32 bits
        return (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(raw, NUMBERS[kind])


def _typed(found: list[tuple[int, Any]], kind: int) -> Array | None:
    """Read the fields of one kind each; None where the values are raw."""
    for field, numbers in ((FLOAT_DATA, "<f4"), (DOUBLE_DATA, "<f8")):
        parts = [value for number, value in found if number == field]
        if parts:
            return np.frombuffer(b"".join(parts), numbers)
    for field in (INT32_DATA, INT64_DATA, UINT64_DATA):
        whole = [one for number, value in found if number == field for one in integers(value)]
        if whole:
            array = np.array(whole, np.int64)
            return _from_bytes(array.astype("<u2").tobytes(), kind) if kind in AS_BITS else array
    return None


def _beside(found: list[tuple[int, Any]], folder: Path) -> bytes:
    """Read a slice of a file in the model's own folder; any other place is refused."""
    pairs = [dict(fields(value)) for number, value in found if number == 13]
    said = {pair.get(1, b"").decode(): pair.get(2, b"").decode() for pair in pairs}
    path = (folder / said.get("location", "")).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise ValueError(f"weights in {said.get('location', '')!r}, which is no file in its folder")
    start = int(said.get("offset", "0"))
    length = int(said.get("length", str(path.stat().st_size - start)))
    if not 0 <= start <= start + length <= path.stat().st_size:
        raise ValueError(f"{length:,} bytes at {start:,} of a file of {path.stat().st_size:,}")
    with path.open("rb") as file:
        file.seek(start)
        return bytes(file.read(length))
