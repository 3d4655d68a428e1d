"""The reading profile of a chain: every hidden layer beside shuffled and fresh copies of the network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from torch import Tensor, nn

from interp.types import Leaning
from interp.types.parts import Keep, made_now
from interp.verdict.reading.measure import Measured, joined, measure
from interp.verdict.reading.networks.copies import fresh_copies, shuffled_copies
from interp.verdict.reading.networks.cut import Cut, chain_cut
from interp.verdict.reading.noise import NoiseOptions
from interp.verdict.reading.rule import Rule, leaning, worst_p_value
from interp.verdict.reading.significance import Null, copies_needed, holm

LEAST_P_VALUE = 0.02
"""What the smallest corrected p-value may be: well below the rule's, so that some copies may lie farther out."""
LEVEL_COPIES = 99
"""Number of copies of each kind whose levels are counted: enough for their central 95 %."""
MOST_DRAWN = 1.5
"""Number of copies that may be drawn for each that is wanted, where some have no balance."""


@dataclass(frozen=True)
class ProfileOptions:
    """What a reading profile is made with.

    Attributes
    ----------
    noise
        Size, parts and draws of the noise on outputs.
    rule
        Thresholds of the verdict.
    copies
        Number of copies of each kind; None: as many as the rule needs for the network's layers.
    levels
        Whether to count levels too.
    seed
        Seed of the first copy; each further copy has the next one.
    """

    noise: NoiseOptions = field(default_factory=NoiseOptions)
    rule: Rule = field(default_factory=Rule)
    copies: int | None = None
    levels: bool = False
    seed: int = 0


@dataclass(frozen=True)
class LayerReading:
    """What of one layer is read.

    Attributes
    ----------
    leaning
        Verdict on the layer: distances, intensities, neither or undecided.
    balance
        S of the network.
    p_value
        Largest of the rank p-values against each kind of copies.
    corrected
        Largest rank p-value after Holm's correction for the number of layers.
    given
        Measurement of the network itself, M = 1.
    copies
        Kind of copies -> what was measured of them.
    """

    leaning: Leaning
    balance: float
    p_value: float
    corrected: float
    given: Measured
    copies: Mapping[str, Measured]


def read_chain(
    network: nn.Sequential,
    ends: Mapping[str, int],
    inputs: Tensor,
    norm_inputs: Tensor,
    options: ProfileOptions = ProfileOptions(),
) -> dict[str, LayerReading]:
    """Read every hidden layer of a chain; arguments as of `read_network`.

    Parameters
    ----------
    ends
        Name of a layer -> number of the chain's steps up to and with its activation.
    """
    return read_network(network, chain_cut(ends), inputs, norm_inputs, options)


def read_network(
    network: nn.Module,
    cut: Cut,
    inputs: Tensor,
    norm_inputs: Tensor,
    options: ProfileOptions = ProfileOptions(),
    keep: Keep = made_now,
) -> dict[str, LayerReading]:
    """Read layers of a network beside its copies.

    Parameters
    ----------
    network
        Network, in eval mode.
    cut
        Layers to read.
    inputs
        Samples that chose nothing, (S, ...).
    norm_inputs
        Samples that the batch norms of fresh copies measure their statistics on.
    options
        Noise, rule, and number of copies.
    keep
        Function that gives each part of what is measured: kept from before an interrupt, or measured now.
    """
    count = options.copies or copies_needed(len(cut.layers), LEAST_P_VALUE)
    seeds = range(options.seed, options.seed + round(MOST_DRAWN * count))
    copies: dict[str, Iterator[nn.Module]] = {
        "shuffled": shuffled_copies(network, seeds),
        "fresh": fresh_copies(network, seeds, norm_inputs),
    }

    def look(networks: Iterable[nn.Module], levels: bool) -> dict[str, Measured]:
        return measure(networks, cut, inputs, options.noise, levels, keep)

    given = look([network], options.levels)
    others = {kind: enough(those, count, look, LEVEL_COPIES * options.levels) for kind, those in copies.items()}
    return judge_layers(given, others, options.rule)


Look = Callable[[Iterable[nn.Module], bool], Mapping[str, Measured]]
"""Networks of one structure, whether to count levels -> layer name -> what was measured of them."""


def enough(networks: Iterator[nn.Module], count: int, look: Look, levels: int = 0) -> Mapping[str, Measured]:
    """Measure copies until so many of them have a balance in every layer, or there are no more.

    Whether a copy is replaced hangs on whether its balance is defined, never on what it is.

    Parameters
    ----------
    networks
        Copies, some to spare.
    count
        Number of copies with a balance that are wanted.
    look
        Function of some networks that measures them.
    levels
        Number of copies, the first ones, whose levels are counted too.
    """
    parts = [look(islice(networks, min(levels, count)), True)] if levels else []
    parts += [look(islice(networks, count - levels), False)] if count > levels else []
    found = _put_together(parts)
    while (missing := max(count - int((~np.isnan(one.curve.balance)).sum()) for one in found.values())) > 0:
        some = list(islice(networks, missing))
        if not some:
            break
        found = _put_together([found, look(some, False)])
    return found


def _put_together(parts: Sequence[Mapping[str, Measured]]) -> Mapping[str, Measured]:
    return {name: joined([part[name] for part in parts]) for name in parts[0]}


def judge_layers(
    given: Mapping[str, Measured], copies: Mapping[str, Mapping[str, Measured]], rule: Rule = Rule()
) -> dict[str, LayerReading]:
    """Call every layer by what was measured of it and of the copies, kind -> layer -> measured."""
    balances = {name: float(found.curve.balance[0]) for name, found in given.items()}
    nulls = {name: [Null(kind, found[name].curve.balance) for kind, found in copies.items()] for name in given}
    p_values = np.array([worst_p_value(balances[name], nulls[name]) for name in given])
    return {
        name: LayerReading(
            leaning(balances[name], nulls[name], float(corrected), len(given), rule),
            balances[name],
            float(p_value),
            float(corrected),
            given[name],
            {kind: found[name] for kind, found in copies.items()},
        )
        for name, p_value, corrected in zip(given, p_values, holm(p_values), strict=True)
    }
