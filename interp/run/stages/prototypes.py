"""Average the inputs that each node stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from interp.analysis import find_prototypes
from interp.analysis.prototypes import WIDEST_PCA
from interp.errors import MismatchError
from interp.network.inputs import input_blocks
from interp.recording.kept import is_drawn
from interp.run.recorded import affine_of, each_layer, recorded, rows_of
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
        affine = affine_of(run, layer)
        found = find_prototypes(
            rows_of(run, recording, layer),
            recording.z[layer.name],
            recording.sample[layer.name],
            fits[layer.name],
            boundaries[layer.name],
            layer.activation,
            affine,
            run.options.prototypes,
        )
        return _as_stored(found, is_linear=affine is not None)

    def values(layer: NodeLayer, recording: Recording) -> int:
        return 4 * min(layer.inputs, WIDEST_PCA) ** 2 + recording.z[layer.name].shape[0] * 2 * layer.nodes

    return each_layer(run, one, values=values)


def _as_stored(found: Prototypes, is_linear: bool) -> Prototypes:
    """Leave out what `restored` computes: the network's inputs where shares tell them, weights of a large network."""
    found = replace(found, network_input={}) if found.network_share else found
    is_large = is_linear and found.sampled is not None
    return replace(found, weight=found.weight[:, :0]) if is_large else found


def restored(run: Run, found: Mapping[str, Prototypes]) -> dict[str, Prototypes]:
    """Average the network's inputs where files hold the samples' shares in the means, and give weights where none are.

    Parameters
    ----------
    run
        Model and data.
    found
        Layer name -> prototypes as the file holds them.

    Returns
    -------
    dict
        Layer name -> prototypes with the means of the network's input, and with weights.

    Raises
    ------
    MismatchError
        If there are shares of other samples than those of the data.
    """
    shares = {layer: own.network_share for layer, own in found.items() if own.network_share and not own.network_input}
    inputs_of = _stored_inputs(run) if shares else run.data.train.inputs
    samples = len(inputs_of)
    if any(share.shape[1] != samples for own in shares.values() for share in own.values()):
        remedy = f"run `{STAGE.command}`"
        problem = "prototypes of other numbers of samples"
        raise MismatchError(run.path(STAGE.name), found=problem, expected=f"{samples:,}", do=remedy)
    means: dict[tuple[str, str], Array] = {}
    for rows, x in input_blocks(run.model, inputs_of) if shares else ():
        values = x.flatten(1).cpu().numpy().astype(np.float64)
        for layer, own in shares.items():
            for kind, share in own.items():
                means[layer, kind] = means.get((layer, kind), 0) + share[:, rows] @ values
    inputs = {layer: {kind: means[layer, kind] for kind in own} for layer, own in shares.items()}
    return {
        layer: replace(own, network_input=inputs.get(layer, own.network_input), weight=_weight(run, layer, own))
        for layer, own in found.items()
    }


def _stored_inputs(run: Run) -> Array:
    """Give the inputs of the training samples that prototypes are of: few, where files hold these samples' shares."""
    inputs = run.data.train.inputs
    if not is_drawn(run.options.store):
        return inputs
    with recorded(run) as recording:
        return inputs if recording.kept is None else np.asarray(inputs[recording.kept])


def _weight(run: Run, layer: str, found: Prototypes) -> Array:
    """Give the weights of the nodes that have prototypes: those of the file, or else the network's own."""
    if found.weight.shape[1] or not len(found.weight):
        return found.weight
    affine = affine_of(run, run.model.layer(layer))
    if affine is None or affine[0].shape[1] != len(found.input_mean) or found.nodes.max() >= len(affine[0]):
        problem, remedy = f"no weights of {layer} that fit the network", f"run `{STAGE.command}`"
        raise MismatchError(run.path(STAGE.name), found=problem, expected="those of its nodes", do=remedy)
    return np.asarray(affine[0][found.nodes].astype(np.float32))


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
    is_divided=True,
)
