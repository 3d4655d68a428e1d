"""How much work it is to read layers, counted rather than timed, so that it is the same on every machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from interp.network.chain import split_at
from interp.types import LoadedModel, NodeLayer
from interp.verdict.reading.levels import CUTS, LEVELS
from interp.verdict.reading.networks.stepwise import runs_no_steps
from interp.verdict.reading.noise import NoiseOptions

PASSES = 2 + sum(map(NoiseOptions().draws_of, NoiseOptions().used))
"""Runs of what follows a layer for one network and its noise, what comes before it among them."""
LEVEL_PASSES = len(CUTS) + len(LEVELS)
"""Runs for its levels, which are counted of a part of the copies only."""
PER_VALUE = 40
"""Multiplications with addition in the time that one output takes to be sorted, changed and put back."""
PER_STEP_VALUE = 250
"""The same of a layer that runs a time step at a time, in whose passes little else takes time."""
PER_STEP = 4_000_000
"""Multiplications with addition in the time that a gate takes to be called at one time step, however few samples."""


def work_of(model: LoadedModel, layers: Sequence[NodeLayer], positions: Mapping[str, int]) -> int:
    """Count the multiplications with addition that one sample of one network takes, all passes together.

    Parameters
    ----------
    model
        Network whose layers are read.
    layers
        Layers that are read.
    positions
        Name of a layer -> number of its positions in a sample.
    """
    cost = {layer.name: _cost(layer) * layer.nodes * positions[layer.name] for layer in model.every_layer}
    names = list(cost)
    total = 0
    for layer in layers:
        is_chain = split_at(model.module, layer.tap) is not None
        at_once = is_chain or runs_no_steps(model.module, model.every_layer, layer)
        after = names[names.index(layer.name) + 1 :] if at_once else names
        values = layer.nodes * positions[layer.name]
        total += sum(cost.values()) + _passes(layers) * (sum(cost[name] for name in after) + _each(layer) * values)
    return total


def _each(layer: NodeLayer) -> int:
    return PER_STEP_VALUE if layer.is_stepwise else PER_VALUE


def _passes(layers: Sequence[NodeLayer]) -> int:
    return PASSES + LEVEL_PASSES // (1 + len(layers))


def _cost(layer: NodeLayer) -> int:
    """Count what one value of a layer takes; that of a gate is changed and put back in every pass."""
    return layer.inputs + PER_VALUE * layer.is_stepwise


def steps_of(model: LoadedModel, layers: Sequence[NodeLayer], positions: Mapping[str, int], runs: float) -> int:
    """Count what calling gates step by step takes in one network, all passes together, as multiplications.

    A step waits for the one before, so that calls are what takes time.

    Parameters
    ----------
    model
        Network whose layers are read.
    layers
        Layers that are read.
    positions
        Name of a layer -> number of its positions in a sample.
    runs
        Number of runs that one pass of one network takes, as `runs_of_a_pass` counts them.
    """
    calls = sum(positions[layer.name] for layer in model.every_layer if layer.is_stepwise)
    passes = [1 if runs_no_steps(model.module, model.every_layer, layer) else _passes(layers) for layer in layers]
    return round(sum(passes) * calls * PER_STEP * runs)
