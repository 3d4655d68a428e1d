"""A report.json of schema 1 as schema 2 has it: what was renamed, and what stood for something else and now says so."""

from __future__ import annotations

from typing import Any

NO_OPS = {"scale": 1, "clip": None, "offset": 0, "clamp-min": 0, "clamp-max": 1, "zero": 0, "mean": 0}
"""Intervention -> the level that changes nothing, as JSON holds it: clip's is no number."""

SCORES = ("accuracy", "exact_match", "r2")
"""What the score was called, by task."""


def schema_2(report: dict[str, Any]) -> dict[str, Any]:
    """Give a report of schema 1 the keys and values of schema 2; one of another schema stays as it is.

    Examples
    --------
    >>> old = {"schema": 1, "model": {"score": {"name": "r2", "train": 0.5}, "accuracy": {}}}
    >>> schema_2(old)["model"]
    {'score': {'train': 0.5}, 'score_name': 'r2'}
    """
    if report.get("schema") != 1:
        return report
    model = {**report["model"]}
    model.pop("accuracy")
    score = {**model["score"]}
    changed = {"schema": 2, "model": {**model, "score_name": score.pop("name"), "score": score}}
    rows = report.get("interventions", [])
    ordered = [row for row in rows if row["node"] < 0] + [row for row in rows if row["node"] >= 0]
    changed["interventions"] = [_swept({**row, "node": row["node"] if row["node"] >= 0 else None}) for row in ordered]
    changed["groups"] = [_swept(row) for row in report.get("groups", [])]
    changed["clamp_curves"] = [_scored(curve) for curve in report.get("clamp_curves", [])]
    changed["nodes"] = [
        {**node, "ablation": [_scored(row) for row in node["ablation"]]} for node in report.get("nodes", [])
    ]
    for name in ("control", "tolerance"):
        changed[name] = [_numbered(row) for row in report.get(name, [])]
    if runs := report.get("runs"):
        changed["runs"] = {
            "table": [_swept(row) for row in runs["table"]],
            "single": [_swept(row) for row in runs["single"]],
            "networks": [_scored(row) for row in runs["networks"]],
        }
    return {**report, **changed}


def _scored(row: dict[str, Any]) -> dict[str, Any]:
    return {"score" if key in SCORES else key: value for key, value in row.items()}


def _swept(row: dict[str, Any]) -> dict[str, Any]:
    """Rename the score, and mark the level that changes nothing."""
    kind = row["intervention"]
    return {**_scored(row), "no_op": kind in NO_OPS and row["level"] == NO_OPS[kind]}


def _numbered(row: dict[str, Any]) -> dict[str, Any]:
    """Give a shuffled copy its number, and the network itself, -1 before, none."""
    row = {**row}
    number = row.pop("shuffle")
    return {**row, "copy": number if number >= 0 else None}
