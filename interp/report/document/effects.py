"""Costs of interventions under report.json's own keys; curves as lists, so that the file stays small."""

from __future__ import annotations

from typing import Any

import pandas as pd

from interp.types import Effects


def intervention_keys(effects: Effects) -> dict[str, Any]:
    """Give all tables of `Effects` by report.json's keys.

    Parameters
    ----------
    effects
        Costs of interventions.

    Returns
    -------
    dict
        Key of report.json -> table, or list of curves.
    """
    return {
        "interventions": effects.table,
        "interventions_skipped": effects.skipped,
        "baseline": effects.baseline,
        "groups": effects.groups,
        "class_accuracy": _curves(effects.classes, ["layer", "split", "intervention", "class"], ["level", "accuracy"]),
        "class_falls": effects.falls,
        "clamp_curves": _curves(effects.curves, ["layer", "node", "intervention"], ["level", "score"]),
        "node_levels": effects.node_levels,
        "class_balance": _curves(effects.balance, ["layer", "node"], ["class", "samples", "above"]),
        "node_classes": _curves(
            effects.node_classes, ["layer", "node"], ["class", "samples", "accuracy", "difference"]
        ),
        "control": _curves(
            _numbered(effects.control), ["layer", "network", "copy", "intervention"], ["level", "agreement"]
        ),
        "tolerance": _numbered(effects.tolerance),
    }


def _numbered(table: pd.DataFrame) -> pd.DataFrame:
    """Give the copies whole numbers, and the network itself none."""
    return table.astype({"copy": "Int64"}) if len(table) else table


def _curves(table: pd.DataFrame, keys: list[str], columns: list[str]) -> list[dict[str, Any]]:
    """Fold a tidy table: one object a curve, its columns as lists."""
    if table.empty:
        return []
    return [
        dict(zip(keys, key, strict=True)) | {column: part[column].tolist() for column in columns}
        for key, part in table.groupby(keys, sort=False, dropna=False)
    ]
