"""Classes in the order in which they fall while a layer is scaled, clipped or shifted."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from interp.report.drawing.level_axis import level_axis
from interp.report.drawing.style import FAINT, KIND_COLOURS, canvas, layer_figures, pale, short
from interp.report.selection.lookup import shown_split
from interp.report.tables import cells
from interp.report.tables.numbers import number
from interp.types import Dataset, Effects, Figure, Table

FIRST, LAST = KIND_COLOURS["adhoc"], KIND_COLOURS["coherent"]
PUSHED = {
    ("scale", "down"): "scaled down",
    ("scale", "up"): "scaled up",
    ("clip", "down"): "cut at",
    ("offset", "down"): "shifted down",
    ("offset", "up"): "shifted up",
}


def class_name(data: Dataset, label: Any) -> str:
    """Give a class its name, or its number where it has none.

    Parameters
    ----------
    data
        Data set with the names of the classes.
    label
        Index of the class.
    """
    known = 0 <= int(label) < len(data.classes)
    return str(data.classes[int(label)]) if known else str(int(label))


def class_figures(effects: Effects, data: Dataset) -> dict[str, Figure]:
    """Draw each layer's accuracy on each class.

    Parameters
    ----------
    effects
        Costs of interventions.
    data
        Data set with the names of the classes.

    Returns
    -------
    dict
        Name of a layer -> figure.
    """
    split = shown_split(effects.classes) if len(effects.classes) else ""
    if not split:
        return {}
    names = layer_figures("classes", dict.fromkeys(effects.classes["layer"]))
    chosen = effects.classes[effects.classes["split"] == split]
    return {
        str(layer): Figure(
            names[layer], _caption(str(layer), split), partial(_draw, part, _of(effects, layer, split), data)
        )
        for layer, part in chosen.groupby("layer", sort=False)
        if layer in names
    }


def _of(effects: Effects, layer: str, split: str) -> pd.DataFrame:
    found = effects.falls
    return found[(found["layer"] == layer) & (found["split"] == split)] if len(found) else found


def _caption(layer: str, split: str) -> str:
    return (
        f"{layer}: accuracy of every class on the {split} split. Orange: the first class to lose half of its accuracy; "
        "blue: the last, or one that keeps over half of its accuracy."
    )


def _draw(part: pd.DataFrame, falls: pd.DataFrame, data: Dataset) -> Any:
    kinds = list(dict.fromkeys(part["intervention"]))
    figure, axes = canvas(1, len(kinds), height=2.1, sharey=True)
    for place, kind in zip(axes[0], kinds, strict=True):
        rows = part[(part["intervention"] == kind) & np.isfinite(part["level"])]
        first, last = _extremes(falls[falls["intervention"] == kind] if len(falls) else falls)
        for label, line in rows.groupby("class"):
            shade, width = (FIRST, 1.8) if label == first else (LAST, 1.8) if label == last else (FAINT, 0.8)
            place.plot(
                line["level"], line["accuracy"], color=shade, lw=width, alpha=1 if width > 1 else 0.7, zorder=width
            )
        place.set_title(str(kind))
        place.set_ylim(-0.02, 1.02)
        level_axis(place, rows["level"].to_numpy(float))
        pale(place)
        _name(place, data, first, last)
    axes[0, 0].set_ylabel("accuracy")
    return figure


def _name(axes: Any, data: Dataset, first: Any, last: Any) -> None:
    """Write the two classes below the panel's title."""
    for x, label, shade in ((0.0, first, FIRST), (1.0, last, LAST)):
        if label is not None:
            word = "first" if shade == FIRST else "last"
            text = f"{word}: {short(class_name(data, label), 14)}"
            side = "left" if x == 0 else "right"
            axes.text(x, -0.24, text, transform=axes.transAxes, color=shade, fontsize=7.5, ha=side, va="top")


def _extremes(falls: pd.DataFrame) -> tuple[Any, Any]:
    """Give the first class to fall on the side where most do, and the last; None where none does."""
    if falls.empty or falls["level"].isna().all():
        return None, None
    side = falls.groupby("side")["level"].count().idxmax()
    order = _ordered(falls[falls["side"] == side])
    return order["class"].iloc[0], order["class"].iloc[-1]


def _ordered(falls: pd.DataFrame) -> pd.DataFrame:
    """Sort the classes of one side, the first to fall above, those that never do below."""
    return falls.sort_values("level", ascending=falls["side"].iloc[0] == "up", kind="stable", na_position="last")


def fall_table(effects: Effects, data: Dataset) -> tuple[Table, ...]:
    """List which class falls first and which last, for every intervention in either direction.

    Parameters
    ----------
    effects
        Costs of interventions.
    data
        Data set with the names of the classes.

    Returns
    -------
    tuple of Table
        One table; none where no class was swept.
    """
    if effects.falls.empty:
        return ()
    split = shown_split(effects.falls)
    chosen = effects.falls[effects.falls["split"] == split]
    rows = [
        _row(str(layer), str(kind), str(side), part, data)
        for (layer, kind, side), part in chosen.groupby(["layer", "intervention", "side"], sort=False)
        if part["level"].notna().any()
    ]
    caption = (
        f"Which classes fall first on the {split} split: the level at which a class has lost half of its accuracy, "
        "going away from the unperturbed network. Ways of pushing under which no class falls are left out."
    )
    return (Table(pd.DataFrame(rows, dtype=object), caption, sortable=True),) if rows else ()


def _row(layer: str, kind: str, side: str, part: pd.DataFrame, data: Dataset) -> dict[str, Any]:
    order = _ordered(part)
    fallen = order[order["level"].notna()]
    first, last = fallen.iloc[0], fallen.iloc[-1]
    return {
        "layer": cells.Code(layer, 32),
        "pushed": PUSHED.get((kind, side), f"{kind} {side}"),
        "first to fall": class_name(data, first["class"]),
        "at": cells.number(first["level"]),
        "last to fall": class_name(data, last["class"]),
        "at level": cells.number(last["level"]),
        "keep over half": _kept(order, data),
    }


def _kept(order: pd.DataFrame, data: Dataset, most: int = 4) -> str:
    """Name the classes that keep over half of their accuracy at every level, which need not be much of it."""
    names = [class_name(data, label) for label in order.loc[order["level"].isna(), "class"]]
    if len(names) <= most:
        return ", ".join(names) or "none"
    return f"{', '.join(names[:most])} and {number(len(names) - most)} more"
