"""Layers under questions: what was found of each layer in one row, each answer a link to where it comes from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from interp.report.selection.choose import ranks
from interp.report.selection.lookup import chance, coherent_share, share_p_value
from interp.report.tables import cells
from interp.report.tables.numbers import MISSING, decimals, finite, number, percent
from interp.tasks import find_task
from interp.types import LayerVerdict, Results, Table
from interp.verdict.layers import preference

MOST = 24  # rows; of more layers some are shown, evenly over depth

MEANINGS = {
    "which outputs decide": "small or large ones; p: how often copies with random weights lean as far, corrected for"
    " the number of layers. Near 0: not by chance; near 1: nothing seen",
    "levels needed": "values a node must be able to take for 95 % of the predictions to stay. 2: on or off is enough;"
    " many: it matters how much",
    "boundary near a cluster": "live nodes whose zero lies near the middle of a cluster of their values. It says"
    " something only above chance, the share of boundaries anywhere; p: how often these reach it",
    "weakened": "how far all its nodes can be scaled down at once, with {kept}. Near 0: robust; none: sensitive",
    "shifted": "how far all its boundaries can be moved down or up at once, in shares of a node's range, with {kept}."
    " Wide: robust; narrow: sensitive",
    "idle": "nodes that are dead or one-sided. Dead ones do nothing and can go",
}
"""Column -> what it means; ``kept`` stands for what is held on to."""


WHO = "Layer by layer, for those who shrink, quantise or edit the network; to use it, none of this is needed."
"""What the table is for."""


def layer_questions(results: Results) -> tuple[Table, ...]:
    """Give the table of layers and questions; none where nothing was found of any.

    Parameters
    ----------
    results
        Results of all stages, with the verdict.
    """
    hidden = [layer.name for layer in results.model.hidden or results.model.layers]
    verdicts = {one.layer: one for one in results.verdict.layers}
    tolerated = _tolerated(results.effects.tolerance)
    shown = [hidden[i] for i in ranks(len(hidden), MOST)]
    rows = [_row(results, name, verdicts.get(name), tolerated.get(name, {})) for name in shown]
    if not any(cell is not None for row in rows for key, cell in row.items() if key != "layer"):
        return ()
    left = "" if len(shown) == len(hidden) else f" {len(shown)} of {len(hidden)} hidden layers, evenly over depth."
    frame = pd.DataFrame(rows, dtype=object).dropna(axis=1, how="all")
    measured = find_task(results.model.task).measured
    kept = "99 % of the variance of its own outputs explained" if measured else "99 % of the predictions kept"
    meanings = {name: words.format(kept=kept) for name, words in MEANINGS.items()}
    last = " The last layer is not among them: its outputs are the answers." if results.model.hidden else ""
    return (Table(frame, f"{WHO}{last}{left}", meanings=meanings),)


def _row(results: Results, name: str, one: LayerVerdict | None, tolerated: dict[Any, Any]) -> dict[str, Any]:
    read, found = results.reading.get(name), results.boundaries.get(name)
    is_read = one is not None and read is not None and not read.skipped
    return {
        "layer": cells.Code(name, 32),
        "which outputs decide": _leaning(one, is_read) if one is not None else None,
        "levels needed": _levels(read.needed, int(read.levels[-1])) if is_read and read is not None else None,
        "boundary near a cluster": _coherent(results, name) if found is not None and len(found.epsilons) else None,
        "weakened": _weakened(tolerated),
        "shifted": _shifted(tolerated),
        "idle": _idle(found.counts) if found is not None else None,
    }


def _leaning(one: LayerVerdict, is_read: bool) -> cells.Linked:
    if not is_read:
        return cells.Linked(preference(one), "#reading")
    note = f"p = {cells.probability(one.p_holm).text}" if finite(one.p_holm) else ""
    return cells.Linked(preference(one), "#reading", note)


def _levels(needed: float, most: int) -> cells.Linked:
    return cells.Linked(number(int(needed)) if finite(needed) else f"over {most}", "#reading")


def _coherent(results: Results, name: str) -> cells.Linked:
    found = results.boundaries[name]
    null, p_value = chance(found).value, cells.probability(share_p_value(found)).text
    said = percent(coherent_share(found).value, 0)
    return cells.Linked(said, "#boundaries", f"chance {percent(null, 0)}, p = {p_value}" if said != MISSING else "")


def _tolerated(table: pd.DataFrame) -> dict[str, dict[Any, Any]]:
    """Give the row of the network itself of each layer."""
    own = table[table["network"] == "given"] if len(table) else table
    return {str(row["layer"]): row for row in own.to_dict(orient="records")}


def _weakened(row: dict[Any, Any]) -> cells.Linked | None:
    low = row.get("scale_low", np.nan)
    if not finite(low):
        return None
    return cells.Linked("none" if low >= 1 else f"to {decimals(low, 2)} times", "#interventions")


def _shifted(row: dict[Any, Any]) -> cells.Linked | None:
    low, high = row.get("offset_low", np.nan), row.get("offset_high", np.nan)
    if not (finite(low) and finite(high)):
        return None
    said = f"{percent(low)} to {percent(high)}"
    return cells.Linked("none" if low == 0 == high else said, "#interventions")


def _idle(counts: dict[str, int]) -> cells.Linked:
    said = [f"{counts[kind]:,} {kind}" for kind in ("dead", "one-sided") if counts.get(kind)]
    return cells.Linked(", ".join(said) or "none", "#all-nodes")
