"""Checks that results read from a file are those of a network's layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from interp.errors import MismatchError
from interp.types import NodeLayer
from interp.types.annotations.held import check_shapes, missing_columns


def check_layers(path: Path, results: Mapping[str, Any], layers: Sequence[NodeLayer], remedy: str) -> None:
    """Refuse results of other layers, of other numbers of nodes, or of tables without their columns.

    Parameters
    ----------
    path
        File that the results were read from, for the error.
    results
        Layer name -> its result, or several.
    layers
        Layers of the network that should have results.
    remedy
        Command that makes the file anew, for the error.

    Raises
    ------
    MismatchError
        If the results are of another network.

    Examples
    --------
    >>> check_layers(Path("gaussians.h5"), {"fc1": ()}, [], "interp fit")
    Traceback (most recent call last):
    ...
    interp.errors.MismatchError: gaussians.h5: found results of other layers (fc1); expected 0 layers; run `interp fit`
    """
    names = [layer.name for layer in layers]
    if set(results) != set(names):
        odd = sorted(set(results) ^ set(names))
        raise _mismatch(path, f"results of other layers ({', '.join(odd)})", f"{len(names)} layers", remedy)
    for layer in layers:
        for part in flat(results[layer.name]):
            _check_nodes(path, part, layer, remedy)
            check_tables(path, part, remedy)


def _check_nodes(path: Path, part: Any, layer: NodeLayer, remedy: str) -> None:
    lengths, drawn = check_shapes(part), getattr(part, "sampled", None)
    if drawn is not None and len(drawn) and not 0 <= drawn.min() <= drawn.max() < layer.nodes:
        raise _mismatch(path, f"nodes of {layer.name} from {drawn.min()} to {drawn.max()}", "its own", remedy)
    expected = {"N": layer.nodes}
    if hasattr(part, "sampled"):
        expected["M"] = layer.nodes if drawn is None else len(drawn)
    for axis, nodes in expected.items():
        if lengths.get(axis, nodes) != nodes:
            raise _mismatch(path, f"{lengths[axis]} nodes of {layer.name}", f"{nodes}", remedy)


def check_tables(path: Path, result: Any, remedy: str) -> None:
    """Refuse tables without the columns that later stages read.

    Parameters
    ----------
    path
        File that the result was read from, for the error.
    result
        Result of a layer or of the whole network.
    remedy
        Command that makes the file anew, for the error.

    Raises
    ------
    MismatchError
        If a table with rows lacks a column.

    Examples
    --------
    >>> import pandas as pd
    >>> from interp.types import Effects
    >>> empty = Effects(pd.DataFrame(), pd.DataFrame(), {"train": 0.5}, {})
    >>> check_tables(Path("effects.h5"), empty, "interp intervene")
    """
    if missing := missing_columns(result):
        raise _mismatch(path, f"a table without {', '.join(missing)}", "all columns", remedy)


def flat(result: Any) -> tuple[Any, ...]:
    """Give the results of a layer as a tuple, also where it has only one.

    Parameters
    ----------
    result
        Result of a layer, or a tuple of several.
    """
    return result if isinstance(result, tuple) else (result,)


def _mismatch(path: Path, found: str, expected: str, remedy: str) -> MismatchError:
    return MismatchError(path, found=found, expected=expected, do=f"run `{remedy}`")
