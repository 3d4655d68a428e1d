"""How many levels of a node's output the decision needs, and where they are cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from interp.types import Array
from interp.types.annotations.shapes import Shape
from interp.verdict.reading.networks.stacked import Following, as_outputs, by_node, winners

CUTS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Quantiles at which every node is cut once."""
LEVELS = (2, 3, 4, 6, 8, 12, 16)
"""Numbers of levels that are tried, equally many values in each."""


@dataclass(frozen=True)
class Levels:
    """Predictions that are kept when nodes have few levels in place of values.

    Attributes
    ----------
    cuts
        Quantiles at which every node was cut once, (C,).
    kept_choosing
        Share of predictions kept by each cut on the samples that choose the best one, (M, C).
    kept_at
        Share of predictions kept by each cut on the other samples, (M, C).
    levels
        Numbers of levels of equally many values, (L,).
    kept_levels
        Share of predictions kept with each of these numbers on the other samples, (M, L).
    """

    cuts: Annotated[Array, Shape("C")]
    kept_choosing: Annotated[Array, Shape("M C")]
    kept_at: Annotated[Array, Shape("M C")]
    levels: Annotated[Array, Shape("L")]
    kept_levels: Annotated[Array, Shape("M L")]

    @property
    def best_cut(self) -> Array:
        """Quantile of the cut that keeps the most, (M,); of equal ones the one in the middle."""
        best = self.kept_choosing == self.kept_choosing.max(1, keepdims=True)
        return np.array([self.cuts[np.flatnonzero(row)[(row.sum() - 1) // 2]] for row in best])

    @property
    def kept(self) -> Array:
        """Share of predictions that the best cut keeps on samples that did not choose it, (M,)."""
        column = np.searchsorted(self.cuts, self.best_cut)
        return np.asarray(np.take_along_axis(self.kept_at, column[:, None], 1)[:, 0])

    def needed(self, share: float = 0.95) -> Array:
        """Give the least number of levels from which on that share of predictions is kept, (M,); infinity if none."""
        enough = np.flip(np.logical_and.accumulate(np.flip(self.kept_levels >= share, 1), axis=1), 1)
        return np.where(enough.any(1), self.levels[enough.argmax(1)], np.inf)


@torch.no_grad()
def count_levels(
    following: Following, outputs: Tensor, cuts: Sequence[float] = CUTS, levels: Sequence[int] = LEVELS
) -> Levels:
    """Put conditional means in place of values: of the values below a quantile, and of those above it, and finer.

    Bounds and means are measured on the first half of the samples, which also chooses the best cut; what is kept is
    measured on the second half.

    Parameters
    ----------
    following
        Function of the layer's outputs that gives the logits.
    outputs
        Outputs of the layer in M networks, (M, S, N, ...).
    cuts
        Quantiles to cut every node at once, in (0, 1).
    levels
        Numbers of levels to try, two or more.

    Examples
    --------
    Two levels are enough where the sign decides:

    >>> outputs = torch.tensor([-1.2, 0.9, -0.8, 1.1]).repeat(20).view(1, 80, 1)
    >>> found = count_levels(lambda a: torch.cat([a, -a], 2), outputs)
    >>> float(found.needed()[0]), float(found.kept[0])
    (2.0, 1.0)
    """
    half = outputs.shape[1] // 2
    kept = _keeping(following, outputs, half)
    single = np.stack([kept([cut]) for cut in cuts], 1)  # (M, C, S)
    several = np.stack([kept(np.arange(1, count) / count)[:, half:].mean(1) for count in levels], 1)
    return Levels(
        np.array(cuts), single[..., :half].mean(2), single[..., half:].mean(2), np.array(levels), np.array(several)
    )


def _keeping(following: Following, outputs: Tensor, half: int) -> Callable[[Sequence[float] | Array], Array]:
    """Give a function of quantiles that tells which predictions stay, (M, S), if nodes are cut at them.

    Bounds and means are those of the samples before `half`.
    """
    rows, learn = by_node(outputs), by_node(outputs[:, :half])
    values = np.ascontiguousarray(learn.detach().cpu().numpy())
    ordered = torch.from_numpy(np.sort(values, axis=2)).to(rows.device)  # torch's own sort is slower
    sums = torch.nn.functional.pad(ordered.cumsum(2, dtype=torch.float64), (1, 0))
    winner = winners(following(outputs))

    def kept(quantiles: Sequence[float] | Array) -> Array:
        bounds = _bounds(ordered, quantiles)
        cut = _replaced(rows, bounds, _means(ordered, sums, bounds))
        return (winners(following(as_outputs(cut, outputs))) == winner).cpu().numpy()

    return kept


def _bounds(ordered: Tensor, quantiles: Sequence[float] | Array) -> Tensor:
    """Give values at quantiles, (M, N, Q): of Q sorted values the nearest from below."""
    count = ordered.shape[2]
    places = [min(max(round(q * count) - 1, 0), count - 1) for q in quantiles]
    return ordered[..., places].contiguous()


def _means(ordered: Tensor, sums: Tensor, bounds: Tensor) -> Tensor:
    """Average the sorted values between bounds, (M, N, Q + 1); 0 where there are none."""
    ends = torch.searchsorted(ordered, bounds, right=True)  # a value equal to a bound is not above it
    edges = torch.cat([torch.zeros_like(ends[..., :1]), ends, torch.full_like(ends[..., :1], ordered.shape[2])], 2)
    total, size = sums.gather(2, edges).diff(dim=2), edges.diff(dim=2)
    return torch.where(size > 0, total / size.clamp(min=1), 0.0).to(ordered.dtype)


def _replaced(rows: Tensor, bounds: Tensor, means: Tensor) -> Tensor:
    """Put the mean of its level in place of each value, (M, N, R); a value equal to a bound is not above it."""
    if bounds.shape[2] == 1:
        return torch.where(rows > bounds, means[..., 1:], means[..., :1])
    return means.gather(2, torch.searchsorted(bounds, rows.contiguous()))
