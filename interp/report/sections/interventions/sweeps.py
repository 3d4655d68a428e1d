"""Does the network depend on distances or on intensities? Its score while z is scaled, clipped or shifted."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from interp.report.drawing.level_axis import level_axis, plain_ticks
from interp.report.drawing.style import FAINT, SPLIT_COLOURS, canvas, colour, layer_figures, pale, undrawn
from interp.report.sections.interventions.class_falls import class_figures, fall_table
from interp.report.sections.interventions.groups import group_figures, group_tables
from interp.report.sections.interventions.runs import run_figures, run_tables
from interp.report.sections.interventions.tolerance import tolerance_figure, tolerance_text
from interp.report.selection.lookup import most_harmful
from interp.report.tables import cells
from interp.report.tables.measures import change_cell, score_cell, unit_of_change
from interp.tasks import Score, find_task
from interp.types import Figure, Results, Section, Table

LEVELS = {
    "scale": "factor on z (1 = as it is)",
    "clip": "cap, fraction of the range (1 = at the top)",
    "offset": "shift, fraction of the range (0 = as it is)",
}
MEASURED = (
    " Outputs that are measured values shrink with the activations, so scaling costs {score} whatever a network relies "
    "on: compare with the same network of shuffled weights."
)


def section(results: Results) -> Section:
    """Show what each layer tolerates, the score over the levels of every intervention, and who falls first.

    Parameters
    ----------
    results
        Results of all stages, with the verdict.

    Examples
    --------
    >>> import pandas as pd
    >>> from interp.checkpoints import load_model
    >>> from interp.types import Effects, Provenance, Verdict
    >>> model, data = load_model("zoo/pretrained/abs-digits.pt")
    >>> effects, verdict = Effects(pd.DataFrame(), pd.DataFrame(), {}, {}), Verdict("Only loaded.", (), ())
    >>> results = Results(model, data, {}, {}, {}, {}, effects, {}, {}, verdict, Provenance("", "", 0, {}, {}))
    >>> section(results).text
    ('No whole-layer intervention was run.',)
    """
    effects, name, what = results.effects, find_task(results.model.task).score, _what(results)
    table = effects.whole_layers
    runs = (run_figures(results.runs, name), run_tables(results.runs, name)) if results.runs else ((), ())
    figures, tables = (*group_figures(effects, name), *runs[0]), (*group_tables(effects, name), *runs[1])
    if table.empty:
        return Section("Interventions", ("No whole-layer intervention was run.",), figures, tables)
    text = (
        *tolerance_text(effects, [layer.name for layer in results.model.hidden], name),
        "Before the activation, z of a whole layer becomes min(scale · z + offset, clip). Scaling and clipping change "
        "how large outputs get and leave the boundaries where they are; an offset moves every boundary and leaves the "
        f"largest output as it is. A network that relies on distances loses {what} under small offsets and shrugs off "
        "scaling; one that relies on intensities does the reverse. Caps and shifts are fractions of each node's own "
        "output range. A steep curve shows what this network needs, not what its nodes mean."
        + ("" if name.share else MEASURED.format(score=name.words)),
    )
    swept = dict.fromkeys(table["layer"])
    text = (*text, *undrawn(layer_figures("interventions", swept), swept))
    figures = (*tolerance_figure(effects, name), *_figures(results, table, what), *figures)
    tables = (*fall_table(effects, results.data), _worst(table, name, what), *tables)
    return Section("Interventions", text, figures, tables)


def _what(results: Results) -> str:
    """Name what is measured: the task's score, or agreement where there is nothing else to compare with."""
    name = find_task(results.model.task).score
    if len(results.effects.whole_layers) and _has_loss(results.effects.whole_layers):
        return name.words
    return "agreement with the unperturbed network" if name.share else f"{name.words} against its own outputs"


def _figures(results: Results, table: pd.DataFrame, what: str) -> list[Figure]:
    """Draw the curves of each layer, and those of its classes below."""
    names = layer_figures("interventions", dict.fromkeys(table["layer"]))
    classes = class_figures(results.effects, results.data)
    figures = []
    for layer, part in table.groupby("layer", sort=False):
        if layer not in names:
            continue
        draw = partial(_figure, part, dict(results.effects.baseline), what)
        figures += [Figure(names[layer], _caption(str(layer), what, _has_loss(part)), draw)]
        figures += [classes[str(layer)]] if layer in classes else []
    return figures


def _has_loss(table: pd.DataFrame) -> bool:
    return bool(table["loss"].notna().any())


def _caption(layer: str, what: str, loss: bool) -> str:
    shown = f"{what} (above) and loss (below)" if loss else what
    return (
        f"{layer}: {shown} over the level of each intervention on all its nodes; bands are 95 % intervals, the dashed "
        "line is the unperturbed network."
    )


def _figure(table: pd.DataFrame, baseline: dict[str, float], what: str) -> Any:
    names = _swept(table)
    loss = _has_loss(table)
    figure, grid = canvas(1 + loss, max(len(names), 1), height=2.4 + 1.35 * loss, sharey="row", sharex="col",
                          height_ratios=(1.7, 1) if loss else None)  # fmt: skip
    for column, name in enumerate(names):
        part = table[(table["intervention"] == name) & np.isfinite(table["level"])].sort_values("level")
        _accuracy(grid[0, column], part, baseline)
        level_axis(grid[0, column], part["level"].to_numpy(float))
        grid[0, column].set_title(name)
        if loss:
            _loss(grid[1, column], part)
        grid[-1, column].set_xlabel(LEVELS.get(name, "level"), fontsize=7.5)
    grid[0, 0].set_ylabel(_short(what))
    if loss:
        grid[1, 0].set_ylabel("loss")
    grid[0, 0].set_ylim(*_span(table["score"].to_numpy(float)))  # the panels share it
    _legend(figure, table)
    return figure


def _short(what: str) -> str:
    return what.removesuffix(" with the unperturbed network")


def _swept(table: pd.DataFrame) -> list[str]:
    """Give the interventions with more than one level, in the order in which they ran."""
    return [
        str(name) for name, part in table.groupby("intervention", sort=False) if part["level"].nunique(dropna=False) > 1
    ]


def _accuracy(axes: Any, table: pd.DataFrame, baseline: dict[str, float]) -> None:
    for position, (split, part) in enumerate(table.groupby("split", sort=False)):
        shade = colour(str(split), SPLIT_COLOURS, position)
        axes.fill_between(part["level"], part["low"], part["high"], color=shade, alpha=0.2, lw=0)
        axes.plot(part["level"], part["score"], color=shade, lw=1.6, label=str(split))
        if np.isfinite(baseline.get(str(split), np.nan)):
            axes.axhline(baseline[str(split)], color=shade, lw=0.8, ls=(0, (4, 3)))
    pale(axes)


def _span(scores: Any) -> tuple[float, float]:
    """Show shares whole; of R², which has no lower end, the part above -1."""
    least = np.min(scores[np.isfinite(scores)], initial=0.0)
    return max(float(least), -1.0) - 0.02, 1.02


def _loss(axes: Any, table: pd.DataFrame) -> None:
    for position, (split, part) in enumerate(table.groupby("split", sort=False)):
        axes.plot(part["level"], part["loss"], color=colour(str(split), SPLIT_COLOURS, position), lw=1.2)
    known = table["loss"].to_numpy(float)
    known = known[np.isfinite(known) & (known > 0)]
    if len(known) and known.max() > 50 * known.min():
        axes.set_yscale("log")
        plain_ticks(axes.yaxis)
    pale(axes)


def _legend(figure: Any, table: pd.DataFrame) -> None:
    splits = list(dict.fromkeys(table["split"]))
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color=colour(str(split), SPLIT_COLOURS, i)) for i, split in enumerate(splits)]
    lines.append(Line2D([], [], color=FAINT, lw=0.8, ls=(0, (4, 3))))
    figure.legend(lines, [*map(str, splits), "unperturbed"], loc="outside upper right", ncols=len(lines))


def _worst(table: pd.DataFrame, name: Score, what: str) -> Table:
    """Select the most harmful level of each sweep."""
    rows = [_row(row, name, what) for row in most_harmful(table, "layer")]
    first = table["split"].iloc[0]
    caption = (
        f"The most harmful level of each intervention, chosen on the {first} split, whose figures have no interval for "
        f"that reason. Change is {unit_of_change(name, what)}."
    )
    return Table(pd.DataFrame(rows, dtype=object), caption, sortable=True)


def _row(row: dict[Any, Any], name: Score, what: str) -> dict[str, Any]:
    return {
        "layer": cells.Code(row["layer"], 32),
        "intervention": row["intervention"],
        "split": row["split"],
        "level": cells.number(row["level"]),
        _short(what): score_cell(name, row["score"], row["low"], row["high"]),
        "change": change_cell(name, row["difference"], row["difference_low"], row["difference_high"]),
        "q": cells.probability(row["q_value"]),
    }
