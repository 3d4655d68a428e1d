"""Operations that other exporters write, each read as onnxruntime runs it."""

import numpy as np
import pytest
import torch

from interp.checkpoints import load_model, read_contents
from interp.checkpoints.graph.graph import build_graph
from interp.errors import CheckpointError

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
helper = onnx.helper
DRAWN = np.random.default_rng(0)


def tensor(name, values):
    values = np.asarray(values)
    return onnx.numpy_helper.from_array(values.astype("f4" if values.dtype.kind == "f" else "i8"), name)


def saved(path, nodes, inputs, opset=17, **stored):
    """Write a graph from x to y."""
    ends = [helper.make_tensor_value_info("x", 1, ["batch", *inputs]), onnx.ValueInfoProto(name="y")]
    tensors = [tensor(name, values) for name, values in stored.items()]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors)
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", opset)]), path)
    return path


def compared(path, x):
    """Give what we and onnxruntime compute."""
    runtime = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        ours = build_graph(read_contents(path).graph)(torch.from_numpy(x)).numpy()
    return ours, runtime.run(None, {"x": x})[0]


UNARY = ("Sqrt", "Exp", "Log", "Reciprocal", "Sign", "Floor", "Ceil", "Round", "Sin", "Cos", "Atan", "Softsign")


@pytest.mark.parametrize("kind", UNARY)
def test_functions_of_one_value(kind, tmp_path):
    """The first value is one between whole numbers, where ONNX rounds to the even one."""
    nodes = [helper.make_node("Abs", ["x"], ["h"]), helper.make_node(kind, ["h"], ["y"])]
    x = DRAWN.normal(size=(4, 6)).astype(np.float32)
    x[0, 0] = 2.5
    np.testing.assert_allclose(*compared(saved(tmp_path / "net.onnx", nodes, [6]), x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("HardSigmoid", {}),
        ("HardSigmoid", {"alpha": 0.3, "beta": 0.4}),
        ("ThresholdedRelu", {"alpha": 0.5}),
        ("Selu", {}),
    ],
)
def test_activations_of_other_exporters(kind, said, tmp_path):
    x = 3 * DRAWN.normal(size=(4, 6)).astype(np.float32)
    path = saved(tmp_path / "net.onnx", [helper.make_node(kind, ["x"], ["y"], **said)], [6])
    np.testing.assert_allclose(*compared(path, x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("inputs", "slopes"), [((3, 5, 4), (3, 1, 1)), ((3, 5, 4), (4,)), ((6,), (6,)), ((3, 5), (1,))]
)
def test_learned_slopes_of_each_axis(inputs, slopes, tmp_path):
    path = saved(tmp_path / "net.onnx", [helper.make_node("PRelu", ["x", "s"], ["y"])], inputs, s=DRAWN.random(slopes))
    np.testing.assert_allclose(*compared(path, DRAWN.normal(size=(4, *inputs)).astype(np.float32)), rtol=1e-6)


@pytest.mark.parametrize("opset", [7, 11, 13, 17])
@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax"])
def test_softmax_acted_on_several_axes_before_version_13(kind, opset, tmp_path):
    path = saved(tmp_path / "net.onnx", [helper.make_node(kind, ["x"], ["y"])], [3, 5], opset)
    np.testing.assert_allclose(*compared(path, DRAWN.normal(size=(4, 3, 5)).astype(np.float32)), rtol=1e-5)


def test_gemm_with_factors(tmp_path):
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], alpha=0.5, beta=2.0)
    path = saved(tmp_path / "net.onnx", [node], [6], w=DRAWN.normal(size=(6, 3)), b=DRAWN.normal(size=(1, 3)))
    np.testing.assert_allclose(*compared(path, DRAWN.normal(size=(4, 6)).astype(np.float32)), rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("error")  # torch warns where what has not two axes is turned
@pytest.mark.parametrize("shape", [(6,), (2, 6, 3)])
def test_gemm_with_weights_of_other_axes_is_refused(shape, tmp_path):
    path = saved(tmp_path / "net.onnx", [helper.make_node("Gemm", ["x", "w"], ["y"])], [6], w=np.ones(shape))
    with pytest.raises(CheckpointError, match="Gemm"):
        load_model(path)


def test_infinite_constants_are_no_weights(tmp_path):
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("Max", ["h", "least"], ["m"]),
        helper.make_node("Add", ["m", "mask"], ["a"]),
        helper.make_node("Softmax", ["a"], ["y"], axis=-1),
    ]
    mask = np.array([0, 0, -np.inf])
    path = saved(tmp_path / "net.onnx", nodes, [6], w=DRAWN.normal(size=(6, 3)), mask=mask, least=-np.inf)
    np.testing.assert_allclose(*compared(path, DRAWN.normal(size=(4, 6)).astype(np.float32)), rtol=1e-5, atol=1e-7)


def test_infinite_weights_are_refused(tmp_path):
    weight = DRAWN.normal(size=(6, 3))
    weight[2, 1] = np.inf
    path = saved(tmp_path / "net.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"])], [6], w=weight)
    with pytest.raises(CheckpointError, match="1 values that are NaN or infinite in w"):
        read_contents(path)


def test_names_of_any_length(tmp_path):
    """Two names that differ at their ends alone stay two."""
    long = "scope/" * 200
    first, last = (
        helper.make_node("MatMul", names[:2], names[2:]) for names in (["x", long + "a", "h"], ["h", long + "b", "y"])
    )
    weights = {long + "a": DRAWN.normal(size=(6, 5)), long + "b": DRAWN.normal(size=(5, 3))}
    path = saved(tmp_path / "net.onnx", [first, last], [6], **weights)
    np.testing.assert_allclose(*compared(path, DRAWN.normal(size=(4, 6)).astype(np.float32)), rtol=1e-5, atol=1e-6)
    names = list(read_contents(path).state)
    assert len(set(names)) == 2
    assert max(map(len, names)) <= 120
