"""Graphs that round to eight bits: layers of whole numbers have nodes; steps are held where outputs carry rounding."""

import numpy as np
import pytest
import torch

from interp.checkpoints import load_model
from interp.errors import InterpError
from interp.interventions.edits import ablate
from interp.interventions.engine.sites import find_site
from interp.network import as_tensor, outputs_on, tap

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
from checkpoints.deployed import graphs  # noqa: E402
from checkpoints.deployed.test_deployed import RAW, check_same, data_of, run  # noqa: E402
from interp.checkpoints.deployed import opening  # noqa: E402
from interp.checkpoints.deployed.folding.folded import folded  # noqa: E402
from interp.checkpoints.deployed.holding import difference_of_steps  # noqa: E402
from interp.checkpoints.deployed.packages import session  # noqa: E402
from interp.checkpoints.deployed.program import read_program  # noqa: E402
from interp.checkpoints.deployed.trying import difference  # noqa: E402


def rounded(x):
    """Round one sample to eight bits in steps of its own range, as DynamicQuantizeLinear is defined."""
    low, high = min(x.min(), np.float32(0)), max(x.max(), np.float32(0))
    scale = (high - low) / np.float32(255)
    zero = np.clip(np.round(-low / scale), 0, 255)
    return (np.clip(np.round(x / scale) + zero, 0, 255) - zero) * scale


def test_a_dense_layer_of_whole_numbers_has_nodes(tmp_path):
    path, stored = graphs.scaled_anew(tmp_path / "net.onnx")
    data = data_of(8)
    data["x_train"] *= np.array([1, 5, 20, 0.1, 2, 7], np.float32)[:, None]  # one range for all would round others away
    model, dataset = check_same(path, data, atol=1e-5)
    assert [(layer.name, layer.activation, layer.nodes) for layer in model.layers] == [
        ("one", "relu", 6), ("w2", "identity", 3),
    ]  # fmt: skip
    with torch.no_grad(), tap(model.module, model.layers) as z:
        model.module(as_tensor(dataset.train.inputs, model.scaling, model.input_shape))
    weight = (stored["one_quantized"].astype(np.float64) - stored["wz"]) * stored["ws"]
    expected = np.stack([rounded(x) for x in data["x_train"]]) @ weight + stored["b"]
    np.testing.assert_allclose(z["one"], expected, atol=1e-5 * (1 + np.abs(expected).max()))


@pytest.mark.parametrize("at", [0, 4])
def test_a_node_that_is_silenced_is_a_column_at_its_zero_point(at, tmp_path):
    path, stored = graphs.scaled_anew(tmp_path / "net.onnx")
    data = data_of(8)
    model, dataset = load_model(path, data, RAW)
    x = as_tensor(dataset.train.inputs, model.scaling, model.input_shape)
    with torch.no_grad():
        changed = find_site(model, {"one": model.layer("one")}).at(x).outputs({"one": ablate(at, 0.0)}).numpy()
    weight, bias = stored["one_quantized"].copy(), stored["b"].copy()
    weight[:, at], bias[at] = stored["wz"][at], 0
    silenced, _ = graphs.scaled_anew(tmp_path / "silenced.onnx", {"one_quantized": weight, "b": bias})
    expected = run(silenced, data)
    assert np.abs(expected - outputs_on(model, dataset.train.inputs).numpy()).max() > 0.01
    np.testing.assert_allclose(changed, expected, atol=1e-5 * (1 + np.abs(expected).max()))


SCALES = np.array([0.01, 0.02, 0.005, 0.03])


@pytest.mark.parametrize(
    ("scales", "zero"), [(np.array(0.01), 120), (SCALES.reshape(4, 1, 1), 120), (SCALES.reshape(1, 4, 1, 1), 0)]
)
def test_a_convolution_of_whole_numbers_has_nodes(scales, zero, tmp_path):
    path, _ = graphs.scaled_convolution(tmp_path / "net.onnx", scales, zero)
    model, _ = check_same(path, data_of(2, 6, 6), atol=1e-5)
    assert [(layer.name, layer.kind, layer.activation) for layer in model.layers] == [("kernels", "conv2d", "relu")]


def test_scales_on_another_axis_are_left_as_they_are(tmp_path):
    path, _ = graphs.scaled_convolution(tmp_path / "net.onnx", np.full((1, 1, 1, 6), 0.01), 0)
    with pytest.raises(InterpError, match="layers of whole numbers, scaled anew for each input"):
        load_model(path, data_of(2, 6, 6), RAW)


def cut_of(path, data):
    """Give the network of a file, its program, and two samples."""
    model, _ = load_model(path, data, RAW)
    return model.module.__dict__.get("network", model.module), folded(read_program(path)), [data["x_train"][:2]]


def test_a_last_digit_that_moves_a_rounding_is_in_the_outputs_and_in_no_step(tmp_path):
    """Where x is 0 the rounded sum is the bias alone, half a step of 0.05 from two whole steps."""
    path = graphs.quantised(tmp_path / "net.onnx")
    stored = onnx.load(path)
    bias = next(one for one in stored.graph.initializer if one.name == "b")
    bias.CopyFrom(onnx.numpy_helper.from_array(np.full(6, 0.05 * 2.5 + 1e-6, np.float32), "b"))
    onnx.save(stored, path)
    data = data_of(8)
    data["x_train"][:2] = 0
    network, program, values = cut_of(path, data)
    wanted = {"y": session(path.read_bytes()).run(None, {"x": values[0]})[0]}
    assert difference(network, values, wanted) < 1e-6
    layer = next(part for part in network.modules() if getattr(part, "bias", None) is not None)
    with torch.no_grad():
        layer.bias -= 2e-6
    assert difference(network, values, wanted) > 1e-3
    assert difference_of_steps(network, program, values) < 1e-5


def test_a_step_that_computes_something_else_is_seen(tmp_path):
    data = data_of(8)
    network, program, values = cut_of(graphs.quantised(tmp_path / "net.onnx"), data)
    assert difference_of_steps(network, program, values) < 1e-5
    layer = next(part for part in network.modules() if getattr(part, "bias", None) is not None)
    with torch.no_grad():
        layer.bias += 0.1
    assert difference_of_steps(network, program, values) > 1e-3


def test_only_graphs_that_round_may_differ_more_than_their_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "difference", lambda *_: 1e-3)
    model, _ = load_model(graphs.quantised(tmp_path / "rounds.onnx"), data_of(8), RAW)
    assert "0.001 of ONNX Runtime's on two samples, each step within" in model.inferred["architecture"].evidence
    with pytest.raises(InterpError, match=r"outputs that differ from ONNX Runtime's by 0\.001"):
        load_model(graphs.image_network(tmp_path / "floats.onnx"), data_of(1, 8, 8), RAW)
