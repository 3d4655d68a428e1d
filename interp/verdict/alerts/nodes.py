"""Alerts on nodes: those that do nothing, too little, or the same as another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from interp.types import Array, Screening
from interp.verdict.alerts.reading import is_guess
from interp.verdict.alerts.rule import Seen
from interp.verdict.alerts.samples import FEW_ROWS
from interp.verdict.evidence import Evidence
from interp.verdict.words import MANY_LAYERS, layer_name, some

MANY_DEAD, MANY_ONE_SIDED, MANY_TWINS, MANY_SATURATED = 0.1, 0.5, 0.1, 0.3
"""Shares of the nodes of a hidden layer from which they are named."""

ALIKE = 0.99
"""Size of the correlation from which the outputs of two nodes are the same."""

SATURATED = 0.9
"""Share of rows near an end of its range from which a node is saturated."""

BENT_AT_ZERO = ("relu", "leaky_relu", "abs", "prelu", "relu6")
"""Activations that are linear on either side of z = 0."""


IS_DEAD, ARE_DEAD = "is dead: its output does", "are dead: their outputs do"
UNVARYING = "not vary over the training samples"


def dead(found: Evidence) -> Iterator[Seen]:
    """Name the hidden layers in which many nodes never vary."""
    yield from _many(_dead_nodes(found), MANY_DEAD, IS_DEAD, ARE_DEAD, _unvarying(found))


def few_dead(found: Evidence) -> Iterator[Seen]:
    """Name the hidden layers in which some nodes never vary, but not many."""
    few = {name: mask for name, mask in _dead_nodes(found).items() if mask.mean() < MANY_DEAD}
    yield from _many(few, 0.0, IS_DEAD, ARE_DEAD, _unvarying(found))


def _unvarying(found: Evidence) -> str:
    """Say over which samples dead nodes do not vary, and under which activation where that is a guess."""
    said = found.model.inferred.get("activation")
    return f"{UNVARYING}{f' (if {said.value}, a guess, is right)' if said is not None and is_guess(said) else ''}"


def _dead_nodes(found: Evidence) -> dict[str, Array]:
    """Tell which nodes of each hidden layer never vary."""
    return {name: np.asarray(part.kind) == "dead" for name, part in found.hidden_boundaries.items()}


def one_sided(found: Evidence) -> Iterator[Seen]:
    """Name the hidden layers in which many nodes never cross the bend of their activation."""
    bent = {layer.name for layer in found.model.layers if layer.activation in BENT_AT_ZERO}
    nodes = {
        name: np.asarray(part.kind) == "one-sided" for name, part in found.hidden_boundaries.items() if name in bent
    }
    yield from _many(
        nodes,
        MANY_ONE_SIDED,
        "is one-sided: it acts",
        "are one-sided: they act",
        f"as linear, or as zero, over {found.fitted_words}",
    )


def duplicate(found: Evidence) -> Iterator[Seen]:
    """Name the hidden layers in which many nodes could be left out, since another has the same outputs.

    Over few samples nodes that are rarely active look alike by chance.
    """
    if found.screened < FEW_ROWS:
        return
    nodes = {name: spare_nodes(part.twin, part.correlation) for name, part in _screened(found).items()}
    over = f" over {found.screened_words}" if found.screened_words else ""
    yield from _many(
        nodes, MANY_TWINS, "repeats", "repeat", f"another node (correlation of outputs of {ALIKE:g} or more{over})"
    )


def spare_nodes(twin: Array, correlation: Array) -> Array:
    """Tell which nodes repeat another: one of each pair stays.

    Parameters
    ----------
    twin, correlation
        Most alike other node of each node, and the correlation with it (N,); NaN of a node without one.

    Returns
    -------
    Array
        Whether each node can be left out (N,): it has a twin that is as good as the same and stays.
    """
    spare = np.zeros(len(twin), bool)
    for node in np.flatnonzero(np.abs(correlation) >= ALIKE):
        other = int(twin[node])
        spare[node] = not spare[other] and other != node
    return spare


def saturated(found: Evidence) -> Iterator[Seen]:
    """Name the hidden layers in which many nodes are nearly always at an end of their range."""
    nodes = {name: np.nan_to_num(part.saturated) >= SATURATED for name, part in _screened(found).items()}
    of = f" of {found.screened_words}" if found.screened_words else ""
    yield from _many(
        nodes,
        MANY_SATURATED,
        "is saturated:",
        "are saturated:",
        f"at an end of the range on {SATURATED:.0%} of the rows{of}",
    )


def _screened(found: Evidence) -> Mapping[str, Screening]:
    return {name: part for name, part in found.screening.items() if name in found.hidden}


def _many(nodes: Mapping[str, Array], least: float, one: str, more: str, words: str) -> Iterator[Seen]:
    """Yield a sentence a layer that has many such nodes; one for all where there are many such layers.

    The words of the sentence begin with `one` where it is about one node, and with `more` where about several.
    """
    many = {name: mask for name, mask in nodes.items() if mask.any() and mask.mean() >= least}
    said = {name: tuple(f"{name}:{node}" for node in np.flatnonzero(mask)) for name, mask in many.items()}
    if len(many) > MANY_LAYERS:
        every = tuple(address for addresses in said.values() for address in addresses)
        share = f"{least:.0%} or more" if least else "A few"
        yield Seen(f"{share} of the nodes of {len(many)} layers ({some(list(many))}) {more} {words}.", every)
        return
    for name, mask in many.items():
        begun = one if mask.sum() == 1 else more
        yield Seen(
            f"{mask.sum()} of {len(mask)} nodes of {layer_name(name)} ({mask.mean():.0%}) {begun} {words}.", said[name]
        )
