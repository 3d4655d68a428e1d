import json

import numpy as np
import pytest

from interp.inspection import inspection
from interp.report import document

from .synthetic import make_results, without_results

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
