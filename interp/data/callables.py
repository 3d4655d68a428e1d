"""Data sets from the user's own code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from interp.data.assemble import from_mapping
from interp.data.options import DataOptions
from interp.errors import DataError, first_line
from interp.safety.imports import call_name
from interp.types import Array, Dataset


def from_callable(spec: str, options: DataOptions) -> Dataset:
    """Call ``package.module:callable``, which gives (inputs, targets), a mapping like an ``.npz``, or a `Dataset`."""
    content = call_name(spec, "--data")
    if isinstance(content, Dataset):
        return content
    if isinstance(content, tuple) and len(content) == 2:
        content = {**_inputs(content[0]), "y": content[1]}
    if not isinstance(content, Mapping):
        raise DataError(
            spec,
            found=type(content).__name__,
            expected="(inputs, labels), or a mapping with x_train, y_train, x_test, y_test",
            do="return one of these",
        )
    return from_mapping(spec, {str(k): _array(spec, v) for k, v in content.items() if v is not None})


def _inputs(content: Any) -> dict[str, Any]:
    """Name the inputs: one, or several in a mapping, or in a tuple of arrays."""
    if isinstance(content, Mapping):
        return {str(name): values for name, values in content.items()}
    if isinstance(content, tuple) and len(content) > 1 and all(hasattr(part, "shape") for part in content):
        return {f"input{place}": values for place, values in enumerate(content)}
    return {"x": content}


def _array(where: str, values: Any) -> Array:
    try:
        return np.asarray(values)
    except Exception as error:  # ragged lists, tensors on a device or with a gradient
        raise DataError(
            where, found=first_line(error), expected="numbers of one shape", do="return numpy arrays"
        ) from error
