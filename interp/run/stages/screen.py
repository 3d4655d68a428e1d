"""Find the nodes that do the same, and those that are saturated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch

from interp.analysis.outputs.twins import find_alike, saturated_share
from interp.network.activations import ENDS
from interp.network.inputs import as_tensor, device_of
from interp.network.own_activations import Function, output_functions
from interp.run.recorded import each_layer
from interp.run.stage import Run, Stage
from interp.run.summaries import counted
from interp.types import Array, NodeLayer, Recording, Screening

MOST_ROWS = 10_000
"""Largest number of rows that outputs are compared on, evenly among those recorded."""

ALIKE = 0.99
"""Size of the correlation from which the summary counts two nodes as doing the same."""


def run(run: Run) -> dict[str, Screening]:
    """Screen the nodes of every layer.

    Parameters
    ----------
    run
        Model, data, options and folder.

    Returns
    -------
    dict
        Layer name -> twins and saturation of its nodes.
    """
    example = as_tensor(run.data.train.inputs[:2], run.model.scaling, run.model.input_shape)
    functions = output_functions(run.model.module, run.model.layers, example.to(device_of(run.model.module)))

    def one(layer: NodeLayer, recording: Recording) -> Screening:
        outputs = some_outputs(recording, layer.name, functions[layer.name])
        alike, correlation = find_alike(outputs)
        saturated = saturated_share(outputs, ENDS.get(layer.activation))
        return Screening(len(outputs), alike[:, 0], correlation[:, 0], saturated, alike, correlation)

    return each_layer(run, one)


def some_outputs(recording: Recording, layer: str, function: Function, most: int = MOST_ROWS) -> Array:
    """Give the outputs of a layer's nodes on rows that lie evenly among those recorded.

    Parameters
    ----------
    recording
        Recording of one split.
    layer
        Name of the layer.
    function
        Activation of the layer, of rows of pre-activations.
    most
        Largest number of rows.

    Returns
    -------
    Array
        Outputs (L, N), float32.
    """
    step, kept, start = -(-recording.z[layer].shape[0] // most), [], 0
    for z in recording.batches(layer):
        kept.append(z[np.arange(-start % step, len(z), step)])
        start += len(z)
    with torch.no_grad():
        outputs: Array = function(torch.from_numpy(np.concatenate(kept))).numpy()
    return outputs


def summarise(found: Mapping[str, Screening]) -> Iterator[str]:
    """Count the nodes of each layer whose twin does the same."""
    alike = {name: int(np.sum(np.abs(part.correlation) >= ALIKE)) for name, part in found.items()}
    yield f"{counted(sum(alike.values()), 'node')} with a twin at a correlation of {ALIKE:g} or more"
    for name, part in found.items():
        known = part.saturated[np.isfinite(part.saturated)]
        near = f"; saturated on {known.mean():.0%} of rows" if len(known) else ""
        yield f"{name}: {alike[name]} of {len(part.twin)} nodes with such a twin, on {part.rows:,} rows{near}"


STAGE = Stage(
    "screen",
    does=__doc__,
    file="screening.h5",
    result=Screening,
    needs=("record",),
    run=run,
    summarise=summarise,
    field="screening",
    is_divided=True,
)
