"""Command, digests, versions and settings, to make the page again."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from interp.report.tables import cells
from interp.run.timings import note
from interp.types import Results, Section, Table, as_json

SKIPPED = 50


def section(results: Results) -> Section:
    """Show the command, the digests, the versions, the settings and the thresholds.

    Parameters
    ----------
    results
        Results of all stages, with the verdict.
    """
    text = (
        "The same command on the same files with the same seed gives the same numbers. The digests are SHA-256 of "
        "the checkpoint file and of the data.",
        "Each stage's result lies beside this page and can be opened alone; report.json holds every number shown here.",
    )
    tables = [
        Table(_facts(results), "What this page was made from, and with what."),
        Table(
            _stages(results), "The stages behind this page, each with its file and a digest of all that it rests on."
        ),
        Table(_timings(results), "Where the time went, by the clock."),
        Table(_thresholds(results), "Thresholds in use."),
        Table(_skipped(results), "What was left out, and why."),
    ]
    return Section("Reproduce", text, (), tuple(table for table in tables if len(table.frame)))


def _facts(results: Results) -> pd.DataFrame:
    made = results.provenance
    settings = dict(made.settings)
    facts: dict[str, Any] = {
        "command": cells.Code(str(settings.pop("command", "")), 2000),
        "model digest": cells.Code(made.model_digest),
        "data digest": cells.Code(made.data_digest),
        "seed": cells.Code(str(made.seed)),
        "versions": ", ".join(f"{name} {version}" for name, version in made.versions.items()),
    }
    facts |= {str(name): cells.Code(_text(value), 500) for name, value in settings.items()}
    return pd.DataFrame({"fact": list(facts), "value": list(facts.values())}, dtype=object)


def _stages(results: Results) -> pd.DataFrame:
    rows = [
        {
            "stage": cells.Code(made.stage),
            "what it does": made.does,
            "found": made.found,
            "file": cells.Code(made.file),
            "digest": cells.Code(made.fingerprint[:12]),
        }
        for made in results.made
    ]
    return pd.DataFrame(rows, dtype=object)


def _timings(results: Results) -> pd.DataFrame:
    """List the steps of the run with their times, as texts: they are no findings, and another run has others."""
    known = [one for one in results.timings if np.isfinite(one.seconds)]
    rows = [{"step": cells.Code(one.step), "time": f"{one.seconds:.1f} s", "note": note(one)} for one in known]
    return pd.DataFrame(rows, dtype=object)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(as_json(value), ensure_ascii=False)


def _thresholds(results: Results) -> pd.DataFrame:
    """List the thresholds; a layer has a row of its own only where they differ."""
    used = {layer: vars(found.thresholds) for layer, found in results.boundaries.items()}
    rows = list(used.values())
    if rows and all(row == rows[0] for row in rows):
        return pd.DataFrame([rows[0]], dtype=object)
    return pd.DataFrame([{"layer": cells.Code(layer), **row} for layer, row in used.items()], dtype=object)


def _skipped(results: Results) -> pd.DataFrame:
    parts = {**results.model.skipped, **results.effects.skipped}
    shown = list(parts.items())[:SKIPPED]
    if len(parts) > SKIPPED:
        shown.append((f"{len(parts) - SKIPPED:,} more", "in report.json"))
    return pd.DataFrame({"part": [cells.Code(name) for name, _ in shown], "reason": [reason for _, reason in shown]})
