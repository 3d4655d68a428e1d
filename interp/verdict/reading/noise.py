"""Rank noise: which part of its nodes' ranges of outputs the decision hangs on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from interp.types import Array
from interp.types.annotations.shapes import Shape
from interp.verdict.reading.networks.stacked import Following, as_outputs, by_node, margins, winners
from interp.verdict.reading.ranks import random_order

REACHED = 0.5
"""Least share of samples whose margin noise must move for a layer to have a balance."""
UNMOVED = 1e-3
"""Change of a margin, in mean changes of the network's margins, below which a sample is not reached."""


@dataclass(frozen=True)
class NoiseOptions:
    """How noise is put on outputs.

    Attributes
    ----------
    size
        Standard deviation of the noise, in standard deviations of the node.
    parts
        Number of equal parts of each node's ranks that get noise one after the other.
    ends
        Number of parts at either end that the balance compares.
    draws
        Number of draws of noise on the parts at the ends, whose mean counts; the others get one.
    ends_only
        Whether the parts between the ends are left out, which the balance does not need.
    seed
        Seed of the random number generator.
    """

    size: float = 1.0
    parts: int = 10
    ends: int = 2
    draws: int = 3
    ends_only: bool = False
    seed: int = 0

    @property
    def used(self) -> list[int]:
        """Parts that get noise, numbered from the lowest."""
        return [part for part in range(self.parts) if not (self.ends_only and self._is_inner(part))]

    def draws_of(self, part: int) -> int:
        """Give how many draws of noise a part gets."""
        return 1 if self._is_inner(part) else self.draws

    def _is_inner(self, part: int) -> bool:
        return self.ends <= part < self.parts - self.ends


@dataclass(frozen=True)
class Curve:
    """What noise on each part of the nodes' ranks does to the decisions of M networks.

    Attributes
    ----------
    moved
        Mean absolute change of a sample's margin, in logits, (M, parts); the lowest outputs' part first, NaN for a
        part that was left out.
    flipped
        Share of predictions that changed, (M, parts).
    reached
        Share of the samples that got noise whose margin it moved at all, (M,).
    ends
        Number of parts at either end that the balance compares.
    """

    moved: Annotated[Array, Shape("M P")]
    flipped: Annotated[Array, Shape("M P")]
    reached: Annotated[Array, Shape("M")]
    ends: int

    @property
    def shares(self) -> Array:
        """Each part's share of all that moved, (M, parts); NaN where nothing did."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.moved / self.moved.sum(1, keepdims=True))

    @property
    def balance(self) -> Array:
        """S = (low - high) / (low + high) of what moved by noise on the lowest and on the highest parts, (M,).

        Above zero the decision hangs on small outputs, below it on large ones. NaN of a network most of whose decisions
        do not hang on the layer at all (fewer than `REACHED` of the samples): what moves the few says nothing of it.
        """
        low, high = self.moved[:, : self.ends].sum(1), self.moved[:, -self.ends :].sum(1)
        with np.errstate(invalid="ignore"):
            return np.where(self.reached >= REACHED, (low - high) / (low + high), np.nan)


@torch.no_grad()
def rank_noise(following: Following, outputs: Tensor, options: NoiseOptions = NoiseOptions()) -> Curve:
    """Put the same noise on the lowest tenth of every node's outputs, on the next, and so on up to the highest.

    Every part gets as many values, and the same ones, drawn from N(0, 1) and times the node's standard deviation: what
    differs between parts is only where in the node's range the noise comes. How far the margin between the winning
    class and the next one moves is counted rather than changed predictions, of which a network whose classes are far
    apart, or that decides for one class alone, has none.

    Parameters
    ----------
    following
        Function of the layer's outputs that gives the logits.
    outputs
        Outputs of the layer in M networks, (M, S, N, ...); ranks are over samples and positions, of which there must
        be at least one a part.
    options
        Size of the noise, number of parts, seed.

    Examples
    --------
    Six classes, and a node for each that is nearly zero on its class and anything else on the others:

    >>> own = torch.eye(6).repeat(20, 1)
    >>> away = torch.linspace(0.5, 1.5, 120)[:, None].roll(7)
    >>> curve = rank_noise(lambda distances: -distances, (0.1 * own + away * (1 - own))[None])
    >>> bool(curve.balance[0] > 0.3)
    True
    """
    rng = np.random.default_rng(options.seed)
    rows = by_node(outputs)
    order = random_order(rows, rng)
    count = rows.shape[2] // options.parts
    starts = np.linspace(0, rows.shape[2] - count, options.parts).round().astype(int)
    drawn = torch.from_numpy(rng.standard_normal((options.draws, rows.shape[1], count), np.float32)).to(rows)
    noise = [options.size * one * rows.std(2, correction=0, keepdim=True) for one in drawn]
    decide = _decisions(following, outputs)
    moved, flipped = (np.full((len(outputs), options.parts), np.nan) for _ in range(2))
    most, touched = np.zeros(outputs.shape[:2], np.float32), np.zeros(outputs.shape[:2], bool)
    for part in options.used:
        places = order[..., starts[part] : starts[part] + count]
        found = [
            decide(as_outputs(rows.scatter_add(2, places, one), outputs)) for one in noise[: options.draws_of(part)]
        ]
        changes, flips = (np.stack(each) for each in zip(*found, strict=True))
        moved[:, part], flipped[:, part] = changes.mean((0, 2)), flips.mean((0, 2))
        most = np.maximum(most, changes.max(0))
        touched |= _samples_of(places, outputs)
    reached = (most > UNMOVED * most.mean(1, keepdims=True)).sum(1) / touched.sum(1)
    return Curve(moved, flipped, reached, options.ends)


def _samples_of(places: Tensor, outputs: Tensor) -> Array:
    """Tell which samples have one of these places of any node, (M, N, R) -> (M, S)."""
    copies, samples = outputs.shape[:2]
    found = torch.zeros(copies, samples, dtype=torch.bool, device=places.device)
    positions = outputs[0, 0, 0].numel()
    return found.scatter_(1, torch.div(places.flatten(1), positions, rounding_mode="floor"), True).cpu().numpy()


def _decisions(following: Following, outputs: Tensor) -> Callable[[Tensor], tuple[Array, Array]]:
    """Compare with the undisturbed outputs: changed ones -> change of each margin and flipped predictions, (M, S)."""
    logits = following(outputs)
    winner = winners(logits)
    margin = margins(logits, winner)

    def compared(changed: Tensor) -> tuple[Array, Array]:
        after = following(changed)
        moved = (margins(after, winner) - margin).abs()
        return moved.cpu().numpy(), (winners(after) != winner).cpu().numpy()

    return compared
