"""Layers that are padded unevenly, or fused with what follows, are nodes; readings that are not ONNX Runtime's fall."""

import numpy as np
import pytest
import torch

from interp.checkpoints import LoadOptions, load_model
from interp.interventions.edits import ablate
from interp.interventions.engine.sites import find_site
from interp.network import as_tensor, outputs_on, tap
from interp.network.maps.read import read_by

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
from checkpoints.deployed import graphs  # noqa: E402

RAW = LoadOptions(scaling="raw")
X = np.random.default_rng(2).normal(size=(4, 2, 9, 8)).astype(np.float32)
DATA = {"x_train": X, "y_train": np.zeros((4, 1), np.float32)}


def run(path, changed=(), name="y"):
    """Run a file on each sample alone, with what node 2 reads of some stored tensors set to zero."""
    model = onnx.load(path)
    model.graph.output.extend([onnx.ValueInfoProto(name=name)] if name != "y" else [])
    for tensor in model.graph.initializer:
        if tensor.name in changed:
            values = onnx.numpy_helper.to_array(tensor).copy()
            if tensor.name == "turned":  # of a transposed convolution, whose groups of 3 nodes read one channel each
                values[: 1 if values.shape[1] == 3 else 2, 2] = 0
            else:
                values[2] = 0
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.concatenate([session.run([name], {"x": one[None]})[0] for one in X])


def opened(path):
    """Open a file, and see that outputs are ONNX Runtime's."""
    model, data = load_model(path, DATA, RAW)
    np.testing.assert_allclose(outputs_on(model, data.train.inputs), run(path), atol=1e-5)
    return model, as_tensor(data.train.inputs, model.scaling, model.input_shape)


def padded(path, opset, **said):
    nodes = [
        graphs.node("Conv", "x k b", "c", **said),
        graphs.node("Tanh", "c", "t"),
        graphs.node("GlobalAveragePool", "t", "p"),
        graphs.node("Flatten", "p", "f"),
        graphs.node("Gemm", "f w wb", "y"),
    ]
    stored = graphs.weights(k=(6, 2, 3, 4), b=6, w=(6, 3), wb=3)
    return graphs.saved(path, nodes, [graphs.value("x", ["batch", 2, 9, 8])], ["y"], opset, stored)


UNEVEN = [
    {"pads": [0, 1, 2, 3]},
    {"auto_pad": "SAME_UPPER"},
    {"auto_pad": "SAME_LOWER", "strides": [2, 3]},
    {"auto_pad": "SAME_UPPER", "strides": [2, 1]},
]


@pytest.mark.parametrize("said", UNEVEN)
@pytest.mark.parametrize("opset", [9, 17])
def test_convolutions_that_pad_more_on_one_side_are_layers(said, opset, tmp_path):
    path = padded(tmp_path / "net.onnx", opset, **said)
    model, x = opened(path)
    assert [(layer.name, layer.nodes, layer.activation) for layer in model.layers] == [
        ("k", 6, "tanh"),
        ("w", 3, "identity"),
    ]
    with torch.no_grad(), tap(model.module, model.layers) as z:
        model.module(x)
    np.testing.assert_allclose(z["k"], run(path, name="c"), atol=1e-5)
    changed = find_site(model, {"k": model.layer("k")}).at(x).outputs({"k": ablate(2, 0.0)})
    np.testing.assert_allclose(changed, run(path, ("k", "b")), atol=1e-5)
    assert float(np.abs(changed.numpy() - run(path)).max()) > 0.01


OVER_THREE = [
    {},
    {"pads": [1, 0, 1, 1, 0, 1], "strides": [1, 2, 1], "dilations": [1, 1, 2]},
    {"pads": [0, 1, 0, 1, 1, 2]},
    {"auto_pad": "SAME_UPPER", "group": 2},
]


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("said", OVER_THREE)
def test_convolutions_over_three_axes_are_layers(said, biased, tmp_path):
    """Their z, what they read and what a node at 0 changes are those of the file."""
    nodes = [
        graphs.node("Reshape", "x volume", "v"),
        graphs.node("Conv", f"v k {'b' if biased else ''}", "c", **said),
        graphs.node("BatchNormalization", "c scale shift mean variance", "n"),
        graphs.node("Tanh", "n", "t"),
        graphs.node("GlobalAveragePool", "t", "p"),
        graphs.node("Flatten", "p", "f"),
        graphs.node("Gemm", "f w wb", "y"),
    ]
    stored = graphs.weights(k=(6, 2 // said.get("group", 1), 2, 3, 2), b=6, scale=6, shift=6, mean=6, w=(6, 3), wb=3)
    stored |= {"volume": np.array([-1, 2, 3, 3, 8]), "variance": np.linspace(0.5, 1.5, 6)}
    path = graphs.saved(tmp_path / "net.onnx", nodes, [graphs.value("x", ["batch", 2, 9, 8])], ["y"], 17, stored)
    model, x = opened(path)
    assert [(one.name, one.kind, one.nodes, one.activation) for one in model.layers] == [
        ("k", "conv3d", 6, "tanh"),
        ("w", "linear", 3, "identity"),
    ]
    assert not model.skipped
    with torch.no_grad(), tap(model.module, model.layers) as z:
        model.module(x)
    np.testing.assert_allclose(z["k"], run(path, name="n"), atol=1e-5)
    changed = find_site(model, {"k": model.layer("k")}).at(x).outputs({"k": ablate(2, 0.0)})
    np.testing.assert_allclose(changed, run(path, ("scale", "shift")), atol=1e-5)
    assert float(np.abs(changed.numpy() - run(path)).max()) > 0.01


CUT_OFF = [
    {"pads": [0, 1, 2, 1]},
    {"pads": [1, 0, 1, 0], "strides": [2, 3], "output_padding": [1, 2]},
    {"pads": [0, 1, 1, 0], "strides": [2, 2], "dilations": [2, 1], "group": 2},
    {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    {"auto_pad": "SAME_LOWER", "strides": [2, 1]},
    {"output_shape": [16, 15], "strides": [2, 2]},
    {"output_shape": [16, 15], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
    {"output_shape": [20, 18], "strides": [2, 2]},
]  # fmt: skip


@pytest.mark.parametrize("said", CUT_OFF)
def test_transposed_convolutions_of_any_cut_are_layers(said, tmp_path):
    """Their z, what they read and what a node at 0 changes are those of the file."""
    nodes = [
        graphs.node("ConvTranspose", "x turned b", "c", **said),
        graphs.node("Tanh", "c", "t"),
        graphs.node("ReduceLogSumExp", "t", "m", axes=[2, 3], keepdims=0),
        graphs.node("MatMul", "m w", "y"),
    ]
    groups = said.get("group", 1)
    stored = graphs.weights(turned=(2, 6 // groups, 3, 4), b=6, w=(6, 3))
    path = graphs.saved(tmp_path / "net.onnx", nodes, [graphs.value("x", ["batch", 2, 9, 8])], ["y"], 11, stored)
    model, x = opened(path)
    assert [(one.name, one.nodes, one.activation) for one in model.layers] == [
        ("turned", 6, "tanh"),
        ("w", 3, "identity"),
    ]
    expected = run(path, name="c")
    with torch.no_grad(), tap(model.module, model.layers) as z:
        model.module(x)
    np.testing.assert_allclose(z["turned"], expected, atol=1e-5)
    read = read_by(model.module, model.layer("turned"), x)
    made = read.windows.flatten(3).double() @ read.weight.T + read.bias
    np.testing.assert_allclose(made.movedim(-1, 1), expected, atol=1e-5)
    changed = find_site(model, {"turned": model.layer("turned")}).at(x).outputs({"turned": ablate(2, 0.0)})
    np.testing.assert_allclose(changed, run(path, ("turned", "b")), atol=1e-5)
    assert float(np.abs(changed.numpy() - run(path)).max()) > 0.01


FUSED = [
    ("Relu", {}, "relu"), ("Tanh", {}, "tanh"), ("LeakyRelu", {"activation_params": [0.2]}, "leaky_relu"),
    ("HardSigmoid", {"activation_params": [0.3, 0.4]}, "custom"),
    ("Clip", {"activation_params": [-0.5, 0.7]}, "hardtanh"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "said", "activation"), FUSED)
def test_layers_with_an_activation_in_them_are_layers(kind, said, activation, tmp_path):
    """What ONNX Runtime's optimiser writes: an activation in a convolution and a dense layer, a factor in a product."""
    own = {"domain": "com.microsoft"}
    nodes = [
        graphs.node("FusedConv", "x k b", "c", activation=kind, **said, **own),
        graphs.node("GlobalAveragePool", "c", "p"),
        graphs.node("Flatten", "p", "f"),
        graphs.node("FusedGemm", "f w wb", "g", activation="Relu", transB=1, **own),
        graphs.node("FusedMatMul", "g w2", "y", alpha=0.5, transB=1, **own),
    ]
    stored = graphs.weights(k=(6, 2, 3, 3), b=6, w=(5, 6), wb=5, w2=(3, 5))
    path = graphs.saved(
        tmp_path / "net.onnx", nodes, [graphs.value("x", ["n", 2, 9, 8])], ["y"], 17, stored, "com.microsoft"
    )
    model, x = opened(path)
    assert [layer.activation for layer in model.layers] == [activation, "relu", "identity"]
    changed = find_site(model, {"w": model.layer("w")}).at(x).outputs({"w": ablate(2, 0.0)})
    np.testing.assert_allclose(changed, run(path, ("w", "wb")), atol=1e-5)


@pytest.mark.parametrize("shape", [(5,), (1, 5)])
def test_a_bias_that_is_a_row_is_the_layers_own(shape, tmp_path):
    """As converters of scikit-learn write it: z is what follows the sum, and the activation is seen."""
    nodes = [
        graphs.node("Flatten", "x", "f"),
        graphs.node("MatMul", "f w", "m"),
        graphs.node("Add", "m b", "z"),
        graphs.node("Sigmoid", "z", "s"),
        graphs.node("MatMul", "s v", "y"),
    ]
    stored = graphs.weights(w=(144, 5), b=shape, v=(5, 2))
    path = graphs.saved(tmp_path / "net.onnx", nodes, [graphs.value("x", ["n", 2, 9, 8])], ["y"], 17, stored)
    model, x = opened(path)
    assert model.inferred["architecture"].evidence.startswith("operations listed in the file")
    assert [(one.name, one.activation) for one in model.layers] == [("w", "sigmoid"), ("v", "identity")]
    with torch.no_grad(), tap(model.module, model.layers) as z:
        model.module(x)
    np.testing.assert_allclose(z["w"], run(path, name="z"), atol=1e-4)  # sums of 144 products of about 1


def test_a_norm_of_each_batch_is_not_read_as_one_of_stored_numbers(tmp_path):
    nodes = [
        graphs.node("Conv", "x k", "c"),
        graphs.node("BatchNormalization", "c scale shift mean variance", "n m v", training_mode=1),
        graphs.node("Relu", "n", "r"),
        graphs.node("Flatten", "r", "f"),
        graphs.node("MatMul", "f w", "y"),
    ]
    stored = graphs.weights(k=(3, 2, 3, 3), scale=3, shift=3, mean=3, w=(126, 2)) | {"variance": np.ones(3)}
    path = graphs.saved(tmp_path / "net.onnx", nodes, [graphs.value("x", ["n", 2, 9, 8])], ["y"], 17, stored)
    model, _ = opened(path)
    assert "ONNX Runtime" in model.inferred["architecture"].evidence


def test_a_reading_of_ours_that_gives_other_outputs_is_not_used(tmp_path, monkeypatch):
    """Were an activation misread, the file would run in ONNX Runtime, and not as something else."""
    nodes = [graphs.node("Flatten", "x", "f"), graphs.node("Gemm", "f a", "h"), graphs.node("LeakyRelu", "h", "r")]
    nodes.append(graphs.node("Gemm", "r w", "y"))
    stored = graphs.weights(a=(144, 5), w=(5, 3))
    path = graphs.saved(tmp_path / "net.onnx", nodes, [graphs.value("x", ["n", 2, 9, 8])], ["y"], 17, stored)
    assert "ONNX Runtime" not in opened(path)[0].inferred["architecture"].evidence
    monkeypatch.setattr("interp.checkpoints.drafts.choose.build_graph", lambda graph: Flipped())
    assert "ONNX Runtime" in opened(path)[0].inferred["architecture"].evidence


class Flipped(torch.nn.Module):
    """A network of the right shape that gives other outputs."""

    def __init__(self):
        super().__init__()
        self.a = torch.nn.Linear(144, 3)

    def forward(self, x):
        """Give outputs (B, 3)."""
        return self.a(x.flatten(1))
