"""Samples that a graph is tried on before it is cut: the first two of the data, or drawn ones of the shapes stated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from interp.checkpoints.deployed.program import Input
from interp.checkpoints.formats.onnx.tensors import NUMBERS
from interp.checkpoints.graph.steps import stated_shapes
from interp.data.assemble import INPUT_KEYS
from interp.errors import DataError, UsageError
from interp.types import Array, Dataset

SIDES = (32, 64, 48, 224, 256, 512, 1024)
"""Lengths that are tried for an axis that the file leaves open, where there are no data."""

SAMPLES = 2


def examples(inputs: Sequence[Input], data: Dataset | None, path: object) -> Iterator[tuple[Array, ...]]:
    """Yield two samples of each input (2, ...), in one possible shape after the other.

    Raises
    ------
    DataError
        If the data hold other inputs than the graph has.
    UsageError
        If there are several inputs and no data.
    """
    if data is None and len(inputs) > 1:
        names = ", ".join(one.name for one in inputs)
        raise UsageError(
            str(path),
            found=f"a graph of {len(inputs)} inputs without data",
            expected=f"data with arrays {names}"[:300],
            do="pass --data with an .npz of them",
        )
    if data is None:
        for shape in _stated_shapes(inputs[0]):
            drawn = np.random.default_rng(0).random((SAMPLES, *shape))
            yield ((drawn if inputs[0].kind in (1, 10, 11) else np.ones_like(drawn)).astype(np.float32),)
        return
    rows = np.asarray(data.train.inputs[:SAMPLES], np.float32)
    rows = rows if len(rows) == SAMPLES else np.concatenate([rows, rows])
    if data.parts:
        yield tuple(_columns(inputs, data, rows, path))
        return
    if len(inputs) > 1:
        raise DataError(
            data.name,
            found="one array",
            expected=f"arrays {', '.join(one.name for one in inputs)}"[:300],
            do=f"name them so in an .npz, with _train and _test behind{_but(inputs)}",
        )
    for shape in _shapes_of(inputs[0], data):
        if is_turned(shape, data):
            assert data.image_shape is not None
            yield (np.ascontiguousarray(np.moveaxis(rows.reshape(SAMPLES, *data.image_shape), 1, -1)),)
        else:
            yield (rows.reshape(SAMPLES, *shape),)


def _but(inputs: Sequence[Input]) -> str:
    """Say what to name inputs instead that are called as the one array of data is, so that others are left out."""
    taken = [one.name for one in inputs if one.name in INPUT_KEYS]
    return f", but none {', '.join(taken)}: by other names they are taken in this order" if taken else ""


def is_turned(shape: tuple[int, ...], data: Dataset | None) -> bool:
    """Tell whether one sample is an image of the data with its channels last, which rows of data hold first."""
    if data is None or data.parts or data.image_shape is None:
        return False
    image = data.image_shape
    return image[0] > 1 and shape != image and shape == (*image[1:], image[0])


def _columns(inputs: Sequence[Input], data: Dataset, rows: Array, path: object) -> list[Array]:
    """Give each input its columns, by name or in order."""
    ends = np.cumsum([0, *(part.width for part in data.parts)])
    own = {
        part.name: rows[:, start:end].reshape(SAMPLES, *part.shape)
        for part, start, end in zip(data.parts, ends, ends[1:], strict=False)
    }
    names = [one.name for one in inputs]
    if len(own) != len(names):
        raise DataError(
            data.name,
            found=f"inputs {', '.join(own)}",
            expected=f"the inputs of {path}: {', '.join(names)}",
            do="name the arrays as the file names its inputs",
        )
    return [own[name] for name in names] if set(names) == set(own) else list(own.values())


def _shapes_of(said: Input, data: Dataset) -> Iterator[tuple[int, ...]]:
    """Yield shapes of one sample of so many values that the file's sizes allow."""
    width = data.width
    image = data.image_shape
    tried: list[tuple[int, ...]] = [*([image, image[1:], (*image[1:], image[0])] if image else []), (width,)]
    tried = [*([data.sample_shape] if data.sample_shape else []), *tried]
    if said.sizes is not None:  # what the data say of their shape comes before lengths that are filled in
        tried = [*tried[:-1], _filled(said.sizes[1:], width), tried[-1], _filled(said.sizes, width)]
    for shape in dict.fromkeys(tried):
        if prod(shape) == width and _allowed(shape, said):
            yield shape


def _filled(sizes: Sequence[int | None], width: int) -> tuple[int, ...]:
    """Fill in lengths that are open: the one, or several of one length."""
    known, open_axes = prod(size for size in sizes if size), sum(size is None for size in sizes)
    side = round((width / max(known, 1)) ** (1 / max(open_axes, 1)))
    return tuple(side if size is None else size for size in sizes)


def _allowed(shape: tuple[int, ...], said: Input) -> bool:
    if said.sizes is None:
        return True
    sizes = said.sizes[-len(shape) :] if shape else ()
    return len(shape) in (len(said.sizes), len(said.sizes) - 1) and all(
        size in (None, own) for size, own in zip(sizes, shape, strict=True)
    )


def _stated_shapes(said: Input) -> list[tuple[int, ...]]:
    return [(3, side, side) for side in SIDES[:2]] if said.sizes is None else stated_shapes(said.sizes, SIDES)


def feed(inputs: Sequence[Input], values: Sequence[Array], sample: slice) -> dict[str, Array]:
    """Give some samples as the graph takes them: a batch of them, or one in the very shape that the file states."""
    given = {}
    for said, value in zip(inputs, values, strict=True):
        part = value[sample]
        rank = value.ndim if said.sizes is None else len(said.sizes)
        if rank == value.ndim - 1:
            part = part[0]
        elif rank != value.ndim:
            raise ValueError(f"{said.name} takes {rank} axes, not the {value.ndim - 1} of one sample")
        kind = np.dtype(NUMBERS.get(said.kind, "f4"))
        part = np.asarray(part)
        given[said.name] = np.asarray((part.round() if kind.kind != "f" else part).astype(kind))
    return given
