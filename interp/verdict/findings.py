"""Findings, in sentences with their numbers, the most important first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from interp.interventions.readouts.tolerance import compared
from interp.verdict.coherence import coherences, summed_up
from interp.verdict.control import beside_control
from interp.verdict.evidence import Evidence
from interp.verdict.layers import layer_sentence, layers_sentence, levels_sentence
from interp.verdict.nodes import captums_agreement, dead_nodes, power
from interp.verdict.sensitivity import harmless_ranges, published_pattern, sensitivity
from interp.verdict.words import MANY_LAYERS


def readings(found: Evidence) -> Iterator[str]:
    """Say of each layer what is read of it and how few levels it needs; of many layers, how many of each kind."""
    if len(found.layers) > MANY_LAYERS:
        yield layers_sentence(found.layers)
        return
    for one in found.layers:
        yield layer_sentence(one)
        yield levels_sentence(one)


def coherent_boundaries(found: Evidence) -> Iterable[str]:
    """Say of each hidden layer, or of many in one sentence, whether chance explains its coherent nodes."""
    layers = found.hidden_boundaries
    return summed_up(layers) if len(layers) > MANY_LAYERS else coherences(layers)


def harmless_levels(found: Evidence) -> Iterator[str]:
    """Say of each hidden layer between which levels the score stays within a point."""
    for name in found.hidden:
        yield sensitivity(name, harmless_ranges(found.effects, name), found.task.score)


def published_patterns(found: Evidence) -> Iterator[str]:
    """Say of each hidden layer whether it does as the published networks do, where rows are counted as right."""
    for name in found.hidden if found.task.counted else ():
        yield published_pattern(name, found.effects)


def beside_copies(found: Evidence) -> Iterator[str]:
    """Say of each hidden layer what it tolerates beside its copies with shuffled weights."""
    for name in found.hidden:
        yield beside_control(name, compared(found.effects.tolerance, name), found.task.measured)


def of_nodes(found: Evidence) -> Iterator[str]:
    """Say which nodes do nothing, how sure their importance is, and which effects were too small to be seen."""
    if "boundaries" not in found.not_run:
        yield dead_nodes(found.boundaries)
    yield from captums_agreement(found.attribution)
    yield power(found.effects, found.task.score)


FINDINGS: tuple[Callable[[Evidence], Iterable[str]], ...] = (
    readings,
    coherent_boundaries,
    harmless_levels,
    published_patterns,
    beside_copies,
    of_nodes,
)
"""Functions that give the sentences of the verdict, in their order; empty sentences are left out."""


def findings(found: Evidence) -> tuple[str, ...]:
    """Give all sentences that are not empty."""
    return tuple(sentence for finding in FINDINGS for sentence in finding(found) if sentence)
