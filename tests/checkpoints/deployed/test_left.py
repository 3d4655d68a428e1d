"""Layers that ONNX Runtime runs whole are named, each with the reason."""

import numpy as np
import pytest

from interp.checkpoints import LoadOptions, load_model
from interp.checkpoints.inspection import inspection
from interp.errors import CheckpointError

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from checkpoints.deployed import graphs  # noqa: E402
from checkpoints.deployed.test_deployed import check_same, data_of  # noqa: E402

WHOLE = "that ONNX Runtime runs whole"


def until(nodes, carried, stored=()):
    """Make a loop that ends itself, so that it is not written out."""
    ends = [graphs.node("ReduceSum", carried, "sum", keepdims=0), graphs.node("Less", "sum limit", "on_out")]
    inputs = [graphs.value("round", [], 7), graphs.value("on", [], 9), graphs.value("before", None)]
    outputs = [graphs.value("on_out", [], 9), graphs.value(carried, None)]
    tensors = [graphs.tensor("limit", 1e9), *stored]
    loop = graphs.node(
        "Loop", "rounds x", "h", body=onnx.helper.make_graph([*nodes, *ends], "b", inputs, outputs, tensors)
    )
    loop.input[:] = ["rounds", "", "x"]
    return loop


def test_layers_inside_of_a_loop_are_named(tmp_path):
    """Their weights lie inside, or outside; what is made of weights alone is no layer."""
    inside = [
        graphs.node("MatMul", "before own.weight", "one"),
        graphs.node("Transpose", "outer.weight", "turned"),
        graphs.node("MatMul", "one turned", "two"),
        graphs.node("Tanh", "two", "after"),
    ]
    own = graphs.tensor("own.weight", np.eye(6))
    nodes = [until(inside, "after", [own]), graphs.node("MatMul", "h w", "y")]
    stored = {"rounds": np.array(3)} | graphs.weights(**{"w": (6, 3), "outer.weight": (6, 6)})
    path = graphs.saved(tmp_path / "net.onnx", nodes, [graphs.value("x", ["batch", 6])], ["y"], 17, stored)
    model, _ = check_same(path, data_of(6))
    assert [layer.name for layer in model.layers] == ["w"]
    reason = "MatMul inside of a Loop, which ONNX Runtime runs whole"
    assert model.skipped == {"own": reason, "outer": reason}
    assert inspection(model)["skipped"] == model.skipped


def test_layers_of_other_forms_are_named(tmp_path):
    """Weights of three axes, weights first, and kernels that the network computes; two values joined are no layer."""
    nodes = [
        graphs.node("MatMul", "x deep", "a"),
        graphs.node("MatMul", "left a", "b"),
        graphs.node("MatMul", "b b", "joined"),
        graphs.node("Reshape", "x image", "i"),
        graphs.node("ReduceMean", "i", "m", axes=[0], keepdims=1),
        graphs.node("Conv", "i m", "c"),
        graphs.node("Flatten", "c", "f"),
        graphs.node("Flatten", "joined", "j"),
        graphs.node("Concat", "f j", "k", axis=1),
        graphs.node("MatMul", "k w", "y"),
    ]
    stored = {"image": np.array([-1, 1, 6, 6])} | graphs.weights(deep=(1, 6, 6), left=(6, 6), w=(37, 3))
    path = graphs.saved(tmp_path / "net.onnx", nodes, [graphs.value("x", [1, 6, 6])], ["y"], 13, stored)
    model, _ = check_same(path, data_of(6, 6))
    assert [layer.name for layer in model.layers] == ["w"]
    assert model.skipped == {
        "deep": f"MatMul {WHOLE}: MatMul with weights of 3 axes",
        "left": f"MatMul {WHOLE}: a product whose stored values come first",
        "c": f"Conv {WHOLE}: Conv of a tensor that is computed",
    }


def test_operators_of_other_domains_are_named(tmp_path):
    nodes = [
        graphs.node("FusedMatMul", "x v", "a", domain="com.microsoft", transA=1),
        graphs.node("MatMul", "a w", "y"),
    ]
    stored = graphs.weights(v=(1, 6), w=(6, 3))
    given = [graphs.value("x", [1, 5])]
    path = graphs.saved(tmp_path / "net.onnx", nodes, given, ["y"], 17, stored, "com.microsoft")
    model, _ = check_same(path, data_of(5))
    assert model.skipped == {"v": f"FusedMatMul {WHOLE}: an operator of com.microsoft"}


def test_a_graph_whose_layers_are_all_left_is_refused_as_that(tmp_path):
    inside = [graphs.node("MatMul", "before own.weight", "one"), graphs.node("Tanh", "one", "after")]
    nodes = [until(inside, "after", [graphs.tensor("own.weight", np.eye(6))]), graphs.node("Neg", "h", "y")]
    given = [graphs.value("x", ["batch", 6])]
    path = graphs.saved(tmp_path / "net.onnx", nodes, given, ["y"], 17, {"rounds": np.array(3)})
    with pytest.raises(CheckpointError, match=r"layers that have no nodes here \(MatMul inside of a Loop"):
        load_model(path, data_of(6), LoadOptions(scaling="raw"))


def test_values_that_are_rounded_inside_of_a_loop_are_rounded_alone(tmp_path):
    """The range of a batch would be that of all its samples; the two that a file is tried on may have one range."""
    inside = [
        graphs.node("DynamicQuantizeLinear", "before", "q s z"),
        graphs.node("DequantizeLinear", "q s z", "after"),
    ]
    nodes = [until(inside, "after"), graphs.node("MatMul", "h w", "y")]
    stored = {"rounds": np.array(1)} | graphs.weights(w=(6, 3))
    path = graphs.saved(tmp_path / "net.onnx", nodes, [graphs.value("x", ["batch", 6])], ["y"], 17, stored)
    data = data_of(6)
    data["x_train"][1] = data["x_train"][0][::-1]
    model, _ = check_same(path, data)
    assert model.module.one_by_one
