import json
from dataclasses import replace

import numpy as np
import pytest

from interp.checkpoints.inspection import inspection
from interp.report import document

from .synthetic import make_results, without_results
from .synthetic_effects import make_runs

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
    found = document(make_results())
    assert set(KEYS) <= set(found)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_document_gives_planted_values():
    results = make_results()
    found = document(results)
    assert found["layers"][0]["kinds"] == {"coherent": 4, "adhoc": 4, "one-sided": 2, "dead": 2}
    assert found["layers"][0]["coherent"]["share"] == pytest.approx(0.225)
    assert found["layers"][0]["coherent"]["null"]["random point"]["share"] == pytest.approx(0.175)
    assert found["layers"][0]["coherent"]["p_value"] == 0.0123
    assert len(found["nodes"]) == 12 + 8 + 3
    assert len(found["interventions"]) == len(results.effects.table)
    node = found["nodes"][12 + 3]
    assert (node["name"], node["kind"]) == ("fc2:3", "adhoc")
    assert node["sd"] == pytest.approx(float(np.sqrt(results.fits["fc2"].var[3])))
    assert len(node["mixture"]) == results.fits["fc2"].components[3]
    assert {row["intervention"]: row["accuracy"] for row in node["ablation"]} == {
        "zero-ablation": pytest.approx(0.9754 - 0.9 / 7),
        "mean-ablation": pytest.approx(0.9754 - 0.9 / 7),
    }


def test_dead_node_has_null_not_nan():
    node = document(make_results())["nodes"][5]
    assert node["kind"] == "dead"
    assert node["distance"] is None
    assert node["skewness"] is None


def test_document_of_nothing_but_a_model():
    found = document(without_results(make_results()))
    assert found["nodes"][0] == {"name": "fc1:0", "layer": "fc1", "node": 0, "ablation": []}
    assert found["interventions"] == []


@pytest.mark.parametrize(
    ("changes", "widths"),
    [({}, [36, 12, 8, 3]), ({"kind": "conv2d"}, None), ({"kind": "offset-l2"}, [36, 12, 8, 3])],
)
def test_widths_only_for_a_plain_chain(changes, widths):
    assert inspection(make_results(**changes).model)["widths"] == widths


def test_inspection_gives_one_hidden_activation():
    model = make_results().model
    found = inspection(model)
    assert found["activation"] == "relu"
    assert found["trained"] is True
    assert found["inferred"]["activation"]["confidence"] == "likely"


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
    results = make_results()
    found, effects = document(results), results.effects
    assert [row["node"] for row in found["node_levels"]] == effects.node_levels["node"].tolist()
    assert {"equilibrium", "half_min", "half_max", "lowest", "above", "accuracy_above", "accuracy_below"} <= set(
        found["node_levels"][0]
    )
    by_node = {node["name"]: node for node in found["nodes"]}
    first = found["node_levels"][1]
    assert by_node["fc1:1"]["levels"] == {key: first[key] for key in first if key not in ("layer", "node")}
    control = {(row["network"], row["layer"], row["intervention"]): row for row in found["control"]}
    part = effects.control[(effects.control["network"] == "shuffled") & (effects.control["layer"] == "fc2")]
    part = part[part["intervention"] == "offset"]
    assert control["shuffled", "fc2", "offset"]["agreement"] == part["agreement"].tolist()
    assert control["shuffled", "fc2", "offset"]["level"] == part["level"].tolist()
    assert {row["network"] for row in found["tolerance"]} == {"given", "shuffled"}
    assert found["tolerance"][2]["ratio"] is None, "an infinite ratio"
    curve = next(row for row in found["class_accuracy"] if row["class"] == 1 and row["intervention"] == "clip")
    assert len(curve["level"]) == len(curve["accuracy"]) == 5
    assert curve["level"][-1] is None, "the no-op of clip is at infinity"
    assert {row["side"] for row in found["class_falls"]} == {"down", "up"}
    assert found["class_balance"][0]["class"] == [0, 1, 2]
    assert len(found["clamp_curves"]) == 2 * (12 + 8 + 3)
    assert len(found["groups"]) == len(effects.groups)
    assert found["runs"] is None


def test_runs_are_there_when_several_networks_were_given():
    results = make_results()
    found = document(replace(results, runs=make_runs(results.model.layers, ("train",))))["runs"]
    assert [row["checkpoint"] for row in found["networks"]] == ["0.pt", "1.pt", "2.pt"]
    assert {"t", "effect_size", "q_value", "difference_low"} <= set(found["table"][0])


def test_keys_of_interventions_are_there_without_any():
    found = document(without_results(make_results()))
    assert all(found[key] == [] for key in EMPTY)
