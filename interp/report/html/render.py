"""Sections to one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from interp.checkpoints.inspection import inspection
from interp.report.browser.columns import node_columns
from interp.report.browser.packed import packed_columns
from interp.report.browser.places import find_places, named_nodes
from interp.report.drawing.pictures import Picture
from interp.report.html.first_screen import MOST_ALERTS, MOST_STEPS, alerts, answers
from interp.report.html.tables import table_parts
from interp.report.sections.model import inputs_in_words
from interp.report.tables import numbers
from interp.report.tables.cells import place_of
from interp.tasks import find_task
from interp.types import KINDS, UNSAMPLED, Figure, Results, Section
from interp.verdict.answers import DISTRUST, NEXT, ORDER

HERE = Path(__file__).parent
FOLDED = 8  # figures of a section beyond these are folded away
PAGE = 4_600_000  # characters that figures and places may take together, where the former leave enough
LEAST = 400_000  # characters that places may take in any case


def render(results: Results, sections: Mapping[str, Section], pictures: Mapping[str, Picture]) -> str:
    """Give the whole page as HTML; everything that comes from files is escaped.

    Parameters
    ----------
    results
        Results of all stages, with the verdict.
    sections
        Key -> section, in page order.
    pictures
        Name of a figure -> picture.
    """
    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("page.html").render(
        title=_title(results),
        tiles=_tiles(results),
        alerts=alerts(results, sections),
        answers=answers(results, sections),
        questions=ORDER,
        distrust=DISTRUST,
        next=NEXT,
        most_alerts=MOST_ALERTS,
        most_steps=MOST_STEPS,
        findings=results.verdict.findings,
        kinds=[*KINDS, *([UNSAMPLED] if any(UNSAMPLED in part.counts for part in results.boundaries.values()) else [])],
        sections={key: _section(section) for key, section in sections.items()},
        pictures=pictures,
        folded=FOLDED,
        node_links=node_links,
        document="report.json",
        nodes=_nodes(results, sections, sum(len(picture.uri) for picture in pictures.values())),
        css=(HERE / "page.css").read_text(encoding="utf-8"),
        script="".join((HERE / name).read_text(encoding="utf-8") for name in ("page.js", "nodes.js")),
    )


def _nodes(results: Results, sections: Mapping[str, Section], taken: int) -> dict[str, Any]:
    """Give the table of all nodes and their places, packed; empty for a network without any."""
    if not sections or not any(layer.nodes for layer in results.model.layers):
        return {}
    columns = node_columns(results)
    places = find_places(results, columns, named_nodes(sections.values()), max(PAGE - taken, LEAST))
    further = {"blocks": places.rows, "rule": places.rule}
    return {
        "columns": columns,
        "data": packed_columns(results.model.layers, columns, further),
        "static": places.static,
        "blocks": places.blocks,
        "rule": places.rule,
    }


def node_links(figure: Figure) -> list[tuple[str, list[tuple[str, str]]]]:
    """Give the layers of the nodes that a figure shows, each with the places and numbers of its nodes.

    Parameters
    ----------
    figure
        Figure of a section.
    """
    layers: dict[str, list[tuple[str, str]]] = {}
    for layer, node in figure.nodes:
        layers.setdefault(layer, []).append((place_of(f"{layer}:{node}"), str(node)))
    return list(layers.items())


def _title(results: Results) -> str:
    path = results.model.path.replace("\\", "/").rstrip("/")
    return PurePosixPath(path).name or "network"


def _tiles(results: Results) -> list[tuple[str, str, str]]:
    """Give the few facts that a reader looks for first: label, value, note."""
    model, name = results.model, find_task(results.model.task).score
    tiles = [
        (f"{split} {name.words}", name.shown(score), _samples(results, split)) for split, score in model.scores.items()
    ]
    nodes = sum(layer.nodes for layer in model.layers)
    count, every = len(model.layers), len(model.every_layer)
    layers = (
        "1 layer" if every == 1 else f"{every} layers" if count == every else f"{count} of {every} layers looked at"
    )
    widths = inspection(model)["widths"]
    return [
        *tiles,
        ("nodes", numbers.number(nodes), f"{layers}, {'-'.join(map(str, widths))}" if widths else layers),
        ("data", results.data.name, f"{inputs_in_words(results.data)}, {model.task}"),
    ]


def _samples(results: Results, split: str) -> str:
    found = results.data.splits.get(split)
    return f"{len(found):,} samples" if found is not None else ""


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "text": section.text,
        "figures": section.figures,
        "tables": [table_parts(table) for table in section.tables],
    }
