"""The table of all nodes holds what was found of each, in network order, and comes back whole from its packing."""

import base64
import json
import zlib
from dataclasses import replace

import numpy as np
import pytest
from tiny_runs import DEAD, mlp, one_node, unlabelled

from interp.report.browser.columns import node_columns, node_starts
from interp.report.browser.packed import packed_columns
from interp.report.selection.lookup import nearest_classes
from interp.types import KINDS, UNSAMPLED
from report.planted import nothing_analysed, widened


@pytest.fixture(scope="module")
def columns():
    return {column.key: column for column in node_columns(mlp())}


def test_every_node_has_a_row_in_network_order(columns):
    assert node_starts(mlp()) == {"fc1": 0, "fc2": 8, "fc3": 14}
    assert {len(column.values) for column in columns.values()} == {17}


def test_columns_hold_what_was_found(columns):
    results = mlp()
    kinds = [kind for layer in results.model.layers for kind in results.boundaries[layer.name].kind]
    assert [columns["kind"].words[int(index)] for index in columns["kind"].values] == kinds
    assert columns["kind"].words == (*KINDS, UNSAMPLED)
    distance = np.concatenate([results.boundaries[layer.name].distance for layer in results.model.layers])
    np.testing.assert_array_equal(columns["distance"].values, distance)
    tested = results.effects.tested_nodes
    row = tested[(tested["layer"] == "fc2") & (tested["node"] == 4) & (tested["intervention"] == "zero-ablation")]
    assert columns["effect"].values[8 + 4] == row["difference"].item()
    assert columns["q"].values[8 + 4] == row["q_value"].item()
    assert np.isnan(columns["conductance"].values[14:]).all(), "the last layer is not attributed"


def test_the_class_that_is_hurt_most_loses_most(columns):
    table = mlp().effects.node_classes
    for row, (layer, node) in enumerate([("fc1", node) for node in range(8)] + [("fc2", node) for node in range(6)]):
        part = table[(table["layer"] == layer) & (table["node"] == node)]
        word = columns["hurt"].values[row]
        if part["difference"].min() < 0:
            assert part[part["class"] == word]["difference"].item() == part["difference"].min()
        else:
            assert word == -1


def test_the_nearest_class_is_the_one_with_the_mean_closest_to_zero_in_its_own_spread(columns):
    fit = mlp().fits["fc2"]
    size = np.abs(fit.class_mean) / np.sqrt(fit.class_var)
    assert nearest_classes(mlp(), mlp().model.layers[1]).tolist() == size.argmin(0).tolist()
    assert columns["class"].values[8:14].tolist() == size.argmin(0).tolist()


def test_a_class_without_spread_or_rows_is_not_the_nearest():
    results = mlp()
    fit = results.fits["fc1"]
    fit = replace(fit, class_var=np.zeros_like(fit.class_var), class_mean=np.full_like(fit.class_mean, np.nan))
    assert (nearest_classes(replace(results, fits={"fc1": fit}), results.model.layers[0]) == -1).all()


def test_what_nothing_is_known_of_is_no_column():
    assert node_columns(nothing_analysed(mlp())) == ()
    assert {"class", "hurt"}.isdisjoint(column.key for column in node_columns(unlabelled()))
    assert all(len(column.values) == 1 for column in node_columns(one_node()))


def unpacked(text):
    content = zlib.decompress(base64.b64decode(text))
    length = int.from_bytes(content[:4], "little")
    return json.loads(content[4 : 4 + length]), np.frombuffer(content[4 + length :], "<f4")


def test_packing_loses_nothing_that_is_shown(columns):
    results = mlp()
    header, values = unpacked(packed_columns(results.model.layers, list(columns.values()), {"rule": "…"}))
    assert header["layers"] == [["fc1", 8], ["fc2", 6], ["fc3", 3]]
    assert header["rule"] == "…"
    assert [column["key"] for column in header["columns"]] == list(columns)
    expected = [np.asarray(column.values, np.float32) for column in columns.values()]
    np.testing.assert_array_equal(values.reshape(len(columns), 17), expected)
    assert np.isnan(columns["distance"].values[DEAD])


def test_a_hundred_thousand_nodes_take_a_few_megabytes():
    results = widened(replace(mlp(), prototypes={}, clusters={}), "fc1", 100_000)
    noisy = np.random.default_rng(0).normal(size=100_009)
    columns = [replace(column, values=noisy) if not column.words else column for column in node_columns(results)]
    assert len(packed_columns(results.model.layers, columns, {})) < 4_500_000
