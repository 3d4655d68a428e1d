import json
from dataclasses import replace

import numpy as np
import pytest
from tiny_runs import DEAD, colours, mlp, several_mlps

from interp.checkpoints.inspection import inspection
from interp.report.document.document import document
from interp.types import KINDS

from .planted import nothing_analysed

KEYS = [
    "schema",
    "model",
    "data",
    "layers",
    "nodes",
    "prototypes",
    "clusters",
    "interventions",
    "attribution",
    "verdict",
    "alerts",
    "provenance",
]


def test_document_is_strict_json_with_the_promised_keys():
    found = document(several_mlps())
    assert set(KEYS) <= set(found)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_layers_have_the_share_at_the_threshold_beside_its_nulls():
    results = mlp()
    boundaries = results.boundaries["fc2"]
    layer = next(layer for layer in document(results)["layers"] if layer["name"] == "fc2")
    kinds = boundaries.kind.tolist()
    assert layer["kinds"] == {kind: kinds.count(kind) for kind in KINDS if kind != "undecided" or kind in kinds}
    at = np.flatnonzero(np.isclose(boundaries.epsilons, 0.25)).item()
    assert layer["coherent"]["share"] == boundaries.share[at]
    assert layer["coherent"]["p_value"] == boundaries.share_p_value[at]
    nulls = {name: (null["share"], null["low"], null["high"]) for name, null in layer["coherent"]["null"].items()}
    assert nulls == {
        name: (boundaries.null_share[name][at], boundaries.null_low[name][at], boundaries.null_high[name][at])
        for name in boundaries.null_share
    }
    assert len(nulls) == 7
    p_values = [null["p_value"] for null in layer["coherent"]["null"].values()]
    assert layer["coherent"]["p_value"] == max(p_values)
    assert layer["coherent"]["by_class"]["share"] == boundaries.by_class.share[at]


def test_what_there_is_not_is_null():
    """Neither a component nor a centroid is numbered -1; numbers that there are, are whole."""
    results = mlp()
    found = json.loads(json.dumps(document(results)))
    kinds = {node["name"]: node["kind"] for node in found["nodes"]}
    assert (
        {node["name"] for node in found["nodes"] if node["component"] is None}
        == {name for name, kind in kinds.items() if kind == "dead"}
        != set()
    )
    matched = [one for layer in found["prototypes"] for kind in layer["kinds"].values() for one in kind["matched"]]
    indices = [index for one in matched for index in one["centroid"]] + [node["component"] for node in found["nodes"]]
    assert {type(index) for index in indices} == {int, type(None)}
    assert min(index for index in indices if index is not None) == 0


def test_nodes_have_all_that_was_found_of_them():
    results = mlp()
    found = document(results)
    assert [node["name"] for node in found["nodes"]] == [
        f"{layer}:{node}" for layer, nodes in (("fc1", 8), ("fc2", 6), ("fc3", 3)) for node in range(nodes)
    ]
    node = found["nodes"][8 + 3]
    fit = results.fits["fc2"]
    assert node["kind"] == results.boundaries["fc2"].kind[3]
    assert node["sd"] ** 2 == pytest.approx(float(fit.var[3]))
    assert len(node["mixture"]) == fit.components[3]
    assert sum(part["weight"] for part in node["mixture"]) == pytest.approx(1)
    table = results.effects.single_nodes
    rows = table[(table["layer"] == "fc2") & (table["node"] == 3)]
    assert len(rows) == 4, "two ways of silencing it, on samples that test it and on the others"
    assert [(row["intervention"], row["split"], row["score"]) for row in node["ablation"]] == list(
        zip(rows["intervention"], rows["split"], rows["score"], strict=True)
    )


def test_dead_node_has_null_not_nan():
    node = document(mlp())["nodes"][DEAD]
    assert node["kind"] == "dead"
    assert node["distance"] is None
    assert node["q_value"] is None


def test_document_of_nothing_but_a_model():
    found = document(nothing_analysed(mlp()))
    assert found["nodes"][0] == {"name": "fc1:0", "layer": "fc1", "node": 0, "ablation": []}
    assert found["interventions"] == []


def _of_kind(results, kind):
    layers = tuple(replace(layer, kind=kind) for layer in results.model.layers)
    return replace(results.model, layers=layers)


@pytest.mark.parametrize(
    ("model", "widths"),
    [
        (lambda: mlp().model, [64, 8, 6, 3]),
        (lambda: colours().model, None),
        (lambda: _of_kind(mlp(), "offset-l2"), [64, 8, 6, 3]),
    ],
    ids=["linear", "convolution", "offset-l2"],
)
def test_widths_only_for_a_plain_chain(model, widths):
    assert inspection(model())["widths"] == widths


def test_inspection_gives_one_hidden_activation():
    found = inspection(mlp().model)
    assert found["activation"] == "relu"
    assert found["inferred"]["activation"]["confidence"] == "certain"


EMPTY = (
    "groups",
    "class_accuracy",
    "class_falls",
    "clamp_curves",
    "node_levels",
    "class_balance",
    "control",
    "tolerance",
)


def test_interventions_stand_under_keys_of_their_own():
    effects = mlp().effects
    found = document(mlp())
    assert [row["node"] for row in found["node_levels"]] == effects.node_levels["node"].tolist()
    assert {"equilibrium", "half_min", "half_max", "lowest", "above", "accuracy_above", "accuracy_below"} <= set(
        found["node_levels"][0]
    )
    control = {(row["network"], row["layer"], row["intervention"], row["copy"]): row for row in found["control"]}
    part = effects.control[(effects.control["network"] == "shuffled") & (effects.control["layer"] == "fc2")]
    part = part[(part["intervention"] == "offset") & (part["copy"] == 1)]
    assert control["shuffled", "fc2", "offset", 1]["agreement"] == part["agreement"].tolist()
    assert control["shuffled", "fc2", "offset", 1]["level"] == part["level"].tolist()
    copies = {(row["network"], row["copy"]) for row in found["tolerance"]}
    assert copies == {("given", None), *(("shuffled", copy) for copy in range(len(copies) - 1))}
    assert {(row["node"] is None, row["level"] is None and not row["no_op"]) for row in found["interventions"]} == {
        (True, False),
        (False, True),
    }, "whole layers have levels, single nodes none"
    curve = next(row for row in found["class_accuracy"] if row["class"] == 1 and row["intervention"] == "clip")
    assert len(curve["level"]) == len(curve["accuracy"]) == len(set(curve["level"])) > 3
    assert curve["level"][-1] is None, "clip's no-op is no number"
    assert {row["side"] for row in found["class_falls"]} == {"down", "up"}
    assert found["class_balance"][0]["class"] == [0, 1, 2]
    assert len(found["clamp_curves"]) == 2 * (8 + 6 + 3)
    assert len(found["groups"]) == len(effects.groups)
    assert len(found["interventions"]) == len(effects.whole_layers) + len(effects.single_nodes)
    assert found["runs"] is None


def test_a_node_has_the_levels_that_were_read_off_its_curves():
    table = mlp().effects.node_levels
    row = table[(table["layer"] == "fc1") & (table["node"] == 1)].iloc[0]
    levels = next(node for node in document(mlp())["nodes"] if node["name"] == "fc1:1")["levels"]
    assert set(levels) == set(table.columns) - {"layer", "node"}
    assert levels["lowest"] == row["lowest"]
    assert levels["equilibrium"] == (row["equilibrium"] if np.isfinite(row["equilibrium"]) else None)


def test_an_infinite_ratio_is_null():
    results = mlp()
    tolerance = results.effects.tolerance.assign(ratio=np.inf)
    found = document(replace(results, effects=replace(results.effects, tolerance=tolerance)))
    assert {row["ratio"] for row in found["tolerance"]} == {None}


def test_runs_are_there_when_several_networks_were_given():
    found = document(several_mlps())["runs"]
    names = [row["checkpoint"].rsplit("/", 1)[-1] for row in found["networks"] if row["split"] == "test"]
    assert names == ["net0.pt", "net1.pt", "net2.pt"]
    assert {"t", "effect_size", "q_value", "difference_low"} <= set(found["table"][0])


def test_keys_of_interventions_are_there_without_any():
    found = document(nothing_analysed(mlp()))
    assert all(found[key] == [] for key in EMPTY)
