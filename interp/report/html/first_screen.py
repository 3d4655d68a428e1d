"""The verdict's answers and alerts with links to their places, for the template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from interp.report.browser.drawing import profile
from interp.report.tables.cells import place_of
from interp.types import Answer, Results, Section
from interp.verdict.alerts import ALERTS, find_rule
from interp.verdict.answers import NEXT
from interp.verdict.commands import to_fill_in
from interp.verdict.words import layer_name

MOST_NODES = 8
"""Number of nodes that an alert names."""

SMALL, HIGH = 150, 44
"""Width and height of a drawing beside an answer, in pixels."""

SHORT = 110
"""Largest number of characters behind a first sentence that are not folded away."""

MOST_ALERTS, MOST_STEPS = 6, 3
"""Numbers of alerts and of steps that are shown; further ones are folded away."""

LEADS = {
    "model": "how the file was read",
    "layers": "kinds by layer",
    "reading": "curves of every layer",
    "nodes": "list of these nodes",
    "boundaries": "boundaries beside chance",
    "distributions": "values of the nodes",
    "all-nodes": "table of all nodes",
}
"""Place -> what a link to it leads to; others are named by their title."""

LEADS_OF = {
    "How good it is": "scores",
    "limited": "what was left out",
    "not-covered": "what is not covered",
    **dict.fromkeys(("memorising", "train-test-gap", "simple-model", "near-simple-model", "small-sample"), "scores"),
    **dict.fromkeys(("never-predicted", "shared-samples", "no-labels", "no-test-split"), "scores and data"),
}
"""Question, or name of an alert -> what its link leads to, where that is not its place's."""


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
        lead, rest = first_sentence(answer.answer)
        folds = answer.question == NEXT and len(rest) > SHORT
        given = {
            "lead": lead,
            "text": "" if folds else rest,
            "folded": rest if folds else "",
            "link": _link(answer.place, answer.question, results, sections),
            "drawings": _drawings(answer, results) if "reading" in sections else [],
            "command": answer.command,
            "to_fill_in": to_fill_in(answer.command),
        }
        found.setdefault(answer.question, []).append(given)
    return found


def first_sentence(text: str) -> tuple[str, str]:
    """Part a text behind its first sentence.

    Parameters
    ----------
    text
        Sentences of an answer or an alert.

    Examples
    --------
    >>> first_sentence("R² 0.46 on 133 samples. Perfection is 1."), first_sentence("One.")
    (('R² 0.46 on 133 samples.', 'Perfection is 1.'), ('One.', ''))
    """
    lead, dot, rest = text.partition(". ")
    return lead + dot.rstrip(), rest


def _link(place: str, what: str, results: Results, sections: Mapping[str, Section]) -> tuple[str, str]:
    """Give the address of a place and the words that lead there; empty where the page has none."""
    if place in sections:
        return f"#{place}", LEADS_OF.get(what, LEADS.get(place, sections[place].title))
    if place == "all-nodes":
        return "#all-nodes", LEADS[place]
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
    found = []
    for alert in results.verdict.alerts:
        said, rest = first_sentence(alert.evidence)
        lead, colon, numbers = said.partition(": ")
        given = {
            "severity": alert.severity,
            "when": find_rule(ALERTS[alert.name]).when if alert.name in ALERTS else "",
            "lead": lead + colon.rstrip(),
            "text": numbers + ("" if len(rest) > SHORT or not rest else f" {rest}"),
            "folded": rest if len(rest) > SHORT else "",
            "link": _link(alert.place, alert.name, results, sections),
            "nodes": [(place_of(name), name) for name in alert.nodes[:MOST_NODES]],
            "more": max(len(alert.nodes) - MOST_NODES, 0),
        }
        found.append(given)
    return found
