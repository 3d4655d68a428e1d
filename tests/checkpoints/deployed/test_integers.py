"""Layers of whole numbers as onnxruntime's quantiser writes them, and as its optimiser makes one operation of each."""

import numpy as np
import pytest
import torch

from interp.checkpoints import load_model
from interp.errors import CheckpointError
from interp.interventions.edits import ablate
from interp.interventions.engine.sites import find_site
from interp.network import as_tensor, outputs_on

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
quantization = pytest.importorskip("onnxruntime.quantization")
from checkpoints.deployed import graphs  # noqa: E402
from checkpoints.deployed.test_deployed import RAW, check_same, data_of, run  # noqa: E402

DRAWN = np.random.default_rng(5)
STORED = {
    "one_quantized": DRAWN.integers(0, 255, (8, 6)).astype(np.uint8),
    "scale": np.float32(0.02),
    "scales": DRAWN.random(6).astype(np.float32) * 0.02 + 0.01,
    "zero": np.uint8(120),
    "zeros": DRAWN.integers(100, 140, 6).astype(np.uint8),
    "b": DRAWN.normal(size=6).astype(np.float32),
}


def network(path):
    """Write a convolution and three dense layers of floats, two of which read one value, as three of attention do."""
    nodes = [
        graphs.node("Conv", "x conv.weight conv.bias", "c", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        graphs.node("Relu", "c", "r"),
        graphs.node("Flatten", "r", "f"),
        graphs.node("MatMul", "f left", "l"),
        graphs.node("MatMul", "f right", "g"),
        graphs.node("Mul", "l g", "m"),
        graphs.node("Tanh", "m", "t"),
        graphs.node("MatMul", "t last", "p"),
        graphs.node("Add", "p bias", "y"),
    ]
    shapes = {
        "conv.weight": (3, 1, 3, 3),
        "conv.bias": 3,
        "left": (108, 5),
        "right": (108, 5),
        "last": (5, 4),
        "bias": 4,
    }
    given = [graphs.value("x", ["batch", 1, 6, 6])]
    stored = {name: 0.2 * one for name, one in graphs.weights(**shapes).items()}
    return graphs.saved(path, nodes, given, [graphs.value("y", ["batch", 4])], 17, stored)


def optimised(path):
    """Let onnxruntime make fewer operations of a graph's, as it does when it loads one."""
    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    settings.optimized_model_filepath = str(path.with_name("optimised.onnx"))
    settings.log_severity_level = 4
    onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    return path.with_name("optimised.onnx")


def kinds(path):
    return {node.op_type for node in onnx.load(path).graph.node}


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("kind", ["QInt8", "QUInt8"])
@pytest.mark.filterwarnings("ignore")
def test_every_layer_of_the_quantiser_has_nodes(kind, per_channel, tmp_path):
    """With weights of either type, and a scale for each layer or node; as it writes them, and optimised.

    Weights have seven bits: products of eight may overflow on processors without instructions for them.
    """
    path, data = tmp_path / "whole.onnx", data_of(1, 6, 6)
    weight_type = getattr(quantization.QuantType, kind)
    quantization.quantize_dynamic(
        network(tmp_path / "net.onnx"), path, weight_type=weight_type, per_channel=per_channel
    )
    assert {"ConvInteger", "MatMulInteger"} <= kinds(path)
    for each in (path, optimised(path)):
        model, _ = check_same(each, data, atol=1e-5)
        assert [layer.name for layer in model.layers] == ["conv", "left", "right", "last"]
        assert model.skipped == {}
    assert {"DynamicQuantizeMatMul", "MatMulIntegerToFloat"} & kinds(each)


def fused(path, inputs, kind="DynamicQuantizeMatMul", changed=None):
    """Write one layer of whole numbers as one operation, and a layer of floats behind it."""
    first = [graphs.node("DynamicQuantizeLinear", "x", "q s z")] if kind != "DynamicQuantizeMatMul" else []
    nodes = [onnx.helper.make_node(kind, inputs, ["h"], domain="com.microsoft"), graphs.node("MatMul", "h w2", "y")]
    stored = {**STORED, **graphs.weights(w2=(6, 3)), **(changed or {})}
    given = [graphs.value("x", ["batch", 8])]
    return graphs.saved(path, [*first, *nodes], given, [graphs.value("y", ["batch", 3])], 17, stored, "com.microsoft")


@pytest.mark.parametrize("bias", [[], ["b"]], ids=["plain", "bias"])
@pytest.mark.parametrize(("scale", "zero"), [("scale", "zero"), ("scales", "zeros"), ("scale", "")])
@pytest.mark.parametrize("kind", ["DynamicQuantizeMatMul", "MatMulIntegerToFloat"])
def test_one_operation_is_a_layer(kind, scale, zero, bias, tmp_path):
    """Outputs of the file as it is, in ONNX Runtime, and a node made 0 there: a column at its zero point."""
    if kind == "DynamicQuantizeMatMul":
        inputs = ["x", "one_quantized", scale, zero, *bias]
    else:
        inputs = ["q", "one_quantized", "s", scale, "z", zero, *bias]
    data = {"x_train": np.random.default_rng(6).normal(size=(6, 8)).astype(np.float32), "y_train": np.zeros(6, int)}
    data["x_train"] *= np.array([1, 5, 20, 0.1, 2, 7], np.float32)[:, None]
    model, dataset = check_same(fused(tmp_path / "net.onnx", inputs, kind), data, atol=1e-5)
    assert [(layer.name, layer.nodes) for layer in model.layers] == [("one", 6), ("w2", 3)]
    x = as_tensor(dataset.train.inputs, model.scaling, model.input_shape)
    with torch.no_grad():
        changed = find_site(model, {"one": model.layer("one")}).at(x).outputs({"one": ablate(2, 0.0)}).numpy()
    silent = {"one_quantized": STORED["one_quantized"].copy(), "b": STORED["b"].copy()}
    silent["one_quantized"][:, 2] = np.broadcast_to(STORED[zero] if zero else 0, 6)[2]
    silent["b"][2] = 0
    expected = run(fused(tmp_path / "silent.onnx", inputs, kind, silent), data)
    assert np.abs(expected - outputs_on(model, dataset.train.inputs).numpy()).max() > 0.01
    np.testing.assert_allclose(changed, expected, atol=1e-5 * (1 + np.abs(expected).max()))


def test_what_reads_a_value_that_is_rounded_otherwise_is_left(tmp_path):
    """Steps that the file states are none of the value's own range; the product is no layer that is known here."""
    nodes = [
        graphs.node("QuantizeLinear", "x s z", "q"),
        onnx.helper.make_node(
            "MatMulIntegerToFloat", ["q", "one_quantized", "s", "scale", "z", "zero"], ["y"], domain="com.microsoft"
        ),
    ]
    stored = STORED | {"s": np.float32(0.05), "z": np.uint8(128)}
    path = graphs.saved(
        tmp_path / "net.onnx", nodes, [graphs.value("x", ["batch", 8])], ["y"], 17, stored, "com.microsoft"
    )
    with pytest.raises(CheckpointError, match="layers of whole numbers"):
        load_model(path, data_of(8), RAW)
