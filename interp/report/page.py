"""Writing of the page: figures, report.json and, last, report.html, each whole or not at all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from interp.errors import InterpError, UsageError
from interp.report.document.document import document
from interp.report.drawing.pictures import Picture, draw_all
from interp.report.html.render import render
from interp.report.sections import SECTIONS
from interp.run.folder import page_figures
from interp.safety import import_name, problem
from interp.store import check_writable, write_bytes, write_text
from interp.types import Results, Section, Timing, as_json
from interp.types.annotations.edge import checked

LAST = ("reproduce",)
"""Sections that say how long the others took: made again when those are drawn."""

SHOWN = {
    "reading": ("read",),
    "distributions": ("fit", "boundaries"),
    "boundaries": ("boundaries",),
    "prototypes": ("prototypes",),
    "clusters": ("clusters",),
    "interventions": ("intervene",),
    "nodes": ("intervene",),
    "attribution": ("attribute",),
}
"""Section -> the stages that it shows; it has nothing to say where one was not run."""

FIRST = "verdict"
"""Section of the first screen."""

Maker = Callable[[Results], Section]


@checked
def write_report(
    results: Results, out: str | Path, command: str, sections: Mapping[str, Maker | str] = SECTIONS
) -> dict[str, Any]:
    """Draw the results as ``report.html`` with ``report.json`` and ``figures/``.

    Parameters
    ----------
    results
        Results of all stages, with the verdict.
    out
        Folder to write into; made if missing.
    command
        Command that made the results, to be printed under "Reproduce".
    sections
        Key -> function of the results that gives the section, or its name ``package.module:name``; in page order.

    Returns
    -------
    dict
        Content of ``report.json``.

    Raises
    ------
    UsageError
        If the folder cannot be written, or a section that is named cannot be imported or fails.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import pandas as pd
    >>> from interp.checkpoints import load_model
    >>> from interp.types import Effects, Provenance, Verdict
    >>> model, data = load_model("zoo/pretrained/abs-digits.pt")
    >>> effects, verdict = Effects(pd.DataFrame(), pd.DataFrame(), {}, {}), Verdict("Only loaded.", (), ())
    >>> results = Results(model, data, {}, {}, {}, {}, effects, {}, {}, verdict, Provenance("", "", 0, {}, {}))
    >>> with TemporaryDirectory() as folder:
    ...     _ = write_report(results, Path(folder), "by hand", sections={})
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['report.html', 'report.json']
    """
    check_writable(Path(out))
    begun, results = time.perf_counter(), _with_command(results, command)
    made = {key: _left(key, _make(maker, results), results) for key, maker in sections.items()}
    if _is_quick(results):
        made = {key: _without_figures(key, section) for key, section in made.items()}
    pictures = draw_all(figure for section in made.values() for figure in section.figures)
    results = replace(results, timings=(*results.timings, Timing("page", time.perf_counter() - begun)))
    made |= {key: _make(sections[key], results) for key in LAST if key in sections}
    found = document(results) | {"sections": {key: _described(section, pictures) for key, section in made.items()}}
    _write_all(Path(out), found, pictures, render(results, made, pictures))
    return found


def _with_command(results: Results, command: str) -> Results:
    settings = {**results.provenance.settings, "command": command}
    return replace(results, provenance=replace(results.provenance, settings=settings))


def _is_quick(results: Results) -> bool:
    options = results.provenance.settings.get("options", {})
    return bool(isinstance(options, Mapping) and options.get("limits", {}).get("quick"))


def _without_figures(key: str, section: Section) -> Section:
    """Leave out the figures of a section, and say so; the first screen is read for what the network is."""
    if not section.figures:
        return section
    left = f"{len(section.figures)} figures are" if len(section.figures) > 1 else "A figure is"
    said = f"{left} left out of a quick look (--quick); the numbers are in the tables, in report.json and in the files."
    return replace(section, text=section.text if key == FIRST else (*section.text, said), figures=())


def _left(key: str, section: Section, results: Results) -> Section:
    """Say in place of a section that a stage that it shows was not run."""
    left = [name for name in SHOWN.get(key, ()) if name in results.not_run]
    if not left:
        return section
    names = " and ".join(f"“{name}”" for name in left)
    said = f"Not looked at: the stage {names} was not run."
    if len(left) > 1:
        said = f"Not looked at: the stages {names} were not run."
    return replace(section, text=(said,), figures=(), tables=())


def _make(maker: Maker | str, results: Results) -> Section:
    """Make a section; what is wrong with a user's own is said in one line."""
    if not isinstance(maker, str):
        return maker(results)
    try:
        found = resolved(maker)(results)
    except InterpError:
        raise
    except Exception as error:  # the user's code fails in its own way
        raise _unlike_a_section(maker, problem(error)) from error
    if not isinstance(found, Section):
        raise _unlike_a_section(maker, type(found).__name__)
    return found


def _unlike_a_section(name: str, found: str) -> UsageError:
    expected = "a function of the results that gives a Section"
    return UsageError(f"section {name}", found=found, expected=expected, do="correct it, or leave it out")


def resolved(maker: Maker | str) -> Maker:
    """Give the function that makes a section, imported where it is given by name.

    Parameters
    ----------
    maker
        Function of the results that gives a section, or its name ``package.module:name``.

    Raises
    ------
    UsageError
        If the name cannot be imported.
    """
    if not isinstance(maker, str):
        return maker
    found: Maker = import_name(maker, "section")
    return found


def _described(section: Section, pictures: Mapping[str, Picture]) -> dict[str, Any]:
    """Give a section's words and tables as JSON values, so that no shown number is missing there."""
    described: dict[str, Any] = as_json(
        {
            "title": section.title,
            "text": section.text,
            "figures": [
                {"file": f"figures/{pictures[figure.name].stem}.png", "caption": figure.caption}
                for figure in section.figures
            ],
            "tables": [{"caption": table.caption, "rows": table.frame} for table in section.tables],
        }
    )
    return described


def _write_all(out: Path, found: dict[str, Any], pictures: Mapping[str, Picture], page: str) -> None:
    """Write the page last: where it is, all that it speaks of is too. Figures of an earlier page alone are removed."""
    before = set(page_figures(out))
    for picture in pictures.values():
        write_bytes(out / "figures" / f"{picture.stem}.png", picture.png)
    write_text(out / "report.json", json.dumps(found, allow_nan=False, ensure_ascii=False, separators=(",", ":")))
    write_text(out / "report.html", page)
    for name in before - set(page_figures(out)):
        (out / name).unlink(missing_ok=True)
