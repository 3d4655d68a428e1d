"""Sections on scores: each network's, their differences, groups, classes, and the samples that they disagree on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from interp.comparison.disputed import ROWS, VALUES, distinct
from interp.comparison.result import Comparison
from interp.report.drawing.style import PHOTO, canvas
from interp.report.tables import cells
from interp.report.tables.numbers import MISSING, finite, number
from interp.types import Figure, Section, Table

SURE = 0.05
"""Largest q-value of a difference that is called one."""


def scores(found: Comparison) -> Section:
    """Show the score of each network, and the tests of their differences."""
    data = found.data
    text = [
        f"{len(found.networks)} networks on {data['name']}: {data['samples']:,} samples of the {data['split']} split.",
        _told(found.pairs),
    ]
    networks = found.networks[["network", "group", "nodes", "score", "low", "high"]]
    tables = [
        Table(shown(networks, data["score"]), "Score of each network, with its 95 % interval.", sortable=True),
        Table(
            shown(found.pairs, data["score"]),
            "Differences, second less first, with paired 95 % intervals and tests; q is corrected for the pairs.",
            sortable=True,
        ),
    ]
    return Section("Scores", (*text, *found.left_out), (), tuple(tables))


def _told(pairs: pd.DataFrame) -> str:
    """Say how many pairs differ by more than chance."""
    sure = pairs[pairs["q_value"] <= SURE]
    if len(pairs) == 1:
        row = pairs.iloc[0]
        verdict = "differ by more than chance" if len(sure) else "do not differ by more than chance"
        return (
            f"{row['first']} and {row['second']} {verdict} ({row['test']}, p = {row['p_value']:.2g}); they agree on"
            f" {row['agreement']:.1%}."
        )
    span = f"{pairs['agreement'].min():.1%} to {pairs['agreement'].max():.1%}"
    return f"{len(sure)} of {len(pairs)} pairs differ by more than chance (q ≤ {SURE:g}); agreement goes from {span}."


def groups(found: Comparison) -> Section | None:
    """Show table 5's metrics."""
    if found.groups.empty:
        return None
    caption = (
        "Samples wrong in at least one network of a group (unique), in all (consistent), in half or more (voting), and,"
        " where outputs are distances, of which another class has the smallest norm of outputs over the group (l2)."
    )
    table = found.groups.assign(group=found.groups["group"].replace("", "all given"))
    return Section("Errors of groups", (), (), (Table(shown(table, found.data["score"]), caption),))


def classes(found: Comparison) -> Section | None:
    """Show where pairs differ by class."""
    if found.classes.empty:
        return None
    table = found.classes.sort_values("p_value").assign(**{"class": _names(found, found.classes["class"])})
    caption = "Accuracy by class of each pair, the most significant first (exact McNemar; q over the pair's classes)."
    return Section("Where they differ by class", (), (), (Table(shown(table), caption, sortable=True),))


def disputed(found: Comparison) -> Section | None:
    """Show the samples that networks disagree on, as pictures where they are images."""
    if found.disputed.empty:
        return None
    about = {"sample": found.disputed["sample"], "label": _names(found, found.disputed["label"])}
    own = {
        name: _names(found, [row[name] for row in found.disputed["predictions"]]) for name in found.networks["network"]
    }
    table = _table({**about, "wrong": found.disputed["wrong"]}, own)
    figures: tuple[Figure, ...] = ()
    if found.image_shape is not None:
        caption = f"The {len(table)} samples that the networks disagree on most: label, and how many are wrong."
        figures = (Figure(f"disputed-{PHOTO}", caption, lambda: _images(found)),)
    caption = "What each network predicts for them; sample numbers count from 0 within the split."
    return Section("Disputed samples", (), figures, (Table(table, caption, sortable=True), *_inputs(found, about)))


def _inputs(found: Comparison, about: Mapping[str, Any]) -> tuple[Table, ...]:
    """Show the inputs of disputed samples in the units of the data, tokens as text; none of images."""
    if "inputs" not in found.disputed:
        return ()
    rows = list(found.disputed["inputs"])
    left = _left_out(rows[0], int(found.disputed["inputs_left_out"].iloc[0]))
    caption = f"What they are, in the units of the data.{left}"
    return (Table(_table(about, {name: [row[name] for row in rows] for name in rows[0]}), caption, sortable=True),)


def _left_out(row: Mapping[str, Any], left: int) -> str:
    """Say which values of the inputs are shown, where others are left out."""
    if not left:
        return ""
    if any(isinstance(values, list) for values in row.values()):
        return f" Of each sequence, its first {VALUES} values."
    return (
        f" Of {len(row) + left:,} columns, the {len(row)} in which these samples lie furthest from the mean, in"
        f" standard deviations of the column (mean and deviation are of up to {ROWS:,} samples of the split, drawn at"
        " random)."
    )


def _table(about: Mapping[str, Any], named: Mapping[str, Any]) -> pd.DataFrame:
    """Set columns that files name beside own ones, whatever their names."""
    names = distinct(list(named), list(about))
    columns = {**about, **dict(zip(names, named.values(), strict=True))}
    return pd.DataFrame({name: list(map(cell, values)) for name, values in columns.items()}, dtype=object)


def _images(found: Comparison) -> Any:
    assert found.image_shape is not None
    columns = min(8, len(found.images))
    rows = -(-len(found.images) // columns)
    figure, grid = canvas(rows, columns, height=1.2 * rows)
    for axes in grid.flat:
        axes.axis("off")
    names = _names(found, found.disputed["label"])
    for place, axes in zip(range(len(found.images)), grid.flat, strict=False):
        image = np.asarray(found.images[place], float).reshape(found.image_shape).transpose(1, 2, 0)
        low, span = image.min(), np.ptp(image)
        image = (image - low) / (span if span > 0 else 1)
        axes.imshow(image[..., 0] if image.shape[2] == 1 else image[..., :3], cmap="gray", interpolation="nearest")
        wrong = int(found.disputed["wrong"].iloc[place])
        axes.set_title(f"{names[place]}: {wrong} of {len(found.networks)} wrong", fontsize=6.5)
    return figure


def _names(found: Comparison, values: Any) -> list[str]:
    """Give the names of classes, by number."""
    known = found.classes_named
    return ["" if value is None else known[int(value)] if int(value) < len(known) else str(value) for value in values]


def shown(table: pd.DataFrame, score: str = "score") -> pd.DataFrame:
    """Give a table with numbers as they are printed; columns under plain names."""
    shown = {str(name).replace("_", " "): [cell(value) for value in table[name]] for name in table.columns}
    return pd.DataFrame(shown, dtype=object).rename(columns={"score": score})


def cell(value: Any) -> Any:
    """Give one value as a cell: numbers rounded for the eye, and whole in the file.

    Parameters
    ----------
    value
        Number, text, list of numbers, or None.
    """
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(str(one) if isinstance(one, int) else number(one) for one in value)
    if isinstance(value, int | float | np.number):
        if not finite(value):
            return cells.Shown(None, MISSING)
        whole = float(value).is_integer() and not isinstance(value, float | np.floating)
        return cells.count(value) if whole else cells.Shown(float(value), number(float(value)))
    return "" if value is None else str(value)
