"""Importance of each node by Captum, beside ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch

from interp.network.caps import chosen_nodes
from interp.network.copies import at_places, can_copy, copy_of, one_thread, quick_copy_of
from interp.network.own_data import check_layer, check_split
from interp.types import Array, Attribution, LoadedModel, NodeLayer, Split, as_column
from interp.types.annotations.edge import checked
from interp.types.annotations.flags import Seed, Within
from interp.verdict.attribution.ablation import ablation, captum_ablation
from interp.verdict.attribution.agreement import bootstrap, spearman
from interp.verdict.attribution.conductance import conductance
from interp.verdict.attribution.target import Target, largest_output


@dataclass(frozen=True)
class AttributionOptions:
    """How much is attributed.

    Attributes
    ----------
    samples
        Largest number of inputs, drawn at random.
    steps
        Number of steps of the path from the zero input, over which gradients are integrated.
    captum_nodes
        Largest number of nodes in a layer that Captum ablates too, at a run of the network each.
    repetitions
        Number of bootstrap draws of nodes, for the interval of the rank correlation.
    seed
        Seed of the random number generator.
    single_nodes
        Number of nodes of a layer that are ablated, drawn at random; None: all.
    layers
        Names of the hidden layers whose nodes are measured; none: all.

    Examples
    --------
    >>> AttributionOptions(samples=50).steps
    20
    """

    samples: Annotated[int, Within(low=1)] = 200
    steps: Annotated[int, Within(low=2)] = 20
    captum_nodes: Annotated[int, Within(low=0)] = 256
    repetitions: Annotated[int, Within(low=1)] = 1000
    seed: Seed = 0
    single_nodes: Annotated[int | None, Within(low=1)] = None
    layers: tuple[str, ...] = ()


def conductances(
    model: LoadedModel, layers: Sequence[NodeLayer], split: Split, options: AttributionOptions = AttributionOptions()
) -> dict[str, Array]:
    """Give the conductance of the nodes of several layers, which takes hardly longer than that of one.

    Parameters
    ----------
    model
        Network that the layers are part of.
    layers
        Layers whose nodes are measured.
    split
        Samples that inputs are drawn from.
    options
        Numbers of inputs and steps, and the seed.

    Returns
    -------
    dict of Array
        Layer name -> conductance of its nodes (N,), as `attribute` takes it.

    Examples
    --------
    >>> import torch
    >>> from interp.checkpoints import load_module
    >>> network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    >>> model, _ = load_module(network)
    >>> found = conductances(model, model.layers, Split(np.eye(2, dtype=np.float32), None))
    >>> {name: values.shape for name, values in found.items()}
    {'0': (3,), '2': (2,)}
    """
    return conductance(_target(model, layers[0], split, options), layers, options.steps) if layers else {}


def _target(model: LoadedModel, layer: NodeLayer, split: Split, options: AttributionOptions) -> Target:
    """Draw inputs, and choose the output of each."""
    rows = np.sort(np.random.default_rng(options.seed).permutation(len(split))[: options.samples])
    return largest_output(model, layer, split.inputs[rows])


@checked
def attribute(
    model: LoadedModel,
    layer: NodeLayer,
    split: Split,
    options: AttributionOptions = AttributionOptions(),
    known: Array | None = None,
) -> Attribution:
    """Measure the importance of one layer's nodes in three ways on the same inputs.

    It is their importance for the largest output of each input; for the sum of the outputs where these are measured
    values. Layer conductance is that of Dhamdhere, Sundararajan and Yan (2018).

    Parameters
    ----------
    model
        Network that the layer is part of.
    layer
        Layer whose nodes are measured.
    split
        Samples that inputs are drawn from.
    options
        Numbers of inputs, steps and draws, and the seed.
    known
        Conductance of the layer's nodes (N,) as `conductances` gives it; None computes it.

    Returns
    -------
    Attribution
        Importances of all nodes, and the rank correlation of two of them; NaN where one cannot be computed.

    Examples
    --------
    >>> import torch
    >>> from interp.checkpoints import load_module
    >>> network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    >>> model, _ = load_module(network)
    >>> found = attribute(model, model.layers[0], Split(np.eye(2, dtype=np.float32), None))
    >>> found.samples, found.conductance.shape
    (2, (3,))
    """
    check_layer(model, layer)
    check_split(model, "split", split)
    target, nodes = _target(model, layer, split, options), chosen_nodes(layer, options.single_nodes, options.seed)
    if known is not None:
        known = as_column("known", known, layer.nodes)
    by_captum = conductance(target, [layer], options.steps)[layer.name] if known is None else known
    ours, theirs = _ablations(target, nodes, options.captum_nodes)
    rho, p_value = spearman(by_captum[nodes], ours[nodes])
    low, high = bootstrap(by_captum[nodes], ours[nodes], options.repetitions, options.seed)
    return Attribution(
        conductance=by_captum,
        ablation=ours,
        captum_ablation=theirs,
        rank_correlation=rho,
        low=low,
        high=high,
        p_value=p_value,
        samples=len(target.x),
    )


def _ablations(target: Target, nodes: Array, most: int) -> list[Array]:
    """Silence nodes by our hooks and by Captum's, at once where the network can be copied."""
    ways: list[Callable[[Target], Array]] = [
        lambda own: ablation(own, nodes),
        lambda own: captum_ablation(own, nodes, most),
    ]
    if not can_copy(target.model.module):
        return [way(target) for way in ways]
    quick = target.anew_on(quick_copy_of(target.model.module, [target.layer]))
    if torch.get_num_threads() == 1:
        return [way(quick) for way in ways]
    with one_thread():
        with torch.no_grad():
            quick.values(is_plain=True)  # from now on what comes before the layer is known
        return at_places(lambda own, way: way(own), [quick, quick.on(copy_of(quick.model.module))], ways)
