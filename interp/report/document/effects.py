"""What interventions found, under report.json's own keys; curves as lists, so that the file stays small."""

from __future__ import annotations

from typing import Any

import pandas as pd

from interp.types import Effects, RunEffects


def intervention_keys(effects: Effects, score: str) -> dict[str, Any]:
    """Give everything of `Effects` beside its table, by report.json's keys; `score` names what was measured."""
    curves = effects.curves.rename(columns={"accuracy": score})
    return {
        "groups": effects.groups.rename(columns={"accuracy": score}),
        "class_accuracy": _curves(effects.classes, ["layer", "split", "intervention", "class"], ["level", "accuracy"]),
        "class_falls": effects.falls,
        "clamp_curves": _curves(curves, ["layer", "node", "intervention"], ["level", score]),
        "node_levels": effects.node_levels,
        "class_balance": _curves(effects.balance, ["layer", "node"], ["class", "samples", "above"]),
        "control": _curves(effects.control, ["layer", "network", "shuffle", "intervention"], ["level", "agreement"]),
        "tolerance": effects.tolerance,
    }


def run_keys(found: RunEffects, score: str) -> dict[str, Any]:
    """Give what was found over several runs, by report.json's keys."""
    return {name: table.rename(columns={"accuracy": score}) for name, table in vars(found).items()}


def _curves(table: pd.DataFrame, keys: list[str], columns: list[str]) -> list[dict[str, Any]]:
    """Fold a tidy table: one object a curve, its columns as lists."""
    if table.empty:
        return []
    keys = [key for key in keys if key in table]  # files of version 1 know of one shuffled copy only
    return [
        dict(zip(keys, key, strict=True)) | {column: part[column].tolist() for column in columns}
        for key, part in table.groupby(keys, sort=False, dropna=False)
    ]
