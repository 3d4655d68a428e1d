"""How many levels of a node's output the decision needs, and where they are cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from interp.types import Array
from interp.verdict.reading.stacked import Following, as_outputs, by_node, winners

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
        The same on the other samples, (M, C).
    levels
        Numbers of levels of equally many values, (L,).
    kept_levels
        Share of predictions kept with each of these numbers on the other samples, (M, L).
    """

    cuts: Array
    kept_choosing: Array
    kept_at: Array
    levels: Array
    kept_levels: Array

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
        What follows the layer.
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
    first, second = outputs[:, :half], outputs[:, half:]
    kept = [[_kept(following, first, part, [cut]) for cut in cuts] for part in (first, second)]
    several = [_kept(following, first, second, np.arange(1, count) / count) for count in levels]
    choosing, at = (np.stack(part, 1) for part in kept)
    return Levels(np.array(cuts), choosing, at, np.array(levels), np.stack(several, 1))


def _kept(following: Following, learn: Tensor, apply: Tensor, quantiles: Sequence[float] | Array) -> Array:
    """Cut at quantiles of some samples, and give the share of predictions that others keep, (M,)."""
    rows, others = by_node(learn), by_node(apply)
    bounds = _bounds(rows, quantiles)
    level = _level(rows, bounds)
    count = len(quantiles) + 1
    total = torch.zeros(*rows.shape[:2], count, dtype=rows.dtype, device=rows.device).scatter_add(2, level, rows)
    size = torch.zeros_like(total).scatter_add(2, level, torch.ones_like(rows))
    means = torch.where(size > 0, total / size.clamp(min=1), 0.0)
    cut = means.gather(2, _level(others, bounds))
    same = winners(following(as_outputs(cut, apply))) == winners(following(apply))
    return same.float().mean(1).cpu().numpy()


def _bounds(rows: Tensor, quantiles: Sequence[float] | Array) -> Tensor:
    """Give values at quantiles, (M, N, Q): of Q sorted values the nearest from below."""
    ordered = torch.from_numpy(np.sort(rows.detach().cpu().numpy(), axis=2)).to(rows.device)  # torch's sort is slower
    places = [min(max(round(q * rows.shape[2]) - 1, 0), rows.shape[2] - 1) for q in quantiles]
    return ordered[..., places].contiguous()


def _level(rows: Tensor, bounds: Tensor) -> Tensor:
    """Count the bounds that lie below each value, (M, N, R); a value equal to a bound is not above it."""
    return torch.searchsorted(bounds, rows.contiguous())
