"""Which classes fall first when a layer is pushed away from where it stands."""

from __future__ import annotations

import numpy as np

from interp.interventions.levels import no_op
from interp.types import Array, Effects
from interp.types.annotations.fields import table_columns
from interp.types.annotations.frames import pd


def falls(classes: pd.DataFrame) -> pd.DataFrame:
    """Give the level at which each class has lost half of its accuracy, going down and up from the no-op.

    Parameters
    ----------
    classes
        Rows of `Effects.classes`.

    Returns
    -------
    table
        Rows of `Effects.falls`: NaN for a class that does not fall, no row for an intervention without a no-op.
    """
    empty = pd.DataFrame(columns=table_columns(Effects, "falls"))
    if classes.empty:
        return empty
    found = []
    for (layer, split, kind), part in classes.groupby(["layer", "split", "intervention"], sort=False):
        centre = no_op(str(kind))
        known = part.assign(level=part["level"].fillna(centre))  # such as a cap at infinity
        grid = known.pivot_table(index="class", columns="level", values="accuracy")
        level = grid.columns.to_numpy(float)
        if not np.any(level == centre):
            continue
        usual = grid.to_numpy(float)[:, level == centre]
        fallen = (grid.to_numpy(float) <= usual / 2) & (usual > 0)
        for side, there in (("down", level < centre), ("up", level > centre)):
            order = np.flatnonzero(there)[:: -1 if side == "down" else 1]
            if len(order):
                key = {"layer": layer, "split": split, "intervention": kind, "side": side}
                found.append(
                    pd.DataFrame({**key, "class": grid.index, "level": _first(level[order], fallen[:, order])})
                )
    return pd.concat(found, ignore_index=True) if found else empty


def _first(level: Array, fallen: Array) -> Array:
    """Give the first level in order at which each row is true, NaN where none is."""
    return np.where(fallen.any(1), level[fallen.argmax(1)], np.nan)
