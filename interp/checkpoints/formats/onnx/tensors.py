"""ONNX tensors: in the file, in any of its fields, or in a file beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp.checkpoints.formats.onnx.protobuf import fields, integers
from interp.types import Array

NUMBERS = {
    1: "<f4", 2: "u1", 3: "i1", 4: "<u2", 5: "<i2", 6: "<i4", 7: "<i8", 9: "?", 10: "<f2", 11: "<f8", 12: "<u4",
    13: "<u8",
}  # fmt: skip
"""TensorProto.DataType -> numpy's; strings, complex and packed kinds are left out."""

BFLOAT16, EXTERNAL = 16, 1
FLOAT_DATA, INT32_DATA, INT64_DATA, RAW, DOUBLE_DATA, UINT64_DATA = 4, 5, 7, 9, 10, 11
AS_BITS = {10: "<u2", BFLOAT16: "<u2"}  # halves that the field of 32-bit integers holds as bit patterns

READ_OFTEN = 4  # bytes read from files beside the model over bytes that they hold: tied weights are read twice
READ_MUCH = 100_000_000  # bytes below which reading them again does no harm


def read_tensor(message: bytes, beside: Beside) -> tuple[str, Tensor | None]:
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
        raw: bytes = beside.read(**_said(found)) if last.get(14) == EXTERNAL else last.get(RAW, b"")
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


class Beside:
    """Files in a model's own folder that hold its weights; no more is read than a few times what they hold.

    Parameters
    ----------
    folder
        Folder of the model; files anywhere else are refused.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.sizes: dict[Path, int] = {}
        self.taken = 0  # bytes

    def read(self, location: str, offset: str = "0", length: str | None = None) -> bytes:
        """Read a slice of a file, all from the offset where no length is given.

        Raises
        ------
        ValueError
            If the file is not in the folder or does not hold that slice, or if tensors share its bytes so often that
            all of them would take many times its size.
        """
        path = (self.folder / location).resolve()
        if not path.is_relative_to(self.folder) or not path.is_file():
            raise ValueError(f"weights in {location!r}, which is no file in its folder")
        size = self.sizes.setdefault(path, path.stat().st_size)
        start = int(offset)
        count = size - start if length is None else int(length)
        if not 0 <= start <= start + count <= size:
            raise ValueError(f"{count:,} bytes at {start:,} of a file of {size:,}")
        self.taken += count
        stored = sum(self.sizes.values())
        if self.taken > max(READ_OFTEN * stored, READ_MUCH):
            raise ValueError(f"tensors of over {self.taken:,} bytes in {stored:,} that they share")
        with path.open("rb") as file:
            file.seek(start)
            return bytes(file.read(count))


def _said(found: list[tuple[int, Any]]) -> dict[str, str]:
    """Read where a tensor's values are: location, offset and length."""
    pairs = [dict(fields(value)) for number, value in found if number == 13]
    said = {pair.get(1, b"").decode(): pair.get(2, b"").decode() for pair in pairs}
    return {"location": said.get("location", ""), **{key: said[key] for key in ("offset", "length") if key in said}}
