"""Everything that is measured of the layers of a network, and in the same way of its copies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn

from interp.types.parts import Keep, made_now
from interp.verdict.reading.levels import Levels, count_levels
from interp.verdict.reading.networks.cut import Cut, Networks
from interp.verdict.reading.noise import Curve, NoiseOptions, rank_noise


@dataclass(frozen=True)
class Measured:
    """What was measured of one layer in M networks.

    Attributes
    ----------
    curve
        Changes of decisions by noise on each part of the ranks.
    levels
        Predictions kept with few levels; None where they were not asked for.
    """

    curve: Curve
    levels: Levels | None


@torch.no_grad()
def measure(
    networks: Iterable[nn.Module],
    cut: Cut,
    inputs: Tensor,
    noise: NoiseOptions = NoiseOptions(),
    levels: bool = False,
    keep: Keep = made_now,
) -> dict[str, Measured]:
    """Measure every layer of networks of one structure, all with the same noise.

    Parameters
    ----------
    networks
        Networks in eval mode.
    cut
        Layers that they are measured at.
    inputs
        Samples, (S, ...).
    noise
        Size, parts and draws of the noise on outputs.
    levels
        Whether to count levels too.
    keep
        Giver of what was measured of one layer in some networks: kept from before an interrupt, or measured now.
    """

    def one(name: str, taken: Networks) -> Measured:
        outputs, following = taken.until(name, inputs), cut.following(taken, name, inputs)
        counted = count_levels(following, outputs) if levels else None
        return Measured(rank_noise(following, outputs, noise), counted)

    def makes() -> Iterator[tuple[str, Callable[[], Measured]]]:
        for some in _chunks(networks, cut.most):
            taken = cut.take(some)
            yield from ((name, partial(one, name, taken)) for name in cut.layers)

    found = keep.each(makes(), Measured)
    return {name: joined(found[i :: len(cut.layers)]) for i, name in enumerate(cut.layers)}


def _chunks(networks: Iterable[nn.Module], most: int) -> Iterator[list[nn.Module]]:
    rest = iter(networks)
    while some := list(islice(rest, most)):
        yield some


def joined(parts: Sequence[Measured]) -> Measured:
    """Put what was measured of some networks and of others together."""
    curve = Curve(
        np.concatenate([part.curve.moved for part in parts]),
        np.concatenate([part.curve.flipped for part in parts]),
        np.concatenate([part.curve.reached for part in parts]),
        parts[0].curve.ends,
    )
    levels = [part.levels for part in parts if part.levels is not None]  # of the first networks only, where asked so
    if not levels:
        return Measured(curve, None)
    values = {one.name: [getattr(part, one.name) for part in levels] for one in fields(Levels)}
    joined = {name: found[0] if found[0].ndim == 1 else np.concatenate(found) for name, found in values.items()}
    return Measured(curve, Levels(**joined))
