"""Average the inputs that each node stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from interp.analysis import find_prototypes
from interp.recording import layer_rows
from interp.run.recorded import affine_of, each_layer
from interp.run.stage import Run, Stage
from interp.run.summaries import counted
from interp.types import Boundaries, GaussianFit, NodeLayer, Prototypes, Recording


def run(run: Run) -> dict[str, Prototypes]:
    """Average inputs for the nodes of every layer.

    Parameters
    ----------
    run
        Model, data, options and folder.

    Returns
    -------
    dict
        Layer name -> mean inputs that its nodes stand for.
    """
    fits: Mapping[str, GaussianFit] = run.read("fit")
    boundaries: Mapping[str, Boundaries] = run.read("boundaries")

    def one(layer: NodeLayer, recording: Recording) -> Prototypes:
        return find_prototypes(
            layer_rows(run.model, run.data, recording, layer.name),
            recording.z[layer.name],
            recording.sample[layer.name],
            fits[layer.name],
            boundaries[layer.name],
            layer.activation,
            affine_of(run, layer),
            run.options.prototypes,
        )

    return each_layer(run, one)


def summarise(found: Mapping[str, Prototypes]) -> Iterator[str]:
    """Name the kinds of prototypes of each layer."""
    yield f"those of {counted(sum(len(own.nodes) for own in found.values()), 'node')} in {counted(len(found), 'layer')}"
    for layer, own in found.items():
        yield f"{layer}: {len(own.nodes)} nodes, {own.input_mean.size} inputs; {', '.join(own.layer_input)}"


STAGE = Stage(
    "prototypes",
    does=__doc__,
    file="prototypes.h5",
    result=Prototypes,
    needs=("record", "fit", "boundaries"),
    run=run,
    summarise=summarise,
    options=("prototypes",),
    field="prototypes",
)
