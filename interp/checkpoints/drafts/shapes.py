"""The shape in which a module takes one sample, found by running it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from interp.checkpoints.graph.steps import stated_shapes
from interp.data import RAW
from interp.errors import DataError, UsageError, first_line
from interp.network.inputs import IMAGE_SIDES, as_tensor, device_of
from interp.network.tracing.without_values import EmptyWeightError
from interp.types import Dataset

LARGEST = 1 << 20
"""Largest number of values of a sample of zeros: those of an RGB image of 512 x 512 and more; a file may state any."""


@torch.no_grad()
def input_shape(
    module: nn.Module, data: Dataset | None, path: object, sizes: Sequence[int | None] | None = None
) -> tuple[tuple[int, ...], Any]:
    """Find the shape of one sample: a flat row, or an image.

    Parameters
    ----------
    module
        Module in eval mode.
    data
        Data whose first two training samples are tried as they are stored; None to try zeros of the stated shape, rows
        and square images.
    path
        Name of the file, for error messages.
    sizes
        Lengths of the input's axes as the file states them, that of the batch first, None each where one is open;
        tried without data. None where it states none.

    Returns
    -------
    shape
        First shape that the module takes.
    outputs
        Outputs of the module on two such samples, in any form.

    Raises
    ------
    DataError
        If it takes the data in no shape.
    UsageError
        If without data it takes neither the stated shape nor a usual one.
    """
    return _usual(module, path, sizes) if data is None else _fitting(module, data, path)


def _usual(module: nn.Module, path: object, sizes: Sequence[int | None] | None) -> tuple[tuple[int, ...], Any]:
    """Try the shape that the file states, then those of as many values or channels as the first layer reads."""
    for shape in _stated(module) or [*_filled(sizes), *_read_first(module)]:
        try:
            return shape, module(torch.zeros(2, *shape, device=device_of(module)))
        except EmptyWeightError:
            raise
        except Exception:  # any module may fail in its own way
            continue
    raise UsageError(
        str(path),
        found="a module without data",
        expected="data to run it on",
        do="pass --data digits, mnist or a file",
    )


def _stated(module: nn.Module) -> list[tuple[int, ...]]:
    """Give the shape that a file states and that its network was tried on, if it was."""
    shape = getattr(module, "sample_shape", None)
    return [shape] if isinstance(shape, tuple) else []


def _filled(sizes: Sequence[int | None] | None) -> list[tuple[int, ...]]:
    """Give the shape of a sample that a file states, with usual sides of images for lengths that are open."""
    return [shape for shape in stated_shapes(sizes or (), IMAGE_SIDES) if shape and math.prod(shape) <= LARGEST]


def _read_first(module: nn.Module) -> list[tuple[int, ...]]:
    """Give rows, or square images, of as many values or channels as the first matrix or convolution reads."""
    for part in module.modules():
        weight = next((p for p in part.parameters(recurse=False) if p.dim() in (2, 4)), None)
        if weight is not None:
            channels = weight.shape[1] * getattr(part, "groups", 1)
            return [(channels,)] if weight.dim() == 2 else [(channels, side, side) for side in IMAGE_SIDES]
    return []


def _fitting(module: nn.Module, data: Dataset, path: object) -> tuple[tuple[int, ...], Any]:
    """Try flat rows, then images with and without an axis of one channel."""
    shapes: list[tuple[int, ...]] = [*_stated(module), (data.width,)]
    if data.image_shape is not None:
        shapes += [data.image_shape]
        if data.image_shape[0] == 1:
            shapes += [data.image_shape[1:]]
    problems = []
    for shape in shapes:
        try:
            return shape, module(as_tensor(data.train.inputs[:2], RAW, shape).to(device_of(module)))
        except EmptyWeightError:
            raise
        except Exception as error:  # any module may fail in its own way
            problems.append(f"{shape}: {first_line(error, 120)}")
    raise DataError(
        str(path),
        found=f"a module that refuses {data.name} as {'; as '.join(problems)}",
        expected="one that takes (batch, features) or (batch, channels, height, width)",
        do="wrap it with --model, or give its own data",
    )
