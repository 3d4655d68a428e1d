"""ONNX models: every field that may hold weights, attributes of operations, spelled-out activations, files beside."""

import tracemalloc

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from checkpoints.graph.test_graphs import IMAGES, NETWORKS, network, save_onnx
from checkpoints.planted import DIGITS, same_outputs
from interp.checkpoints import LoadOptions, load_model, read_contents
from interp.checkpoints.graph.graph import build_graph
from interp.errors import CheckpointError

onnx = pytest.importorskip("onnx")
pytestmark = pytest.mark.filterwarnings("ignore")
RAW = LoadOptions(scaling="raw")


@pytest.mark.parametrize("name", NETWORKS)
def test_predictions_are_those_of_onnxruntime(name, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    path = tmp_path / "net.onnx"
    save_onnx(network(name), str(path))
    model, _ = load_model(path, DIGITS, RAW)
    expected = runtime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": IMAGES.numpy()})[0]
    with torch.no_grad():
        outputs = model.module(IMAGES.reshape(-1, *model.input_shape)).numpy()
    np.testing.assert_allclose(outputs, expected, atol=1e-5 * np.abs(expected).max())
    np.testing.assert_array_equal(outputs.argmax(1), expected.argmax(1))


ACTIVATIONS = {
    "leaky_relu": nn.LeakyReLU(0.3),
    "elu": nn.ELU(0.5),
    "selu": nn.SELU(),
    "gelu": nn.GELU(),
    "silu": nn.SiLU(),
    "mish": nn.Mish(),
    "softplus": nn.Softplus(),
    "hardswish": nn.Hardswish(),
    "hardtanh": nn.Hardtanh(-1, 2),
    "sigmoid": nn.Sigmoid(),
    "abs": None,
}


class Between(nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.fc1, self.activation, self.fc2 = nn.Linear(64, 12), activation or torch.abs, nn.Linear(12, 10)

    def forward(self, x):
        return self.fc2(self.activation(self.fc1(x)))


@pytest.mark.parametrize("opset", [13, 20])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_by_name(activation, opset, tmp_path):
    """Older opsets spell GELU, SiLU and Mish out."""
    torch.manual_seed(0)
    module = Between(ACTIVATIONS[activation]).eval()
    rows = IMAGES.flatten(1)
    torch.onnx.export(module, (rows,), str(tmp_path / "net.onnx"), dynamo=False, opset_version=opset)
    model, _ = load_model(tmp_path / "net.onnx", DIGITS, RAW)
    assert model.inferred["activation"].value == activation
    assert [layer.name for layer in model.layers] == ["fc1", "fc2"]
    same_outputs(model.module, module, rows)


def dense(weight, name="net", **placed):
    """Write one Gemm whose weight is stored as told."""
    helper = onnx.helper
    tensor = onnx.TensorProto(name="fc.weight", dims=weight.shape, **placed)
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "fc.weight"], ["y"], transB=1)],
        name,
        [helper.make_tensor_value_info("x", 1, ["batch", 64])],
        [helper.make_tensor_value_info("y", 1, ["batch", 10])],
        [tensor],
    )
    return helper.make_model(graph, producer_name="pytorch").SerializeToString()


WEIGHT = np.random.default_rng(0).normal(size=(10, 64)).astype(np.float32)
HALF, BITS = WEIGHT.astype(np.float16), (WEIGHT.view(np.uint32) >> 16).astype(np.uint16)
FIELDS = {
    "raw floats": {"data_type": 1, "raw_data": WEIGHT.tobytes()},
    "floats": {"data_type": 1, "float_data": WEIGHT.flatten()},
    "doubles": {"data_type": 11, "double_data": WEIGHT.flatten().astype(float)},
    "raw doubles": {"data_type": 11, "raw_data": WEIGHT.astype(float).tobytes()},
    "halves": {"data_type": 10, "raw_data": HALF.tobytes()},
    "halves as bits": {"data_type": 10, "int32_data": HALF.view(np.uint16).flatten().tolist()},
    "bfloat16": {"data_type": 16, "raw_data": BITS.tobytes()},
    "bfloat16 as bits": {"data_type": 16, "int32_data": BITS.flatten().tolist()},
}


@pytest.mark.parametrize("kind", FIELDS)
def test_fields_of_weights(kind, tmp_path):
    (tmp_path / "net.onnx").write_bytes(dense(WEIGHT, **FIELDS[kind]))
    graph = build_graph(read_contents(tmp_path / "net.onnx").graph)
    rounding = 0 if "16" not in kind and "hal" not in kind else 0.02
    torch.testing.assert_close(graph.get_submodule("fc").weight, torch.tensor(WEIGHT), atol=rounding, rtol=0)


def beside(location, offset=0, length=WEIGHT.nbytes):
    entries = {"location": location, "offset": str(offset), "length": str(length)}
    return {
        "data_type": 1,
        "data_location": 1,
        "external_data": [onnx.StringStringEntryProto(key=k, value=v) for k, v in entries.items()],
    }


def test_weights_beside_the_model(tmp_path):
    (tmp_path / "net.onnx").write_bytes(dense(WEIGHT, **beside("net.data", 8)))
    (tmp_path / "net.data").write_bytes(bytes(8) + WEIGHT.tobytes())
    graph = build_graph(read_contents(tmp_path / "net.onnx").graph)
    torch.testing.assert_close(graph.get_submodule("fc").weight, torch.tensor(WEIGHT))


@pytest.mark.parametrize(
    ("location", "offset", "found"),
    [
        ("../secret", 0, "which is no file in its folder"),
        ("/etc/passwd", 0, "which is no file in its folder"),
        ("link", 0, "which is no file in its folder"),
        ("absent", 0, "which is no file in its folder"),
        ("", 0, "which is no file in its folder"),
        ("short", 100, "2,560 bytes at 100 of a file of 2,560"),
        ("short", -4, "2,560 bytes at -4"),
    ],
)
def test_weights_elsewhere_are_refused(location, offset, found, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(WEIGHT.tobytes())
    (folder / "short").write_bytes(WEIGHT.tobytes())
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "net.onnx").write_bytes(dense(WEIGHT, **beside(location, offset)))
    with pytest.raises(CheckpointError, match=found):
        load_model(folder / "net.onnx", DIGITS)


def test_one_file_read_for_many_tensors_is_refused_before_it_fills_memory(tmp_path):
    """A thousand tensors of one megabyte each name the same megabyte: reading stops at a hundred."""
    shape = (512, 512)
    place = beside("net.data", 0, 4 * 512 * 512)
    tensors = [onnx.TensorProto(name=f"w{i}", dims=shape, **place) for i in range(1000)]
    graph = onnx.GraphProto(name="net", initializer=tensors)
    (tmp_path / "net.onnx").write_bytes(
        onnx.ModelProto(ir_version=8, producer_name="pytorch", graph=graph).SerializeToString()
    )
    (tmp_path / "net.data").write_bytes(bytes(4 * 512 * 512))
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match=r"tensors of over 100,\d+,\d+ bytes in 1,048,576 that they share"):
            read_contents(tmp_path / "net.onnx")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 120_000_000


class Odd(nn.Module):
    def __init__(self, what):
        super().__init__()
        self.fc, self.what = nn.Linear(64, 10), what

    def forward(self, x):
        return self.fc(self.what(x))


@pytest.mark.parametrize(
    ("what", "found"),
    [(lambda x: x.cumsum(1), "a graph with CumSum"), (lambda x: F.pad(x, (0, 1))[:, 1:], "a graph with ")],
)
def test_what_is_not_followed_is_named(what, found, tmp_path, monkeypatch):
    monkeypatch.setattr("interp.checkpoints.drafts.choose.packages", lambda: None)
    torch.onnx.export(Odd(what), (IMAGES.flatten(1),), str(tmp_path / "net.onnx"), dynamo=False)
    with pytest.raises(CheckpointError, match=found):
        load_model(tmp_path / "net.onnx", DIGITS)


def graph_of(nodes, **stored):
    """Build x -> fc1 -> h, then nodes that lead to a, then fc2 -> y; by no exporter of torch's."""
    generator = np.random.default_rng(0)
    weights = {"w1": generator.normal(size=(8, 64)), "w2": generator.normal(size=(10, 8))} | stored
    ends = [onnx.helper.make_tensor_value_info(name, 1, ["batch", size]) for name, size in (("x", 64), ("y", 10))]
    first, last = (
        onnx.helper.make_node("Gemm", names[:2], names[2:], transB=1) for names in (["x", "w1", "h"], ["a", "w2", "y"])
    )
    tensors = [
        onnx.numpy_helper.from_array(np.asarray(value, "f4" if np.asarray(value).dtype.kind == "f" else "i8"), name)
        for name, value in weights.items()
    ]
    graph = onnx.helper.make_graph([first, *nodes, last], "g", ends[:1], ends[1:], tensors)
    return onnx.helper.make_model(graph, ir_version=10, opset_imports=[onnx.helper.make_opsetid("", 18)])


def node(kind, inputs, output="a", **attributes):
    return onnx.helper.make_node(kind, inputs, [output], **attributes)


def test_a_relu_that_ends_is_no_relu(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    path = tmp_path / "net.onnx"
    onnx.save(graph_of([node("Relu", ["h"], "r"), node("Min", ["r", "top"])], top=8.0), path)
    x = (np.random.default_rng(1).normal(size=(50, 64)) * 5).astype(np.float32)
    expected = onnxruntime.InferenceSession(path).run(None, {"x": x})[0]
    with torch.no_grad():
        found = build_graph(read_contents(path).graph)(torch.from_numpy(x))
    # two layers sum 64 and 8 products of inputs up to 20 and outputs up to 8, each in an order of its own
    torch.testing.assert_close(found, torch.from_numpy(expected), atol=1e-4, rtol=0)
    assert load_model(path, DIGITS)[0].layers[0].activation == "custom"


@pytest.mark.parametrize(
    ("nodes", "stored", "found"),
    [
        ([node("Cast", ["h"], "i", to=6), node("Cast", ["i"], to=1)], {}, "a cast to whole numbers"),
        ([node("Concat", ["h", "k"], axis=0)], {"k": np.ones((5, 8))}, "joining with stored tensors"),
        ([node("Squeeze", ["h"])], {}, "a squeeze of all axes"),
        ([node("Sqrt", ["k"], "r"), node("Clip", ["h", "", "r"])], {"k": 4.0}, "Clip of a tensor that is computed"),
        ([node("Selu", ["h"], alpha=2.0)], {}, "Selu of another shape"),
    ],
)
def test_what_would_be_read_wrong_is_refused(nodes, stored, found, tmp_path, monkeypatch):
    monkeypatch.setattr("interp.checkpoints.drafts.choose.packages", lambda: None)
    onnx.save(graph_of(nodes, **stored), tmp_path / "net.onnx")
    with pytest.raises(CheckpointError, match=f"a graph with {found}.*formats.onnx.operations lists"):
        load_model(tmp_path / "net.onnx", DIGITS)


ONE_AXIS = nn.Sequential(nn.Conv1d(4, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 3))
IN_GROUPS = nn.Sequential(nn.Conv2d(4, 6, 3, groups=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3))


@pytest.mark.parametrize(
    ("net", "shape", "open_axes", "taken"),
    [
        (ONE_AXIS, (4, 10), {}, (4, 10)),
        (ONE_AXIS, (4, 10), {0: "batch"}, (4, 10)),
        (IN_GROUPS, (4, 12, 9), {0: "batch"}, (4, 12, 9)),
        (IN_GROUPS, (4, 12, 9), {0: "batch", 2: "height", 3: "width"}, (4, 28, 28)),
    ],
    ids=["one axis", "one axis, any batch", "not square", "of any size"],
)
def test_the_stated_shape_is_taken_without_data(net, shape, open_axes, taken, tmp_path):
    path, axes = tmp_path / "net.onnx", {"x": open_axes}
    torch.onnx.export(net.eval(), (torch.zeros(2, *shape),), path, dynamo=False, input_names=["x"], dynamic_axes=axes)
    model, _ = load_model(path)
    assert model.input_shape == taken
    x = torch.randn(2, *taken)
    with torch.no_grad():
        torch.testing.assert_close(model.module(x), net(x))


def test_a_stated_shape_of_any_size_is_not_filled_in(tmp_path):
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3)).eval()
    torch.onnx.export(net, (torch.zeros(2, 1, 28, 28),), tmp_path / "net.onnx", dynamo=False, input_names=["x"])
    graph = onnx.load(tmp_path / "net.onnx")
    for axis in graph.graph.input[0].type.tensor_type.shape.dim[2:]:
        axis.dim_value = 1 << 40
    onnx.save(graph, tmp_path / "net.onnx")
    assert load_model(tmp_path / "net.onnx")[0].input_shape == (1, 28, 28)
