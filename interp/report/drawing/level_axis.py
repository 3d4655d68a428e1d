"""The axis of intervention levels, spread where levels span orders of magnitude."""

from __future__ import annotations

from typing import Any

import numpy as np

LINEAR = 0.05  # shifts below this are drawn to scale, larger ones by order of magnitude
SHIFTS = (-2, -0.5, -0.1, 0, 0.1, 0.5, 2)


def level_axis(axes: Any, levels: Any) -> None:
    """Spread levels that span orders of magnitude, on both sides of 0 if there are any.

    Parameters
    ----------
    axes
        Axes of matplotlib.
    levels
        Levels on the horizontal axis.
    """
    small = np.abs(levels[levels != 0]).min(initial=np.inf)
    if np.abs(levels).max(initial=0) < 200 * small:
        return
    if (levels > 0).all():
        axes.set_xscale("log")
    elif (levels < 0).any():
        axes.set_xscale("symlog", linthresh=LINEAR)
        axes.set_xticks([x for x in SHIFTS if levels.min() <= x <= levels.max()])
    plain_ticks(axes.xaxis)


def plain_ticks(axis: Any) -> None:
    """Print 0.01, not a power of ten: mathematical text is off, since names may hold dollar signs.

    Parameters
    ----------
    axis
        Axis of matplotlib.
    """
    from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
    axis.set_minor_locator(NullLocator())
