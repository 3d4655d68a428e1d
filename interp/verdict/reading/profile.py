"""The reading profile of a chain: every hidden layer beside shuffled and fresh copies of the network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from torch import Tensor, nn

from interp.verdict.reading.copies import fresh_copies, shuffled_copies
from interp.verdict.reading.measure import Measured, joined, measure
from interp.verdict.reading.noise import NoiseOptions
from interp.verdict.reading.rule import Leaning, Rule, leaning, worst_p_value
from interp.verdict.reading.significance import Null, copies_needed, holm

MOST_DRAWN = 1.5
"""Number of copies that may be drawn for each that is wanted, where some have no balance."""


@dataclass(frozen=True)
class ProfileOptions:
    """What a reading profile is made with.

    Attributes
    ----------
    noise
        How noise is put on outputs.
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
        Verdict.
    balance
        S of the network.
    p_value
        Largest of the rank p-values against each kind of copies.
    corrected
        The same after Holm's correction for the number of layers.
    given
        What was measured of the network, M = 1.
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
    """Read every hidden layer of a chain.

    Parameters
    ----------
    network
        Chain, in eval mode.
    ends
        Name of a layer -> number of the chain's steps up to and with its activation.
    inputs
        Samples that chose nothing, (S, ...).
    norm_inputs
        Samples that the batch norms of fresh copies measure their statistics on.
    options
        What the profile is made with.
    """
    count = options.copies or copies_needed(len(ends), options.rule.alpha)
    seeds = range(options.seed, options.seed + round(MOST_DRAWN * count))
    copies = {
        "shuffled": shuffled_copies(network, seeds),
        "fresh": fresh_copies(network, seeds, norm_inputs),
    }

    def look(networks: Iterable[nn.Sequential]) -> dict[str, Measured]:
        return measure(networks, ends, inputs, options.noise, options.levels)

    given = look([network])
    return judge_layers(given, {kind: enough(those, count, look) for kind, those in copies.items()}, options.rule)


Look = Callable[[Iterable[nn.Sequential]], Mapping[str, Measured]]
"""Networks of one structure -> layer name -> what was measured of them."""


def enough(networks: Iterator[nn.Sequential], count: int, look: Look) -> Mapping[str, Measured]:
    """Measure copies until so many of them have a balance in every layer, or there are no more.

    Whether a copy is replaced hangs on whether its balance is defined, never on what it is.

    Parameters
    ----------
    networks
        Copies, some to spare.
    count
        Number of copies with a balance that are wanted.
    look
        What measures some of them.
    """
    found = look(islice(networks, count))
    while (missing := max(count - int((~np.isnan(one.curve.balance)).sum()) for one in found.values())) > 0:
        some = list(islice(networks, missing))
        if not some:
            break
        further = look(some)
        found = {name: joined([one, further[name]]) for name, one in found.items()}
    return found


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
