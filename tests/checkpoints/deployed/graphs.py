"""Small ONNX graphs with an operation that is not ours, of every kind that exporters write."""

import numpy as np
import onnx
from onnx import helper

DRAWN = np.random.default_rng(0)


def tensor(name, values):
    values = np.asarray(values)
    return onnx.numpy_helper.from_array(values.astype("f4" if values.dtype.kind == "f" else values.dtype), name)


def node(kind, inputs, outputs, **attributes):
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


def value(name, shape, kind=1):
    return helper.make_tensor_value_info(name, kind, shape)


def saved(path, nodes, inputs, outputs, opset=17, stored=None, domain=None):
    """Write a graph; stored values of floats are in 32 bits."""
    tensors = [one if isinstance(one, onnx.TensorProto) else tensor(name, one) for name, one in (stored or {}).items()]
    ends = [onnx.ValueInfoProto(name=name) if isinstance(name, str) else name for name in outputs]
    graph = helper.make_graph(nodes, "g", inputs, ends, tensors)
    opsets = [helper.make_opsetid("", opset)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    onnx.save(helper.make_model(graph, ir_version=8 if opset < 21 else 10, opset_imports=opsets), path)
    return path


def weights(**shapes):
    return {name: np.random.default_rng(at).normal(size=shape) for at, (name, shape) in enumerate(shapes.items())}


def image_network(path, opset=17, batch="batch"):
    """Write a convolution, a norm, a local response norm, which is not ours, and two dense layers."""
    nodes = [
        node("Conv", "x conv.weight conv.bias", "c", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("BatchNormalization", "c scale shift mean variance", "n"),
        node("Relu", "n", "r"),
        node("LRN", "r", "l", size=3),
        node("Flatten", "l", "f"),
        node("Gemm", "f fc1.weight fc1.bias", "h", transB=1),
        node("Tanh", "h", "t"),
        node("MatMul", "t fc2.weight", "m"),
        node("Add", "m fc2.bias", "y"),
    ]
    stored = weights(**{"conv.weight": (4, 1, 3, 3), "conv.bias": 4, "scale": 4, "shift": 4, "mean": 4})
    stored |= {"variance": DRAWN.random(4) + 0.5} | weights(**{"fc1.weight": (12, 256), "fc1.bias": 12})
    stored |= weights(**{"fc2.weight": (12, 10), "fc2.bias": 10})
    return saved(path, nodes, [value("x", [batch, 1, 8, 8])], [value("y", [batch, 10])], opset, stored)


def branching(path, constant, given="x"):
    """Write a branch whose condition is constant, or an input; one side turns the sign."""
    sides = []
    for name, sign in (("then", "Identity"), ("else", "Neg")):
        inside = [node("MatMul", "c wb", "b"), node(sign, "b", f"{name}_out")]
        sides.append(
            helper.make_graph(inside, name, [], [value(f"{name}_out", ["batch", 6])], [tensor("wb", np.eye(6))])
        )
    nodes = [
        node("CumSum", f"{given} axis", "c"),
        node("If", "condition", "i", then_branch=sides[0], else_branch=sides[1]),
        node("Relu", "i", "r"),
        node("MatMul", "r w", "y"),
    ]
    stored = {"axis": np.array(1), **weights(w=(6, 3))}
    inputs = [value(given, ["batch", 6])]
    if constant:
        stored["condition"] = np.array(False)
    else:
        inputs.append(value("condition", [], 9))
    return saved(path, nodes, inputs, ["y"], 17, stored)


def looping(path):
    """Write a loop of three rounds, each a dense layer of the same weights."""
    body = helper.make_graph(
        [node("MatMul", "before wb", "product"), node("Tanh", "product", "after"), node("Identity", "on", "on_out")],
        "body",
        [value("round", [], 7), value("on", [], 9), value("before", ["batch", 6])],
        [value("on_out", [], 9), value("after", ["batch", 6])],
        [tensor("wb", DRAWN.normal(size=(6, 6)))],
    )
    nodes = [node("Loop", "rounds  x", "h", body=body), node("MatMul", "h w", "y")]
    nodes[0].input[:] = ["rounds", "", "x"]
    return saved(path, nodes, [value("x", ["batch", 6])], ["y"], 17, {"rounds": np.array(3), **weights(w=(6, 3))})


def recurrent(path, kind="LSTM", direction="forward", batch="batch"):
    """Write a recurrent layer over sequences, and a dense layer on its last output."""
    gates, ways = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind], 1 + (direction == "bidirectional")
    stored = weights(W=(ways, gates * 5, 3), R=(ways, gates * 5, 5), B=(ways, 2 * gates * 5), w=(5 * ways, 2))
    nodes = [
        node("Transpose", "x", "t", perm=[1, 0, 2]),
        node(kind, "t W R B", "Y last", hidden_size=5, direction=direction),
        node("Transpose", "last", "b", perm=[1, 0, 2]),
        node("Reshape", "b shape", "f"),
        node("MatMul", "f w", "y"),
    ]
    stored["shape"] = np.array([-1, 5 * ways])
    return saved(path, nodes, [value("x", [batch, 7, 3])], ["y"], 14, stored)


def several(path):
    """Write two inputs and two outputs; one input is whole numbers, and an attention's mask is infinite."""
    nodes = [
        node("Gather", "table tokens", "g"),
        node("ReduceSum", "g axis", "s", keepdims=0),
        node("MatMul", "s w1", "h"),
        node("Add", "h values", "a"),
        node("Add", "a mask", "m"),
        node("Softmax", "m", "shares", axis=-1),
        node("MatMul", "shares w2", "y"),
    ]
    stored = {"axis": np.array([1]), "mask": np.array([0, 0, -np.inf, 0])} | weights(table=(9, 5), w1=(5, 4), w2=(4, 3))
    return saved(
        path, nodes, [value("tokens", ["batch", 6], 7), value("values", ["batch", 4])], ["y", "shares"], 17, stored
    )


def quantised(path):
    """Write two dense layers with weights of eight bits, and values rounded to eight bits between."""
    stored = {"scale": 0.05, "zero": np.array(10, np.uint8), "ws": DRAWN.random(6) * 0.02, "wz": np.zeros(6, np.int8)}
    stored |= {"one": DRAWN.integers(-127, 127, (6, 8)).astype(np.int8), **weights(b=6, w2=(6, 3))}
    nodes = [
        node("CumSum", "x axis", "c"),
        node("QuantizeLinear", "c scale zero", "q"),
        node("DequantizeLinear", "q scale zero", "d"),
        node("DequantizeLinear", "one ws wz", "w1", axis=0),
        node("Gemm", "d w1 b", "h", transB=1),
        node("QuantizeLinear", "h scale zero", "hq"),
        node("DequantizeLinear", "hq scale zero", "hd"),
        node("Relu", "hd", "r"),
        node("MatMul", "r w2", "y"),
    ]
    return saved(path, nodes, [value("x", ["batch", 8])], ["y"], 17, stored | {"axis": np.array(1)})


def any_size(path, channels=1):
    """Write a convolution over images of any height and width, and a sum of each column, which tells widths apart."""
    nodes = [
        node("LRN", "x", "l", size=1),
        node("Conv", "l conv.weight", "c", kernel_shape=[3, 3]),
        node("ReduceLogSumExp", "c", "s", axes=[1, 2], keepdims=0),
        node("ReduceMax", "s", "y", axes=[1], keepdims=1),
    ]
    stored = weights(**{"conv.weight": (4, channels, 3, 3)})
    return saved(path, nodes, [value("x", ["b", channels, "h", "w"])], ["y"], 13, stored)


def scaled_anew(path, numbers=None):
    """Write a dense layer of whole numbers, as `quantize_dynamic` does, with weights of eight bits, and one of floats.

    `numbers` are the first layer's weights, their zero points and scales, and its bias.
    """
    drawn = np.random.default_rng(3)
    stored = {"one_quantized": drawn.integers(-127, 127, (8, 6)).astype(np.int8), "wz": np.full(6, 3, np.int8)}
    stored |= {"ws": drawn.random(6) * 0.02 + 0.01, **weights(b=6, w2=(6, 3))} | (numbers or {})
    nodes = [
        node("DynamicQuantizeLinear", "x", "q s z"),
        node("MatMulInteger", "q one_quantized z wz", "i"),
        node("Cast", "i", "f", to=1),
        node("Mul", "s ws", "scales"),
        node("Mul", "f scales", "m"),
        node("Add", "b m", "h"),
        node("Relu", "h", "r"),
        node("MatMul", "r w2", "y"),
    ]
    return saved(path, nodes, [value("x", ["batch", 8])], [value("y", ["batch", 3])], 17, stored), stored


def scaled_convolution(path, scales, zero):
    """Write a convolution of whole numbers with padding, and the means of its maps."""
    kernels = np.random.default_rng(4).integers(0, 255, (4, 2, 3, 3)).astype(np.uint8)
    nodes = [
        node("DynamicQuantizeLinear", "x", "q s z"),
        node("ConvInteger", "q kernels_quantized z wz", "i", pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        node("Cast", "i", "f", to=1),
        node("Mul", "s ws", "scales"),
        node("Mul", "f scales", "m"),
        node("Relu", "m", "r"),
        node("ReduceLogSumExp", "r", "y", axes=[2, 3], keepdims=0),
    ]
    stored = {"kernels_quantized": kernels, "ws": scales, "wz": np.asarray(zero, np.uint8)}
    return saved(path, nodes, [value("x", ["batch", 2, 6, 6])], ["y"], 17, stored), stored
