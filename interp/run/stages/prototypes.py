"""Average the inputs that each node stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from interp.analysis import find_prototypes
from interp.errors import MismatchError
from interp.network.inputs import input_blocks
from interp.recording import layer_rows
from interp.run.recorded import affine_of, each_layer
from interp.run.stage import Run, Stage
from interp.run.summaries import counted
from interp.types import Array, Boundaries, GaussianFit, NodeLayer, Prototypes, Recording


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
        found = find_prototypes(
            layer_rows(run.model, run.data, recording, layer.name),
            recording.z[layer.name],
            recording.sample[layer.name],
            fits[layer.name],
            boundaries[layer.name],
            layer.activation,
            affine_of(run, layer),
            run.options.prototypes,
        )
        return replace(found, network_input={}) if found.network_share else found

    return each_layer(run, one)


def restored(run: Run, found: Mapping[str, Prototypes]) -> dict[str, Prototypes]:
    """Average the network's inputs where files hold the samples' shares in the means.

    Parameters
    ----------
    run
        Model and data.
    found
        Layer name -> prototypes as the file holds them.

    Returns
    -------
    dict
        Layer name -> prototypes with the means of the network's input.

    Raises
    ------
    MismatchError
        If there are shares of other samples than those of the data.
    """
    samples = len(run.data.train)
    shares = {layer: own.network_share for layer, own in found.items() if own.network_share and not own.network_input}
    if any(share.shape[1] != samples for own in shares.values() for share in own.values()):
        remedy = f"run `{STAGE.command}`"
        problem = "prototypes of other numbers of samples"
        raise MismatchError(run.path(STAGE.name), found=problem, expected=f"{samples:,}", do=remedy)
    means: dict[tuple[str, str], Array] = {}
    for rows, x in input_blocks(run.model, run.data.train.inputs) if shares else ():
        values = x.flatten(1).cpu().numpy().astype(np.float64)
        for layer, own in shares.items():
            for kind, share in own.items():
                means[layer, kind] = means.get((layer, kind), 0) + share[:, rows] @ values
    return {
        layer: replace(own, network_input={kind: means[layer, kind] for kind in shares[layer]})
        if layer in shares
        else own
        for layer, own in found.items()
    }


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
    restored=restored,
)
