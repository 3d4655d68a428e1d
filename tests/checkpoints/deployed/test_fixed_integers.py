"""Layers of whole numbers with fixed scales, as onnxruntime's static quantiser writes them, and one of each kind."""

import numpy as np
import pytest
import torch

from interp.checkpoints import load_model
from interp.interventions.edits import ablate
from interp.interventions.engine.sites import find_site
from interp.network import as_tensor, outputs_on

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
quantization = pytest.importorskip("onnxruntime.quantization")
from checkpoints.deployed import graphs  # noqa: E402
from checkpoints.deployed.test_deployed import RAW, data_of, run  # noqa: E402
from checkpoints.deployed.test_integers import kinds, network  # noqa: E402

DRAWN = np.random.default_rng(11)
STEP = np.float32(0.0731)
"""Step of the outputs of one layer: a sum within rounding of the middle between two may be a step off."""

FEW = 0.01
"""Largest share of outputs that are a step off: sums in 32 bits are apart by some 1e-6 of the size of 255 steps."""


def whole(low, high, shape, kind):
    return DRAWN.integers(low, high, shape).astype(kind)


STORED = {
    "xs": np.float32(0.0313), "xz": np.uint8(117), "ys": STEP, "yz": np.uint8(131),
    "dense_quantized": whole(-60, 60, (8, 6), np.int8), "turned_quantized": whole(-60, 60, (6, 8), np.int8),
    "kernels_quantized": whole(60, 190, (6, 2, 3, 3), np.uint8), "kz": whole(100, 140, 6, np.uint8),
    "s": np.float32(0.0171), "ss": (0.01 + 0.02 * DRAWN.random(6)).astype(np.float32), "z": np.int8(-7),
    "zs": whole(-20, 20, 6, np.int8), "b": whole(-3000, 3000, 6, np.int32),
}  # fmt: skip
GRID = {"strides": [2, 1], "pads": [1, 0, 1, 2], "group": 2, "dilations": [1, 2]}
LAYERS = {
    "convolution": ("QLinearConv", "", "kernels_quantized ss kz ys yz b", GRID),
    "dense": ("QLinearMatMul", "", "dense_quantized s z ys yz", {}),
    "a scale for each node": ("QLinearMatMul", "", "dense_quantized ss zs ys yz", {}),
    "with a bias": ("QGemm", "com.microsoft", "dense_quantized ss zs b ys yz", {"alpha": 0.7}),
    "turned": ("QGemm", "com.microsoft", "turned_quantized s z b ys yz", {"transB": 1}),
    "of floats": ("QGemm", "com.microsoft", "turned_quantized ss zs b", {"transB": 1, "alpha": 1.3}),
}


def layer(path, name, changed=None):
    """Write one layer between rounding and its way back, with stored values that may be others."""
    kind, domain, inputs, settings = LAYERS[name]
    nodes = [
        graphs.node("CumSum", "x axis", "c"),
        graphs.node("QuantizeLinear", "c xs xz", "q"),
        graphs.node(kind, f"q xs xz {inputs}", "h" if "ys" in inputs else "y", domain=domain, **settings),
    ]
    if "ys" in inputs:
        nodes.append(graphs.node("DequantizeLinear", "h ys yz", "y"))
    stored = STORED | {"axis": np.array(1)} | (changed or {})
    given = [graphs.value("x", ["batch", *shape_of(name)])]
    return graphs.saved(path, nodes, given, [graphs.value("y", None)], 17, stored, "com.microsoft")


def shape_of(name):
    return (4, 7, 6) if name == "convolution" else (8,)


def check_steps(found, expected, step=STEP):
    """Hold outputs against onnxruntime's, which adds whole numbers: few are one step off, none is more."""
    apart = np.abs(found - expected) / step
    assert apart.max() < 1.01
    assert (apart > 0.01).mean() <= FEW


@pytest.mark.parametrize("name", list(LAYERS))
def test_a_layer_has_nodes(name, tmp_path):
    """Outputs of the file as it is, and a node made 0 there: weights at their zero point, and no bias."""
    data = data_of(*shape_of(name))
    model, dataset = load_model(layer(tmp_path / "net.onnx", name), data, RAW)
    weights, _, zero = LAYERS[name][2].split()[:3]
    assert [(one.name, one.nodes) for one in model.layers] == [(weights.removesuffix("_quantized"), 6)]
    assert model.skipped == {}
    expected = run(tmp_path / "net.onnx", data)
    assert len(np.unique(expected)) > 20  # values are spread, and not cut off
    check_steps(outputs_on(model, dataset.train.inputs).numpy(), expected)
    x = as_tensor(dataset.train.inputs, model.scaling, model.input_shape)
    site = find_site(model, {model.layers[0].name: model.layers[0]}).at(x)
    with torch.no_grad():
        changed = site.outputs({model.layers[0].name: ablate(2, 0.0)}).numpy()
    silent = {weights: STORED[weights].copy(), "b": STORED["b"].copy()}
    at = (slice(None), 2) if weights == "dense_quantized" else 2
    silent[weights][at] = np.broadcast_to(STORED[zero], 6)[2]
    silent["b"][2] = 0
    again = run(layer(tmp_path / "silent.onnx", name, silent), data)
    assert np.abs(again - expected).max() > 5 * STEP
    check_steps(changed, again)


def test_weights_of_several_layers_keep_their_own_scales(tmp_path):
    """Three layers read the same whole numbers, each in steps of its own."""
    nodes = [graphs.node("CumSum", "x axis", "c"), graphs.node("QuantizeLinear", "c xs xz", "q")]
    for at, scale in enumerate(("s", "ss", "xs")):
        nodes.append(graphs.node("QLinearMatMul", f"q xs xz dense_quantized {scale} z ys yz", f"h{at}"))
        nodes.append(graphs.node("DequantizeLinear", f"h{at} ys yz", f"d{at}"))
    nodes.append(graphs.node("Concat", "d0 d1 d2", "y", axis=1))
    stored = STORED | {"axis": np.array(1)}
    path = graphs.saved(
        tmp_path / "net.onnx", nodes, [graphs.value("x", ["batch", 8])], [graphs.value("y", None)], 17, stored
    )
    data = data_of(8)
    model, dataset = load_model(path, data, RAW)
    assert len(model.layers) == 3
    check_steps(outputs_on(model, dataset.train.inputs).numpy(), run(path, data))


def test_weights_that_are_rounded_in_the_graph_are_stored_ones(tmp_path):
    """The quantiser writes them so where weights were nodes of constants, as those of Paddle are."""
    data = data_of(8)
    path = layer(tmp_path / "net.onnx", "dense")
    expected = run(path, data)
    file = onnx.load(path)
    floats = (STORED["dense_quantized"].astype(np.float32) - STORED["z"]) * STORED["s"]
    file.graph.node.insert(0, graphs.node("QuantizeLinear", "floats s z", "dense_quantized"))
    kept = [one for one in file.graph.initializer if one.name != "dense_quantized"]
    del file.graph.initializer[:]
    file.graph.initializer.extend([*kept, graphs.tensor("floats", floats)])
    onnx.save(file, path)
    np.testing.assert_array_equal(run(path, data), expected)
    model, dataset = load_model(path, data, RAW)
    assert [(one.name, one.nodes) for one in model.layers] == [("dense", 6)]
    check_steps(outputs_on(model, dataset.train.inputs).numpy(), expected)


class Rows(quantization.CalibrationDataReader):
    """Random images, by which the quantiser chooses scales."""

    def __init__(self):
        rng = np.random.default_rng(12)
        self.left = [{"x": rng.normal(size=(4, 1, 6, 6)).astype(np.float32)} for _ in range(4)]

    def get_next(self):
        return self.left.pop() if self.left else None


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("kind", ["QInt8", "QUInt8"])
@pytest.mark.filterwarnings("ignore")
def test_every_layer_of_the_static_quantiser_has_nodes(kind, per_channel, tmp_path):
    """Weights have seven bits: products of eight may overflow on processors without instructions for them."""
    path, data = tmp_path / "whole.onnx", data_of(1, 6, 6)
    quantization.quantize_static(
        network(tmp_path / "net.onnx"), path, Rows(), quantization.QuantFormat.QOperator, per_channel=per_channel,
        activation_type=quantization.QuantType.QUInt8, weight_type=getattr(quantization.QuantType, kind),
        reduce_range=True,
    )  # fmt: skip
    assert {"QLinearConv", "QLinearMatMul"} <= kinds(path)
    model, dataset = load_model(path, data, RAW)
    assert [(one.name, one.nodes) for one in model.layers] == [("conv", 3), ("left", 5), ("right", 5), ("last", 4)]
    assert model.skipped == {}
    expected = run(path, data)
    steps = np.diff(np.unique(expected))
    check_steps(outputs_on(model, dataset.train.inputs).numpy(), expected, 3 * steps[steps > 1e-6].min())


def test_a_product_of_two_values_is_no_layer(tmp_path):
    """Both are computed, as in attention: ONNX Runtime runs it, and the layer behind it has the nodes."""
    nodes = [
        graphs.node("QuantizeLinear", "x xs xz", "q"),
        graphs.node("Transpose", "q", "t", perm=[1, 0]),
        graphs.node("QLinearMatMul", "t xs xz q xs xz ys yz", "p"),
        graphs.node("DequantizeLinear", "p ys yz", "d"),
        graphs.node("Reshape", "d shape", "f"),
        graphs.node("MatMul", "f w", "y"),
    ]
    stored = STORED | {"shape": np.array([1, 64])} | graphs.weights(w=(64, 3))
    path = graphs.saved(tmp_path / "net.onnx", nodes, [graphs.value("x", [1, 8])], ["y"], 17, stored)
    data = data_of(8)
    model, dataset = load_model(path, data, RAW)
    assert [(one.name, one.nodes) for one in model.layers] == [("w", 3)]
    assert model.skipped == {}
    np.testing.assert_allclose(outputs_on(model, dataset.train.inputs), run(path, data), atol=1e-4)
