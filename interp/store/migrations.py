"""Migrations of older versions of a file: fields as they were written -> fields as classes have them now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from interp.types.annotations.frames import pd

Fields = dict[str, Any]


def migrated(cls: str, version: int, fields: Fields) -> Fields:
    """Bring the fields of a class from the version in which they were written to the present one.

    Parameters
    ----------
    cls
        Name of the class.
    version
        Version of the file.
    fields
        Name of a field -> value, as read.

    Returns
    -------
    dict
        Name of a field of the class as it is now -> value.
    """
    for after, changes in sorted(MIGRATIONS.items()):
        if version < after and cls in changes:
            fields = changes[cls](dict(fields))
    return fields


# --------------------------------------------------------------------------- version 2

SIDES = ("above", "accuracy_above", "accuracy_below")
"""Columns of `Effects.node_levels` that version 2 added."""


def _effects_2(fields: Fields) -> Fields:
    """Say of nodes' levels that nothing is known of what lies on either side."""
    levels = fields.get("node_levels", pd.DataFrame())
    return fields | {"node_levels": levels.assign(**dict.fromkeys(SIDES, np.nan)) if len(levels) else levels}


# --------------------------------------------------------------------------- version 4

NO_OPS_3 = {
    "scale": 1.0, "clip": np.inf, "offset": 0.0, "clamp-min": 0.0, "clamp-max": 1.0, "zero": 0.0, "mean": 0.0,
}  # fmt: skip
"""Intervention -> the level that changed nothing in version 3, where no column said so."""


def _effects_4(fields: Fields) -> Fields:
    """Split the table of whole layers (node -1) and single nodes, and rename columns."""
    table = fields.pop("table").rename(columns={"accuracy": "score"})
    is_whole = table["node"] < 0
    fields["whole_layers"] = _levels_4(table[is_whole].drop(columns="node").reset_index(drop=True))
    fields["single_nodes"] = table[~is_whole].drop(columns="level", errors="ignore").reset_index(drop=True)
    for name in ("curves", "groups"):
        fields[name] = fields.get(name, pd.DataFrame()).rename(columns={"accuracy": "score"})
    for name in ("groups", "classes"):
        fields[name] = _levels_4(fields.get(name, pd.DataFrame()))
    for name in ("control", "tolerance"):
        fields[name] = _copies_4(fields.get(name, pd.DataFrame()))
    return fields


def _runs_4(fields: Fields) -> Fields:
    """Rename columns, and mark the levels that change nothing."""
    renamed = {name: table.rename(columns={"accuracy": "score"}) for name, table in fields.items()}
    return renamed | {name: _levels_4(renamed[name]) for name in ("table", "single")}


def _levels_4(table: pd.DataFrame) -> pd.DataFrame:
    """Add the column `no_op`; an infinite level is none."""
    if "level" not in table:
        return table
    level = table["level"].to_numpy(float)
    kinds = table["intervention"] if "intervention" in table else pd.Series(np.full(len(table), ""))
    table = table.assign(level=np.where(np.isfinite(level), level, np.nan))
    if "no_op" not in table:
        table.insert(table.columns.get_loc("level") + 1, "no_op", level == kinds.map(NO_OPS_3).to_numpy(float))
    return table


def _copies_4(table: pd.DataFrame) -> pd.DataFrame:
    """Give the number of a copy as `copy`; the network itself, -1 before, has none. Version 1 knew one copy."""
    if "network" not in table:
        return table
    number = table["shuffle"] if "shuffle" in table else pd.Series(np.zeros(len(table)))
    copy = np.where(table["network"] == "given", np.nan, number.to_numpy(float))
    return table.drop(columns="shuffle", errors="ignore").assign(copy=copy)


# --------------------------------------------------------------------------- version 6


def _boundaries_6(fields: Fields) -> Fields:
    """Say NaN where no component was compared: -1 before, and 0 for the mean of all rows under the rule `mean`."""
    component = np.asarray(fields["component"], float)
    is_none = (component < 0) | (fields["thresholds"].rule == "mean")
    return fields | {"component": np.where(is_none, np.nan, component)}


def _clusters_6(fields: Fields) -> Fields:
    """Say NaN where no centroid was matched, -1 before."""
    return fields | {"match": {kind: np.where(match < 0, np.nan, match) for kind, match in fields["match"].items()}}


# --------------------------------------------------------------------------- version 7


def _prototypes_7(fields: Fields) -> Fields:
    """Give the mean of z in place of the mean input's projection, which follows from it: (mu - projection) . w."""
    moved = fields["input_mean"] - fields.pop("projection")
    return fields | {"z_mean": (moved * fields["weight"]).sum(axis=1)}


MIGRATIONS: Mapping[int, Mapping[str, Callable[[Fields], Fields]]] = {
    2: {"Effects": _effects_2},
    4: {"Effects": _effects_4, "RunEffects": _runs_4},
    6: {"Boundaries": _boundaries_6, "ClusterMatch": _clusters_6},
    7: {"Prototypes": _prototypes_7},
}
"""Version -> name of a class -> function that turns its fields of the version before into those of this one."""
