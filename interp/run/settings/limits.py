"""Limits on how much of a large network is looked at, and how its nodes and layers are drawn.

A mixture takes milliseconds a node, a change of one node or layer a run of all layers behind it, and prototypes
memory. Nodes are drawn at random, not chosen by their values, so that shares of them are shares of their layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any

import numpy as np

from interp.errors import UsageError
from interp.network.caps import least
from interp.types import NodeLayer
from interp.types.annotations.flags import Flag

MOST = 10**9
"""Largest cap that can be set."""

LARGE_LAYERS = 12
LARGE_NODES = 2048
"""Number of node layers, and of nodes, above which a network is large."""

MOST_NODES = 1024
"""Number of nodes of a large network with mixtures and prototypes, in equal parts of each layer."""

LEAST_NODES = 8
"""Least number of nodes of a layer, however many layers there are."""

SWEPT_LAYERS = 6
"""Number of layers of a large network that are swept, evenly over depth."""

LEAST_INPUTS = 100
"""Least number of inputs of each split that a large network is swept on, however much work one is."""

WORK = 5 * 10**12
"""Number of multiply-adds that sweeping a large network may take; changing single nodes may take as many."""

PASSES = 150
"""Number of runs of the network that sweeping one layer amounts to: published levels, its control, attributions."""

STEP_WORK = 3 * 10**11
"""Number of multiply-adds that sweeping a network that runs a time step at a time may take: some ten seconds."""

PER_GATE = 40
"""Multiply-adds in the time that one value of a gate takes beside its products: its activation, and putting it back."""

STEP_NODES = 320
"""Number of nodes of a recurrent network with mixtures and prototypes, in equal parts of each layer."""

QUICK_ROWS = 1000
"""Number of rows that k-means is fitted to in a quick look at a recurrent network, which has many layers."""

QUICK_SHARE = 4
"""How many times less work, and fewer nodes, a quick look at a recurrent network takes."""

CHANGES, QUICK_CHANGES = 8, 16
"""Numbers of runs that silencing and clamping one node of a recurrent network counts for, and in a quick look."""

PROTOTYPE_VALUES = 2**25
"""Number of values of all nodes' prototypes of one sort, where `LEAST_NODES` allow: 256 MB in float64."""


@dataclass(frozen=True)
class Limits:
    """Caps on what is looked at; None stands for no cap, or for that of `large_limits` in a large network.

    Attributes
    ----------
    everything
        Whether all of a network is looked at, however long that takes, but for the caps named here.
    quick
        Whether less is looked at, in less time: fewer nodes, inputs, rows and levels.
    nodes_per_layer
        Number of nodes of a layer that have mixtures, prototypes and centroids.
    single_nodes
        Number of nodes of a swept layer that are silenced, clamped and attributed, one at a time.
    swept_layers
        Number of layers, evenly over depth, that are swept, compared with shuffled copies and attributed.
    inputs
        Number of inputs of each split that layers are swept and nodes attributed on.
    levels
        Number of levels of each intervention; the published levels are always among them.
    curve_levels
        Number of levels of single nodes' clamp curves.
    directions
        Number of random directions a layer.
    rows
        Number of rows that k-means is fitted to.
    read_samples
        Number of samples that layers are read on.
    read_work
        Number of multiplications with addition that may be spent on reading layers.
    """

    everything: Annotated[bool, Flag()] = False
    quick: Annotated[bool, Flag()] = False
    nodes_per_layer: Annotated[int | None, Flag(low=1, high=MOST, default=f"all; large: {MOST_NODES:,} in all")] = None
    single_nodes: Annotated[int | None, Flag(low=1, high=MOST, default=f"all; large: {LEAST_NODES} or more")] = None
    swept_layers: Annotated[int | None, Flag(low=1, high=MOST, default=f"all; large: {SWEPT_LAYERS}")] = None
    inputs: Annotated[int | None, Flag(low=1, high=MOST, default=f"all; large: {LEAST_INPUTS} or more")] = None
    levels: int | None = None
    curve_levels: int | None = None
    directions: int | None = None
    rows: int | None = None
    read_samples: int | None = None
    read_work: int | None = None


QUICK = Limits(
    nodes_per_layer=32,
    single_nodes=32,
    inputs=1000,
    levels=1,
    curve_levels=5,
    directions=24,
    rows=2000,
    read_samples=100,
)
"""Caps of a quick look, whose page has no figures either: drawing them takes as long as all else."""


def is_large(layers: Sequence[NodeLayer]) -> bool:
    """Tell whether a network has more layers or nodes than are looked at without limits.

    Parameters
    ----------
    layers
        Layers of the network.
    """
    return len(layers) > LARGE_LAYERS or sum(layer.nodes for layer in layers) > LARGE_NODES


def large_limits(layers: Sequence[NodeLayer], width: int, work: int) -> Limits:
    """Give the caps of a large network.

    Parameters
    ----------
    layers
        Layers of the network.
    width
        Number of values of one input.
    work
        Number of multiply-adds of all layers on one input.
    """
    total = min(MOST_NODES, PROTOTYPE_VALUES // width)
    swept = min(SWEPT_LAYERS, len(layers))
    inputs = max(LEAST_INPUTS, WORK // (PASSES * swept * work))
    return Limits(
        nodes_per_layer=max(LEAST_NODES, total // len(layers)),
        single_nodes=max(LEAST_NODES, WORK // (2 * swept * work * inputs)),  # silenced with 0 and with the mean
        swept_layers=SWEPT_LAYERS,
        inputs=inputs,
        levels=1,
        curve_levels=0,
        directions=24,
    )


def stepwise_limits(layers: Sequence[NodeLayer], work: int, quick: bool = False) -> Limits:
    """Give the caps of a network that runs a time step at a time, whose runs take as long as its sequences are.

    Parameters
    ----------
    layers
        Layers of the network.
    work
        Number of multiply-adds of all layers on one sequence, with `PER_GATE` more for each value of a gate.
    quick
        Whether less is looked at, in less time.

    Examples
    --------
    >>> layers = [NodeLayer(name, "gate", 16, 28, "sigmoid", name, "steps") for name in ("input", "forget", "output")]
    >>> [stepwise_limits(layers, steps * 3 * 16 * (28 + PER_GATE)).inputs for steps in (20, 200)]
    [10212, 1021]
    """
    share, changes = (QUICK_SHARE, QUICK_CHANGES) if quick else (1, CHANGES)
    allowed, swept = STEP_WORK // share, min(SWEPT_LAYERS, len(layers))
    inputs = max(LEAST_INPUTS, allowed // (PASSES * swept * work))
    return Limits(
        nodes_per_layer=max(LEAST_NODES // (2 if quick else 1), STEP_NODES // share // len(layers)),
        single_nodes=max(LEAST_NODES, allowed // (changes * swept * work * inputs)),
        swept_layers=SWEPT_LAYERS,
        inputs=inputs,
        levels=1,
        curve_levels=QUICK.curve_levels,
        directions=24,
        rows=QUICK_ROWS if quick else None,
        read_work=allowed,
    )


def settled(
    limits: Limits,
    layers: Sequence[NodeLayer],
    width: int,
    work: Callable[[], int],
    whole: Sequence[NodeLayer] = (),
) -> Limits:
    """Fill in the caps that the user left open.

    Parameters
    ----------
    limits
        Caps as the user set them.
    layers
        Layers that are looked at.
    width
        Number of values of one input.
    work
        Function that counts the multiply-adds of all layers on one input, with `PER_GATE` more for each value of a
        gate; called only if the network is large or recurrent.
    whole
        Layers of the whole network, which are what makes it large; none where `layers` are all of them.

    Returns
    -------
    Limits
        Caps for this network; None still stands for no cap.

    Raises
    ------
    UsageError
        If everything is asked for, and a quick look.

    Examples
    --------
    >>> layers = [NodeLayer(str(i), "linear", 512, 512, "relu", str(i)) for i in range(16)]
    >>> found = settled(Limits(inputs=50), layers, 784, lambda: 10**9)
    >>> found.inputs, found.nodes_per_layer
    (50, 64)
    >>> settled(Limits(everything=True), layers, 784, lambda: 10**9).nodes_per_layer is None
    True
    >>> settled(Limits(quick=True), layers[:2], 784, lambda: 10**9).inputs
    1000
    """
    if limits.everything and limits.quick:
        raise UsageError("--quick", found="--everything too", expected="one of the two", do="leave the other out")
    caps = [QUICK] if limits.quick else []
    if any(layer.is_stepwise for layer in whole or layers) and not limits.everything:
        caps.append(stepwise_limits(layers, work(), limits.quick))
    if is_large(whole or layers) and not limits.everything:
        caps.append(large_limits(layers, width, work()))
    names = [part.name for part in fields(limits) if getattr(limits, part.name) is None]
    found: dict[str, Any] = {name: least(*(getattr(cap, name) for cap in caps)) for name in names}
    return replace(limits, **found)


def spread_layers(layers: Sequence[NodeLayer], most: int | None) -> tuple[str, ...]:
    """Choose layers evenly over depth, the first and the last among them.

    Parameters
    ----------
    layers
        Layers of the network.
    most
        Largest number of layers to choose; None for all.

    Returns
    -------
    tuple of str
        Names of the layers; empty where all are meant.

    Examples
    --------
    >>> layers = [NodeLayer(str(i), "linear", 4, 4, "relu", str(i)) for i in range(9)]
    >>> spread_layers(layers, 3), spread_layers(layers, 9)
    (('0', '4', '8'), ())
    """
    if most is None or most >= len(layers):
        return ()
    chosen = np.linspace(0, len(layers) - 1, max(most, 1)).round().astype(int)
    return tuple(layers[i].name for i in chosen)
