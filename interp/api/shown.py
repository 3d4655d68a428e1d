"""An analysis as a notebook shows it: one line, or the verdict with its first figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from interp.report.drawing.pictures import Picture, draw_all
from interp.report.page import resolved
from interp.report.sections import SECTIONS
from interp.run import Run
from interp.types import Figure, Results
from interp.types.shown import LONGEST

FIRST_FIGURES = 3
"""Figures of the page that a notebook shows."""


def as_line(run: Run, stages: Sequence[str], headline: str) -> str:
    """Say in one line what was looked at and, where all stages were run, the headline.

    Parameters
    ----------
    run
        Model, data, options and folder.
    stages
        Names of the stages that were run.
    headline
        Headline of the verdict; empty where some stages were not run.

    Returns
    -------
    str
        At most 400 characters.
    """
    nodes = sum(layer.nodes for layer in run.model.layers)
    what = f"{run.model.path} on {run.data.name}: {len(run.model.layers)} layers, {nodes:,} nodes"
    line = f"Analysis({what}; {headline or ', '.join(stages)})"
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 4]}...)"


def as_html(run: Run, found: Mapping[str, Any], results: Results | None) -> str:
    """Lay out the verdict, its alerts and the first figures; or a line a stage where some were not run.

    Parameters
    ----------
    run
        Model, data, options and folder.
    found
        Name of each stage that was run -> its results.
    results
        Results of all stages; None where some were not run.

    Returns
    -------
    str
        HTML, in which all text from files is escaped.
    """
    title = f"<h3>{escape(run.model.path)} on {escape(run.data.name)}</h3>"
    if results is None:
        lines = (f"{name}: {_summary(run, name, part)}" for name, part in found.items())
        return f"<div>{title}{_list(lines)}</div>"
    verdict = results.verdict
    said = [f"{alert.evidence} {alert.do}" for alert in verdict.alerts]
    alerts = f"<p><b>Before you trust this:</b></p>{_list(said)}" if said else ""
    findings = f"<p><b>{escape(verdict.headline)}</b></p>{_list(verdict.findings)}"
    return f"<div>{title}{findings}{alerts}{''.join(_pictures(results))}</div>"


def _summary(run: Run, stage: str, found: Any) -> str:
    return next(iter(run.stage(stage).summarise(found)), "done")


def _list(lines: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _pictures(results: Results) -> Iterable[str]:
    figures = first_figures(results)
    for name, picture in draw_all(figures.values()).items():
        yield _picture(picture, figures[name].caption)


def first_figures(results: Results) -> dict[str, Figure]:
    """Give the first three figures of the page.

    Parameters
    ----------
    results
        Results of all stages.

    Returns
    -------
    dict
        Name of a figure -> figure, in the order of the page.
    """
    found: dict[str, Figure] = {}
    for maker in SECTIONS.values():
        for figure in resolved(maker)(results).figures:
            found[figure.name] = figure
            if len(found) == FIRST_FIGURES:
                return found
    return found


def _picture(picture: Picture, caption: str) -> str:
    size = f'width="{picture.shown_width}" style="max-width: 100%"'
    return f'<p><img src="{picture.uri}" {size} alt="{escape(caption)}"><br><small>{escape(caption)}</small></p>'
