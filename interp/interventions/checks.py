"""Whether output ranges and mean outputs that a user gives are those of a network's layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from interp.errors import DataError, UsageError
from interp.interventions.edits import Ranges
from interp.types import LoadedModel, NodeLayer, as_column


def ranges_of_layers(
    model: LoadedModel, ranges: Mapping[str, Ranges], means: Mapping[str, Any], needs_means: bool
) -> dict[str, Ranges]:
    """Give the output ranges of a network's layers, with their mean outputs.

    Parameters
    ----------
    model
        Network whose layers they are of.
    ranges
        Layer name -> output ranges of its nodes; layers without are left out.
    means
        Layer name -> mean outputs of its nodes (N,).
    needs_means
        Whether each of these layers must have them.

    Raises
    ------
    DataError
        If there is not one number for each node.
    UsageError
        If means are needed, and a layer has none.
    """
    return {
        layer.name: _of_layer(layer, ranges[layer.name], means.get(layer.name), needs_means)
        for layer in model.layers
        if layer.name in ranges
    }


def _of_layer(layer: NodeLayer, found: Ranges, mean: Any, needs_means: bool) -> Ranges:
    if len(found.low) != layer.nodes or len(found.high) != layer.nodes:
        raise DataError(
            f"ranges[{layer.name!r}]",
            found=f"{len(found.low):,} and {len(found.high):,} numbers",
            expected=f"{layer.nodes:,}, one for each node",
            do="measure them on this network",
        )
    if mean is None and needs_means:
        raise UsageError(
            f"means[{layer.name!r}]",
            found="no mean outputs",
            expected="those of its nodes",
            do="give them, or ask for neither ablation nor the intervention mean",
        )
    return replace(found, mean=None if mean is None else as_column(f"means[{layer.name!r}]", mean, layer.nodes))
