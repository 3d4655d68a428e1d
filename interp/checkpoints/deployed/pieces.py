"""Pieces of a graph that ONNX Runtime runs, as modules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import handle_torch_function, has_torch_function

from interp.checkpoints.deployed.packages import session
from interp.errors import DataError, first_line
from interp.types import Array

AS_FLOATS = ("tensor(float16)", "tensor(double)")
KINDS = {
    "tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64, "tensor(int8)": np.int8,
    "tensor(int16)": np.int16, "tensor(int32)": np.int32, "tensor(int64)": np.int64, "tensor(uint8)": np.uint8,
    "tensor(uint16)": np.uint16, "tensor(uint32)": np.uint32, "tensor(uint64)": np.uint64, "tensor(bool)": np.bool_,
}  # fmt: skip
"""Type of a value as ONNX Runtime names it -> numpy's."""


@dataclass(frozen=True)
class Rows:
    """One value of the network for all samples.

    Attributes
    ----------
    joined
        Values of all samples, one after the other on axis 0.
    sizes
        Length of each sample's part on axis 0; None where all samples ran at once.
    is_number
        Whether the value of one sample is a single number, without axes.
    """

    joined: Tensor
    sizes: tuple[int, ...] | None = None
    is_number: bool = False

    def parts(self) -> list[Tensor]:
        """List the values of the samples."""
        if self.sizes is None:
            return [self.joined]
        found = torch.split(self.joined, list(self.sizes))
        return [one.reshape(()) for one in found] if self.is_number else list(found)


class Piece(nn.Module):
    """Part of an ONNX graph, run in ONNX Runtime; without parameters, and without gradients.

    Parameters
    ----------
    model
        Model of that part alone, as bytes.
    """

    has_gradients = False

    def __init__(self, model: bytes) -> None:
        super().__init__()
        self.model = model
        self._session: Any = None

    @property
    def session(self) -> Any:
        """Session that runs the piece, made when it is first needed."""
        if self._session is None:
            self._session = session(self.model)
        return self._session

    def __deepcopy__(self, memo: Any) -> Piece:
        """Share the piece: it has no state."""
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_session": None}

    def forward(self, *values: Rows) -> list[Rows]:
        """Run the piece on values of all samples, one sample after the other where they are apart."""
        found = in_onnxruntime(self, values, *(value.joined for value in values))
        return [Rows(*one) for one in found]

    def run(self, values: Sequence[Tensor]) -> list[Array]:
        """Run the piece once."""
        given = {}
        for said, value in zip(self.session.get_inputs(), values, strict=True):
            given[said.name] = _as_kind(value, said.type)
        try:
            found: list[Array] = self.session.run(None, given)
        except Exception as error:  # ONNX Runtime has an exception for each way to fail
            raise DataError(
                "ONNX Runtime",
                found=f"a piece of the graph that fails ({first_line(error)})",
                expected="inputs that it takes",
                do="check shapes and types of the data",
            ) from error
        return found


def _as_kind(value: Tensor, kind: str) -> Array:
    array = value.detach().cpu().contiguous().numpy()
    wanted = KINDS.get(kind)
    return array if wanted is None or array.dtype == wanted else array.astype(wanted)


def in_onnxruntime(piece: Piece, values: Sequence[Rows], *tensors: Tensor) -> list[tuple[Any, ...]]:
    """Run a piece as a function of tensors, so that whoever follows torch's functions sees it.

    Parameters
    ----------
    piece
        Part of a graph.
    values
        Places of the samples in each tensor.
    *tensors
        Values of all samples.

    Returns
    -------
    list of tuple
        Outputs, each as values of all samples, lengths of the samples' parts, and whether a part is one number.
    """
    if has_torch_function(tensors):
        made: list[tuple[Any, ...]] = handle_torch_function(in_onnxruntime, tensors, piece, values, *tensors)
        return made
    given = [Rows(one, value.sizes, value.is_number).parts() for one, value in zip(tensors, values, strict=True)]
    if not values or values[0].sizes is None:
        return [(_tensor(one), None, False) for one in piece.run([parts[0] for parts in given])]
    each = [piece.run(sample) for sample in zip(*given, strict=True)]
    return [_joined([_tensor(one) for one in found]) for found in zip(*each, strict=True)]


def rows_of(each: Sequence[Array], apart: bool) -> Rows:
    """Put values that ONNX Runtime gave together as a network holds them.

    Parameters
    ----------
    each
        Value of each sample, or one value of all samples.
    apart
        Whether samples run one after the other.
    """
    return Rows(*_joined([_tensor(one) for one in each])) if apart else Rows(_tensor(each[0]))


def _tensor(values: Any) -> Tensor:
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiub":
        raise DataError(
            "ONNX Runtime",
            found=f"a value of type {type(values).__name__} between layers",
            expected="tensors of numbers",
            do="pass your own class with --model",
        )
    if values.dtype.kind == "u" and values.dtype.itemsize > 1:
        values = values.astype(np.int64)
    return torch.from_numpy(np.ascontiguousarray(values)).reshape(values.shape)


def _joined(parts: Sequence[Tensor]) -> tuple[Any, ...]:
    """Put the values of the samples one after the other on axis 0."""
    if parts[0].dim() == 0:
        return torch.stack(list(parts)), (1,) * len(parts), True
    if len({part.shape[1:] for part in parts}) > 1:
        raise DataError(
            "ONNX Runtime",
            found=f"values of shapes {tuple(parts[0].shape)} and others in different samples",
            expected="one shape for all samples",
            do="give samples of one length",
        )
    return torch.cat(list(parts)), tuple(len(part) for part in parts), False
