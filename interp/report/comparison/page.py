"""Writing of a comparison: figures, compare.json and, last, compare.html, each whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from interp.comparison.files import write_state
from interp.comparison.result import Comparison
from interp.report.comparison import alignment, layers, scores, snapshots
from interp.report.drawing.pictures import Picture, draw_all
from interp.report.drawing.style import slug
from interp.report.html.render import HERE, node_links
from interp.report.html.tables import table_parts
from interp.store import check_writable, write_bytes, write_text
from interp.types import Section

SECTIONS: dict[str, Callable[[Comparison], Section | None]] = {
    "scores": scores.scores,
    "snapshots": snapshots.section,
    "groups": scores.groups,
    "classes": scores.classes,
    "disputed": scores.disputed,
    "layers": layers.alignment,
    "nodes": layers.nodes,
    "readings": layers.readings,
    "changes": layers.changes,
    "alignment": alignment.section,
}
"""Key -> function of a comparison that gives the section, or None where there is nothing to show; in page order."""


def write_comparison(found: Comparison, out: str | Path, command: str) -> Path:
    """Draw a comparison as ``compare.html`` with ``compare.json``, ``figures/`` and ``aligned/``.

    ``aligned/NAME.safetensors`` has the weights of a further network with its nodes in the order of the first's.

    Parameters
    ----------
    found
        Comparison of two networks or more.
    out
        Folder to write into; made if missing.
    command
        Command that made it.

    Returns
    -------
    Path
        Path of the page.

    Raises
    ------
    UsageError
        If the folder cannot be written.
    """
    folder = Path(out)
    check_writable(folder)
    made = {key: section for key, make in SECTIONS.items() if (section := make(found)) is not None}
    pictures = draw_all(figure for section in made.values() for figure in section.figures)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for picture in pictures.values():
        write_bytes(folder / "figures" / f"{picture.stem}.png", picture.png)
    _write_copies(found, folder / "aligned")
    write_text(folder / "compare.json", json.dumps(found.document() | {"command": command}, allow_nan=False))
    write_text(folder / "compare.html", render(found, made, pictures, command))
    return folder / "compare.html"


def _write_copies(found: Comparison, folder: Path) -> None:
    for name, state in found.copies.items():
        write_state(folder / f"{slug(name)}.safetensors", state)


def render(found: Comparison, sections: Mapping[str, Section], pictures: Mapping[str, Picture], command: str) -> str:
    """Give the whole page as HTML; everything that comes from files is escaped.

    Parameters
    ----------
    found
        Comparison of two networks or more.
    sections
        Key -> section, in page order.
    pictures
        Name of a figure -> picture.
    command
        Command that made it.
    """
    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("compare.html").render(
        title=f"{len(found.networks)} networks on {found.data['name']}",
        command=command,
        sections={
            key: {
                "title": one.title,
                "text": one.text,
                "figures": one.figures,
                "tables": list(map(table_parts, one.tables)),
            }
            for key, one in sections.items()
        },
        pictures=pictures,
        node_links=node_links,
        document="compare.json",
        css=(HERE / "page.css").read_text(encoding="utf-8"),
        script=(HERE / "page.js").read_text(encoding="utf-8"),
    )
