"""The verdict's answers and alerts with links to their places, for the template."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from interp.report.browser.drawing import profile
from interp.report.tables.cells import place_of
from interp.types import Answer, Results, Section
from interp.verdict.words import layer_name

MOST_NODES = 8
"""Number of nodes that an alert names."""

SMALL, HIGH = 200, 84
"""Width and height of a drawing below an answer, in pixels."""

FILLED_IN = re.compile("[A-Z][A-Z_]+")
"""Word of a command that stands for what the reader has to type in its place."""


def answers(results: Results, sections: Mapping[str, Section]) -> dict[str, list[dict[str, Any]]]:
    """Give every question of the first screen with its answers.

    Parameters
    ----------
    results
        Results of all stages, with the verdict.
    sections
        Key -> section, for those that are on the page.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for answer in results.verdict.answers:
        href, words = _place(answer.place, results, sections)
        drawings = _drawings(answer, results) if "reading" in sections else []
        lead, dot, rest = answer.answer.partition(". ") if drawings else ("", "", answer.answer)
        given = {
            "lead": lead + dot,
            "text": rest,
            "place": href,
            "words": words,
            "drawings": drawings,
            "command": answer.command,
            "to_fill_in": any(FILLED_IN.fullmatch(word) for word in answer.command.split()),
        }
        found.setdefault(answer.question, []).append(given)
    return found


def _place(place: str, results: Results, sections: Mapping[str, Section]) -> tuple[str, str]:
    """Give the address of a place and the words that lead there; empty where the page has none."""
    if place in sections:
        return f"#{place}", sections[place].title
    if place == "all-nodes":
        return "#all-nodes", "Look up a node"
    layer = place.rpartition(":")[0]
    known = any(one.name == layer for one in results.model.layers)
    return (place_of(place), place) if known else ("", "")


def _drawings(answer: Answer, results: Results) -> list[tuple[str, Markup]]:
    """Give the name and the reading profile of each layer that stands beside an answer."""
    read = {name: results.reading[name] for name in answer.layers if name in results.reading}
    return [(layer_name(name), profile(own, SMALL, HIGH)) for name, own in read.items() if not own.skipped]


def alerts(results: Results, sections: Mapping[str, Section]) -> list[dict[str, Any]]:
    """Give every alert with links to its place and to the nodes that it is about.

    Parameters
    ----------
    results
        Results of all stages, with the verdict.
    sections
        Key -> section, for those that are on the page.
    """
    return [
        {
            "name": alert.name.replace("-", " "),
            "severity": alert.severity,
            "evidence": alert.evidence,
            "place": _place(alert.place, results, sections),
            "nodes": [(place_of(name), name) for name in alert.nodes[:MOST_NODES]],
            "more": max(len(alert.nodes) - MOST_NODES, 0),
        }
        for alert in results.verdict.alerts
    ]
