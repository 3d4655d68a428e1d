"""Which nodes have a place on the page, as far as there is room: those that it names, then those of large effects."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from interp.report.browser.columns import Column, node_starts
from interp.report.browser.packed import packed
from interp.report.browser.place.known import Known
from interp.report.browser.place.place import place
from interp.report.tables.cells import Node, Sites
from interp.types import NodeLayer, Results, Section

STATIC = 0.4
"""Share of the room for places that stand in the page as they are, for readers without scripts."""

MOST = 1500
BLOCK = 24  # places that are unpacked at once


@dataclass(frozen=True)
class Places:
    """Places of nodes, as they lie in the page.

    Attributes
    ----------
    static
        HTML of the places of nodes that the page names.
    blocks
        Packed places of further nodes, a list of HTML in each.
    rows
        Rows, in the table of all nodes, of the nodes of each block.
    rule
        Sentence that says which nodes have a place and what is said of the others.
    """

    static: tuple[Markup, ...]
    blocks: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]
    rule: str


def named_nodes(sections: Iterable[Section]) -> list[tuple[str, int]]:
    """Give layer and number of every node that tables and figures name, in the order of the page.

    Parameters
    ----------
    sections
        Sections of the page.
    """
    found: dict[tuple[str, int], None] = {}
    for section in sections:
        for figure in section.figures:
            found |= dict.fromkeys(figure.nodes)
        for table in section.tables:
            cells = (cell for cell in table.frame.to_numpy(object).ravel() if isinstance(cell, Node | Sites))
            nodes = (node for cell in cells for node in (cell.nodes if isinstance(cell, Sites) else (cell,)))
            found |= {(node.layer, node.node): None for node in nodes}
    return list(found)


def find_places(results: Results, columns: Sequence[Column], named: Iterable[tuple[str, int]], room: int) -> Places:
    """Write the places of as many nodes as the page has room for.

    Parameters
    ----------
    results
        Results of all stages, with the verdict.
    columns
        Columns of the table of all nodes.
    named
        Layer and number of the nodes that the page names.
    room
        Number of characters of the page that places may take.
    """
    layers, starts = {layer.name: layer for layer in results.model.layers}, node_starts(results)
    known, total = Known(results), sum(layer.nodes for layer in layers.values())
    wanted = [starts[name] + node for name, node in named if name in layers and 0 <= node < layers[name].nodes]
    static: dict[int, Markup] = {}
    left = int(room * STATIC)
    for row in dict.fromkeys(wanted):
        made = _made(known, layers, starts, row)
        if (left := left - len(made)) < 0:
            break
        static[row] = Markup(made)
    rest = [row for row in _order(columns, wanted, total) if row not in static]
    blocks, rows = _packed(known, layers, starts, rest, room - sum(map(len, static.values())))
    is_by_effect = any(column.key == "effect" for column in columns)
    return Places(tuple(static.values()), blocks, rows, _rule(len(static) + sum(map(len, rows)), total, is_by_effect))


def _made(known: Known, layers: Mapping[str, NodeLayer], starts: Mapping[str, int], row: int) -> str:
    name = max((name for name in starts if starts[name] <= row and layers[name].nodes), key=starts.__getitem__)
    return place(known, layers[name], row - starts[name])


def _order(columns: Iterable[Column], wanted: list[int], total: int) -> list[int]:
    """Order all rows: the nodes that the page names, then by the size of their effect, then as they come."""
    effect = next((np.abs(column.values) for column in columns if column.key == "effect"), np.full(total, np.nan))
    rest = np.argsort(-np.where(np.isnan(effect), -1.0, effect), kind="stable")
    return list(dict.fromkeys([*wanted, *rest[:MOST].tolist()]))


def _packed(
    known: Known, layers: Mapping[str, NodeLayer], starts: Mapping[str, int], order: list[int], room: int
) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
    blocks: list[str] = []
    rows: list[tuple[int, ...]] = []
    for start in range(0, len(order), BLOCK):
        some = tuple(order[start : start + BLOCK])
        text = json.dumps([_made(known, layers, starts, row) for row in some], ensure_ascii=True)
        block = packed(text.encode("ascii"))
        if (room := room - len(block)) < 0:
            break
        blocks.append(block)
        rows.append(some)
    return tuple(blocks), tuple(rows)


def _rule(places: int, total: int, is_by_effect: bool) -> str:
    if places == total:
        return "Every node has a place of its own."
    others = "those whose silencing changes the score most" if is_by_effect else "the first of the others"
    return (
        f"{places:,} of {total:,} nodes have a place of their own on this page: those that it names, and {others}, as "
        "far as there is room. Of the others the table holds what was found; "
        "their pictures and curves are in the files of the run, and analyse(…).node(name) shows them."
    )
