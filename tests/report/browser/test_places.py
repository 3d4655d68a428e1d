"""The place of every node: what stands there, who gets one, and that text from files stays text."""

import base64
import json
import re
import zlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tiny_runs import DEAD, colours, mlp, oblong, one_node, unlabelled

from interp.report.browser.columns import node_columns
from interp.report.browser.place.known import Known
from interp.report.browser.place.place import place
from interp.report.browser.places import find_places, named_nodes
from interp.report.sections import SECTIONS
from interp.report.sections.interventions.groups import group_tables
from interp.report.tables import cells
from interp.tasks import TASKS
from interp.types import InputPart, Section, Table
from report.planted import nothing_analysed, renamed, widened


def of(results, layer=0, node=0):
    return place(Known(results), results.model.layers[layer], node)


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_a_place_has_the_nodes_own_numbers():
    results = mlp()
    said = text_of(of(results, 1, 4))
    found, fit = results.boundaries["fc2"], results.fits["fc2"]
    assert f"Node 4 of the 6 in fc2 (linear, relu): {found.kind[4]}" in said
    assert f"z above 0 {100 * fit.positive_share[4]:.1f} %" in said
    table = results.effects.tested_nodes
    row = table[(table["layer"] == "fc2") & (table["node"] == 4) & (table["intervention"] == "zero-ablation")].iloc[0]
    shown = f"{100 * row['difference']:+.1f}".replace("-", "\N{MINUS SIGN}").replace("+0.0", "0.0")
    assert f"silenced by 0 {shown}" in said


def test_a_place_has_every_class_with_what_silencing_costs_it():
    results = mlp()
    table = results.effects.node_classes
    rows = re.findall(r"<tr><td>(.*?)</tr>", of(results, 0, 1))
    assert len(rows) == 3
    for row in rows:
        label = results.data.classes.index(text_of(row).split()[0])
        part = table[(table["layer"] == "fc1") & (table["node"] == 1) & (table["class"] == label)]
        shown = text_of(row).split()[-1].replace("\N{MINUS SIGN}", "-")
        assert float(shown) == pytest.approx(100 * part["difference"].item(), abs=0.051)


def test_images_stand_as_pictures_with_their_labels():
    results = mlp()
    html = of(results)
    assert html.count("<img") >= 5 + 5 + 4, "examples of both sorts, prototypes, mean and weights"
    exemplars = results.prototypes["fc1"].exemplars["strongest"][0][:5]
    labels = [results.data.classes[results.data.train.labels[row]] for row in exemplars]
    shown = re.findall(r"<figcaption>(.*?)</figcaption>", html[html.index("Training inputs") :])
    assert labels == shown[6:11]


def test_a_sample_of_several_positions_is_shown_once():
    results = colours()
    found = results.prototypes["conv1"]
    exemplars = {kind: np.tile([4, 4, 4, 9, 4], (4, 1)) for kind in found.exemplars}
    results = replace(results, prototypes={**results.prototypes, "conv1": replace(found, exemplars=exemplars)})
    html = of(results)
    assert html[html.index("Training inputs") : html.index("Classes")].count("<img") == 2 + 2
    assert "weights, mean over channels" in html


def test_rows_of_a_table_stand_in_their_own_units():
    results = one_node()
    scaling = replace(results.model.scaling, mean=np.full(5, 2.0), std=np.full(5, 10.0))
    results = replace(results, model=replace(results.model, scaling=scaling))
    html = of(results)
    mean = results.prototypes["out"].network_mean
    row = re.search(r"mean of all data</th>(.*?)</tr>", html)[1]
    shown = [float(value.replace("\N{MINUS SIGN}", "-")) for value in re.findall(r">([^<>]+)</td>", row)]
    assert shown == pytest.approx(mean * 10 + 2, rel=0.01)
    row = int(results.prototypes["out"].exemplars["nearest"][0][0])
    assert f"sample {row}, close to z = 0" in html
    assert "column 3" in html


def test_tokens_stand_as_text():
    results = one_node()
    data = replace(results.data, parts=(InputPart("words", (3,), True), InputPart("rest", (2,))))
    numbers = np.arange(400.0).reshape(80, 5)
    data = replace(data, splits={**data.splits, "train": replace(data.train, inputs=numbers)})
    results = replace(results, data=data)
    row = int(results.prototypes["out"].exemplars["nearest"][0][0])
    assert f"words: {5 * row} {5 * row + 1} {5 * row + 2}; rest:" in of(results)


@pytest.mark.parametrize("make", [colours, oblong, unlabelled, one_node, lambda: nothing_analysed(mlp())])
def test_every_node_of_every_sort_of_network_has_a_place(make):
    results = make()
    for i, layer in enumerate(results.model.layers):
        for node in range(layer.nodes):
            html = of(results, i, node)
            assert f'id="{layer.name}:{node}"' in html
            assert not re.search(r"\b(nan|inf|None)\b", text_of(html))


def test_a_dead_node_has_a_place():
    assert "dead" in of(mlp(), 0, DEAD)


def test_text_from_files_stays_text():
    bad = '"><script>alert(1)</script>'
    results = renamed(mlp(), {name: bad + name for name in ("fc1", "fc2", "fc3")})
    results = replace(results, data=replace(results.data, classes=(bad,) * 3))
    html = of(results)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def unpacked(places):
    return [json.loads(zlib.decompress(base64.b64decode(block))) for block in places.blocks]


def test_nodes_that_the_page_names_stand_in_it_and_the_others_lie_packed():
    results = mlp()
    places = find_places(results, node_columns(results), [("fc2", 3), ("fc1", 0), ("fc2", 3)], 10_000_000)
    assert [re.search('id="(.*?)"', html)[1] for html in places.static] == ["fc2:3", "fc1:0"]
    names = {re.search('id="(.*?)"', html)[1] for block in unpacked(places) for html in block}
    assert len(names) == 15
    assert "fc2:3" not in names
    assert places.rule == "Every node has a place of its own."


def test_where_there_is_little_room_the_largest_effects_go_first():
    results = widened(mlp(), "fc1", 300)
    columns = node_columns(results)
    room = 300_000
    places = find_places(results, columns, [("fc1", 250)], room)
    assert sum(map(len, [*places.static, *places.blocks])) <= room
    rows = [row for block in places.rows for row in block]
    assert 24 <= len(rows) < 300
    effect = np.abs(next(column.values for column in columns if column.key == "effect"))
    left = np.setdiff1d(np.arange(309), [*rows, 250])
    assert effect[rows].min() >= effect[left].max()
    assert places.rule.startswith(f"{len(rows) + 1} of 309 nodes have a place")


def test_tables_and_figures_name_nodes():
    named = named_nodes([SECTIONS["nodes"](mlp()), SECTIONS["distributions"](mlp())])
    assert {("fc1", 0), ("fc2", 5), ("fc3", 2)} <= set(named)
    assert len(named) == len(set(named))


def test_the_nodes_most_like_it_are_named_with_their_correlation():
    results = mlp()
    own = results.screening["fc1"]
    node = int(np.flatnonzero(np.isfinite(own.alike[:, 1]))[0])
    html = of(results, 0, node)
    known = own.alike[node][np.isfinite(own.alike[node])].astype(int)
    said = text_of(html)
    assert len(known) > 1
    for other, correlation in zip(known, own.alike_correlation[node], strict=False):
        assert f'href="#fc1:{other}"' in html
        assert f"fc1:{other} ({correlation:.3f})".replace("-", "\N{MINUS SIGN}") in said
    copied = replace(
        own, alike_correlation=np.where(np.arange(len(known)) == 0, -0.995, 0.5) + 0 * own.alike_correlation
    )
    assert f"most correlated with its own, over {own.rows:,} rows" in said
    assert "1 of them repeats it" in text_of(of(replace(results, screening={"fc1": copied}), 0, node))
    old = replace(own, alike=np.empty((0, 0)), alike_correlation=np.empty((0, 0)))  # a file of version 6
    assert f"most alike fc1:{known[0]} (" in text_of(of(replace(results, screening={"fc1": old}), 0, node))


def test_nodes_of_a_group_have_places_and_are_linked():
    row = cells.Sites((cells.Node("fc1", 3), "fc2"))
    table = Table(pd.DataFrame({"changed together": [row]}, dtype=object), "")
    assert named_nodes([Section("a", tables=(table,))]) == [("fc1", 3)]
    assert 'href="#fc1:3"' in row.html()
    assert row.json() == "fc1:3, fc2"
    effects = mlp().effects
    named = effects.groups["group"].iloc[0].split(", ")
    shown = group_tables(effects, TASKS["classification"].score)[0].frame["changed together"].iloc[0]
    assert [node.text for node in shown.nodes] == [name for name in named if ":" in name]


def sequences(results, steps, kind):
    """The same results of a network that runs a time step at a time on inputs of some steps."""
    gates = tuple(replace(layer, kind="gate", layout="steps") for layer in results.model.layers)
    shape, data = (1, steps, results.data.width // steps), results.data
    splits = {name: replace(split, inputs=split.inputs.astype(kind)) for name, split in data.splits.items()}
    data = replace(data, image_shape=shape, splits=splits, features=())
    return replace(results, model=replace(results.model, layers=gates), data=data)


def test_values_of_sequences_are_named_by_their_time_step_and_are_no_pictures():
    results = sequences(mlp(), 8, np.float32)
    html = of(results)
    assert "tiles-row" not in html
    assert re.search(r"time step [0-7], value [0-7]", text_of(html))
    assert not re.search(r"input \d", text_of(html))


def test_pictures_that_are_read_row_by_row_stay_pictures():
    html = of(sequences(mlp(), 8, np.uint8))
    assert "tiles-row" in html
    assert "A row of a picture is a time step." in text_of(html)


@pytest.mark.parametrize(
    ("results", "said"),
    [
        (mlp, "those whose silencing changes the score most"),
        (lambda: nothing_analysed(mlp()), "the first of the others"),
    ],
    ids=["silenced", "not"],
)
def test_places_are_said_to_go_by_effects_where_there_are_some(results, said):
    found = results()
    assert said in find_places(found, node_columns(found), [], 0).rule
