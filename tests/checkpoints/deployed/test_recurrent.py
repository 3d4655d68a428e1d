"""ONNX's LSTM, GRU and RNN as cells of ours: outputs, gates and changes are those of onnxruntime."""

import numpy as np
import pytest
import torch

from interp.checkpoints import LoadOptions, load_model
from interp.interventions.changes import Fix
from interp.interventions.edits import Edit
from interp.interventions.engine.sites import UNCHANGED, find_site
from interp.network import as_tensor, outputs_on, tap

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
from checkpoints.deployed import graphs  # noqa: E402

SAMPLES, STEPS, FEATURES, HIDDEN = 6, 7, 3, 5
RAW = LoadOptions(scaling="raw")
GATES = {"LSTM": ("input", "output", "forget", "cell"), "GRU": ("update", "reset", "new"), "RNN": ("hidden",)}
"""Operation -> gates in ONNX's order."""


def written(path, kind, direction="forward", batch="batch", lengths=False, state="", outputs="Y last", **said):
    """Write x (batch, steps, features) -> a recurrent operation -> a dense layer of its last h, or of all outputs."""
    ways = 1 + (direction == "bidirectional")
    gates = len(GATES[kind])
    stored = graphs.weights(W=(ways, gates * HIDDEN, FEATURES), R=(ways, gates * HIDDEN, HIDDEN))
    stored |= graphs.weights(B=(ways, 2 * gates * HIDDEN), w=(HIDDEN * ways, 2))
    if "P" in said:
        stored["P"] = said.pop("P")
    names = ["t", "W", "R", "B", "lengths" if lengths else "", "", "", "P" if "P" in stored else ""]
    nodes = [graphs.node("Transpose", "x", "t", perm=[1, 0, 2])]
    if state == "stored":
        names[5:7] = ["h", "c"]
        stored |= graphs.weights(h=(ways, 1, HIDDEN), c=(ways, 1, HIDDEN))
    if state == "computed":  # of the first step of x, so that it is another for each sample
        names[5:7] = ["h", "c"]
        stored |= {"start": np.array([0]), "stop": np.array([1])} | graphs.weights(wh=(FEATURES, HIDDEN))
        nodes += [
            graphs.node("Slice", "t start stop start", "first"),
            graphs.node("MatMul", "first wh", "one"),
            graphs.node("Concat", " ".join(["one"] * ways), "h", axis=0),
            graphs.node("Tanh", "h", "c"),
        ]
    if kind != "LSTM":
        names[6:] = ["", ""]
    while not names[-1]:
        names.pop()
    main = graphs.node(kind, "t W R B", "Y last", hidden_size=HIDDEN, direction=direction, **said)
    main.input[:] = names
    main.output[:] = ["" if outputs == "last" else "Y", "last"]
    nodes += [main]
    if outputs == "all":
        nodes += [
            graphs.node("Transpose", "Y", "s", perm=[2, 0, 1, 3]),
            graphs.node("Reshape", "s shape", "f"),
            graphs.node("MatMul", "f w", "m"),
            graphs.node("ReduceSum", "m axis", "y", keepdims=0),
        ]
        stored |= {"axis": np.array([1]), "shape": np.array([-1 if batch != 1 else 1, STEPS, HIDDEN * ways])}
    else:
        nodes += [
            graphs.node("Transpose", "last", "b", perm=[1, 0, 2]),
            graphs.node("Reshape", "b shape", "f"),
            graphs.node("MatMul", "f w", "y"),
        ]
        stored["shape"] = np.array([-1, HIDDEN * ways])
    inputs = [graphs.value("x", [batch, STEPS, FEATURES])]
    if lengths:
        inputs.append(graphs.value("lengths", [batch], 6))
    return graphs.saved(path, nodes, inputs, ["y"], 14, stored)


def drawn(lengths=False):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(SAMPLES, STEPS, FEATURES)).astype(np.float32)
    arrays = {"x_train": x, "y_train": np.zeros((SAMPLES, 1), np.float32)}
    return arrays | ({"lengths_train": np.array([7, 3, 5, 1, 6, 2])} if lengths else {})


def run(path, data, name="y"):
    """Run a file in onnxruntime, one sample after the other."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    rows = []
    for at in range(SAMPLES):
        given = {one.name: data[f"{one.name}_train"][at : at + 1] for one in session.get_inputs()}
        given = {key: value.astype(np.int32) if value.dtype.kind == "i" else value for key, value in given.items()}
        rows.append(session.run([name], given)[0].reshape(-1))
    return np.stack(rows)


def opened(path, data):
    model, dataset = load_model(path, data, RAW)
    expected = run(path, data)
    np.testing.assert_allclose(
        outputs_on(model, dataset.train.inputs), expected, rtol=0, atol=1e-5 * (1 + np.abs(expected).max())
    )
    return model, as_tensor(dataset.train.inputs, model.scaling, model.input_shape)


def named(model):
    return {layer.name.rpartition(".")[2] for layer in model.layers if layer.is_stepwise}


@pytest.mark.parametrize("batch", ["batch", 1])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_every_gate_is_a_layer(kind, direction, batch, tmp_path):
    model, _ = opened(written(tmp_path / "net.onnx", kind, direction, batch), drawn())
    assert named(model) == {*GATES[kind], "hidden"}
    ways = {layer.name.split(".")[-2] for layer in model.layers if layer.is_stepwise}
    assert ways == {"forward": {"l0"}, "reverse": {"l0_reverse"}, "bidirectional": {"l0", "l0_reverse"}}[direction]
    assert {layer.nodes for layer in model.layers if layer.is_stepwise} == {HIDDEN}
    expected = {"LSTM": {"sigmoid", "tanh", "identity"}, "GRU": {"sigmoid", "tanh", "identity"}, "RNN": {"tanh"}}[kind]
    assert {layer.activation for layer in model.layers if layer.is_stepwise} == expected


CASES = {
    "lengths": {"lengths": True},
    "lengths, one by one": {"lengths": True, "batch": 1},
    "all outputs": {"outputs": "all", "lengths": True},
    "no outputs but the last": {"outputs": "last"},
    "a state that is computed": {"state": "computed"},
    "a state that is computed, one by one": {"state": "computed", "batch": 1},
    "a state that is stored": {"state": "stored", "batch": 1},
    "all of these": {"state": "computed", "lengths": True, "outputs": "all", "direction": "bidirectional"},
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_lengths_and_states(kind, case, tmp_path):
    said = {"direction": "reverse", **CASES[case]}
    model, _ = opened(written(tmp_path / "net.onnx", kind, **said), drawn("lengths" in said))
    assert named(model) == {*GATES[kind], "hidden"}


@pytest.mark.parametrize("first", [0, 1])
def test_both_grus(first, tmp_path):
    """Where the reset gate scales h itself, the new value is one map w.x + b, and a gate as any other."""
    model, _ = opened(written(tmp_path / "net.onnx", "GRU", "bidirectional", linear_before_reset=first), drawn())
    kinds = {layer.kind for layer in model.layers if layer.name.endswith(".new")}
    assert kinds == ({"candidate"} if first else {"gate"})


def test_an_rnn_of_relu_in_one_direction(tmp_path):
    model, _ = opened(written(tmp_path / "net.onnx", "RNN", "bidirectional", activations=["Relu", "Tanh"]), drawn())
    assert {layer.name.split(".")[-2]: layer.activation for layer in model.layers if layer.is_stepwise} == {
        "l0": "relu", "l0_reverse": "tanh",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_samples_before_steps(kind, tmp_path):
    """ONNX Runtime has no ``layout`` 1; it is held against the same weights in a file of ``layout`` 0."""
    path, data = written(tmp_path / "net.onnx", kind, outputs="all", state="computed"), drawn()
    expected = run(path, data)
    model = onnx.load(path)
    (main,) = (one for one in model.graph.node if one.op_type == kind)
    turned = {"t": ([1, 0, 2], "t1"), "h": ([1, 0, 2], "h1"), "c": ([1, 0, 2], "c1")}
    before = []
    for at, name in enumerate(main.input):
        if name in turned:
            perm, main.input[at] = turned[name]
            before.append(graphs.node("Transpose", name, main.input[at], perm=perm))
    main.attribute.append(onnx.helper.make_attribute("layout", 1))
    main.output[:] = ["Y1", "last"]
    at = list(model.graph.node).index(main)
    nodes = list(model.graph.node)
    nodes[at : at + 1] = [*before, main, graphs.node("Transpose", "Y1", "Y", perm=[1, 2, 0, 3])]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, tmp_path / "turned.onnx")
    found, dataset = load_model(tmp_path / "turned.onnx", data, RAW)
    assert named(found) == {*GATES[kind], "hidden"}
    np.testing.assert_allclose(
        outputs_on(found, dataset.train.inputs), expected, rtol=0, atol=1e-5 * (1 + np.abs(expected).max())
    )


@pytest.mark.parametrize("direction", ["forward", "reverse"])
@pytest.mark.parametrize(("kind", "gate"), [(kind, gate) for kind, gates in GATES.items() for gate in gates])
def test_a_gate_without_z_is_rows_of_zeros_in_the_file(kind, gate, direction, tmp_path):
    """The gate's rows of W, R and B are set to zero in a copy of the file, which onnxruntime runs."""
    path, data = written(tmp_path / "net.onnx", kind, direction), drawn()
    model, x = opened(path, data)
    (layer,) = (one for one in model.layers if one.name.endswith(f".{gate}"))
    changed = onnx.load(path)
    at, count = GATES[kind].index(gate), len(GATES[kind])
    for tensor in changed.graph.initializer:
        if tensor.name in ("W", "R", "B"):
            values = onnx.numpy_helper.to_array(tensor).copy()
            for start in range(at * HIDDEN, values.shape[1], count * HIDDEN):
                values[0, start + 2] = 0
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    onnx.save(changed, tmp_path / "changed.onnx")
    with torch.no_grad():
        state = find_site(model, {layer.name: layer}).at(x)
        found = state.outputs({layer.name: Edit(before=Fix(0.0), nodes=(2,))})
        assert torch.equal(state.outputs(UNCHANGED), state.outputs({layer.name: Edit()}))
    expected = run(tmp_path / "changed.onnx", data)
    assert float((found - model.module(x)).abs().max()) > 1e-3
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * (1 + np.abs(expected).max()))


def test_recorded_gates_are_in_the_order_of_time(tmp_path):
    """Of a reverse RNN the outputs of all steps are tanh of z, which onnxruntime gives in the order of time."""
    path, data = written(tmp_path / "net.onnx", "RNN", "reverse", outputs="all"), drawn()
    extended = onnx.load(path)
    extended.graph.output.append(onnx.ValueInfoProto(name="Y"))
    onnx.save(extended, tmp_path / "extended.onnx")
    model, x = opened(path, data)
    (layer,) = (one for one in model.layers if one.is_stepwise)
    with torch.no_grad(), tap(model.module, [layer]) as z:
        model.module(x)
    expected = run(tmp_path / "extended.onnx", data, "Y").reshape(SAMPLES, STEPS, HIDDEN)
    np.testing.assert_allclose(z[layer.name].tanh(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"clip": 0.5}, "values clipped at 0.5"),
        ({"P": np.full((1, 3 * HIDDEN), 0.3)}, "peepholes"),
        ({"activations": ["HardSigmoid", "Tanh", "Tanh"]}, "functions hardsigmoid, tanh, tanh"),
        ({"input_forget": 1}, "input and forget gates in one"),
    ],
)
def test_what_is_not_ours_stays_in_onnxruntime_and_is_named(said, reason, tmp_path):
    model, _ = opened(written(tmp_path / "net.onnx", "LSTM", **said), drawn())
    assert not named(model)
    assert model.skipped == {"W": f"LSTM that ONNX Runtime runs whole: {reason}"}


def test_peepholes_of_zero_are_none(tmp_path):
    model, _ = opened(written(tmp_path / "net.onnx", "LSTM", P=np.zeros((1, 3 * HIDDEN))), drawn())
    assert named(model) == {*GATES["LSTM"], "hidden"}


def of_two(path, shared=False):
    """Write two LSTMs of one scope, one on the other's outputs, as torch writes the layers of one; or one run twice."""
    own, kept = (4 * HIDDEN, HIDDEN), graphs.weights(v=(FEATURES, HIDDEN), w=(HIDDEN, 2))
    cells = graphs.weights(**dict.fromkeys(("x::W0", "x::R0", "x::W1", "x::R1"), (1, *own)))
    stored, second = kept | cells | {"one": np.array([1]), "zero": np.array([0])}, 0 if shared else 1
    nodes = [
        graphs.node("Transpose", "x", "t", perm=[1, 0, 2]),
        graphs.node("MatMul", "t v", "u"),
        graphs.node("LSTM", "u x::W0 x::R0", "Y", name="/rnn/LSTM", hidden_size=HIDDEN),
        graphs.node("Squeeze", "Y one", "s"),
        graphs.node("LSTM", f"s x::W{second} x::R{second}", "Y1 last", name="/rnn/LSTM_1", hidden_size=HIDDEN),
        graphs.node("Squeeze", "last zero", "h"),
        graphs.node("MatMul", "h w", "y"),
    ]
    return graphs.saved(path, nodes, [graphs.value("x", ["batch", STEPS, FEATURES])], ["y"], 14, stored)


def test_layers_of_one_lstm_are_called_as_in_torch(tmp_path):
    path, data = of_two(tmp_path / "net.onnx"), drawn()
    model, x = opened(path, data)
    gates = [one for one in model.layers if one.is_stepwise and one.name.startswith("rnn.")]
    names = ("input", "forget", "cell", "output", "hidden")
    assert [one.name for one in gates] == [f"rnn.l{at}.{own}" for at in (0, 1) for own in names]
    changed = onnx.load(path)
    for tensor in changed.graph.initializer:
        if tensor.name in ("x::W1", "x::R1"):  # ONNX's third gate is the forget gate
            values = onnx.numpy_helper.to_array(tensor).copy()
            values[0, 2 * HIDDEN + 1] = 0
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    onnx.save(changed, tmp_path / "changed.onnx")
    (layer,) = (one for one in gates if one.name == "rnn.l1.forget")
    with torch.no_grad():
        found = find_site(model, {layer.name: layer}).at(x).outputs({layer.name: Edit(before=Fix(0.0), nodes=(1,))})
    assert float((found - model.module(x)).abs().max()) > 1e-3
    np.testing.assert_allclose(found, run(tmp_path / "changed.onnx", data), rtol=0, atol=1e-5)


def test_an_lstm_that_is_called_twice_has_one_layer(tmp_path):
    model, _ = opened(of_two(tmp_path / "net.onnx", shared=True), drawn())
    assert not [one.name for one in model.layers if ".l1." in one.name]
