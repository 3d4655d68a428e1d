"""Graphs with operations that are not ours: outputs, nodes and changes are those of onnxruntime."""

import pickle
from copy import deepcopy

import numpy as np
import pytest
import torch

from interp.checkpoints import LoadOptions, load_model
from interp.errors import InterpError
from interp.interventions.edits import Edit, ablate
from interp.interventions.engine.sites import UNCHANGED, find_site
from interp.network import as_tensor, outputs_on, tap
from interp.verdict.attribution.attribute import AttributionOptions, attribute

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
from checkpoints.deployed import graphs  # noqa: E402

DRAWN = np.random.default_rng(1)
NEWEST = min(onnx.defs.onnx_opset_version(), 23)
RAW = LoadOptions(scaling="raw")


def data_of(*shape, **others):
    """Give targets and inputs; one array is called x."""
    arrays = {"x": DRAWN.normal(size=(6, *shape)).astype(np.float32), **others}
    return {f"{name}_train": array for name, array in arrays.items()} | {"y_train": np.zeros((6, 1), np.float32)}


def run(path, data, name="y"):
    """Run a file in onnxruntime, one sample after the other."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    rows = []
    for at in range(6):
        given = {}
        for one in session.get_inputs():
            array = data[f"{one.name}_train"][at : at + 1]
            given[one.name] = np.asarray(array if len(one.shape) == array.ndim else array[0])
        rows.append(session.run([name], given)[0].reshape(-1))
    return np.stack(rows)


def check_same(path, data, name="y", options=RAW, atol=1e-4):
    model, dataset = load_model(path, data, options)
    assert "ONNX Runtime" in model.inferred["architecture"].evidence
    expected = run(path, data, name)
    np.testing.assert_allclose(
        outputs_on(model, dataset.train.inputs), expected, atol=atol * (1 + np.abs(expected).max())
    )
    return model, dataset


@pytest.mark.parametrize("opset", [7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, NEWEST])
def test_outputs_are_those_of_onnxruntime_in_all_opsets(opset, tmp_path):
    model, _ = check_same(graphs.image_network(tmp_path / "net.onnx", opset), data_of(1, 8, 8))
    assert [(layer.name, layer.activation) for layer in model.layers] == [
        ("conv", "relu"), ("fc1", "tanh"), ("fc2", "identity"),
    ]  # fmt: skip


def test_a_batch_of_one_is_run_one_by_one(tmp_path):
    model, _ = check_same(graphs.image_network(tmp_path / "net.onnx", 17, batch=1), data_of(1, 8, 8))
    assert model.module.one_by_one
    batched, _ = load_model(graphs.image_network(tmp_path / "other.onnx"), data_of(1, 8, 8), RAW)
    assert not batched.module.one_by_one


@pytest.mark.parametrize("sizes", [("batch", 6, 8, 3), (1, 6, 8, 3), ("batch", "height", "width", 3)])
@pytest.mark.parametrize("first", [False, True])
def test_images_of_a_graph_whose_channels_are_last(sizes, first, tmp_path):
    """Data hold images with their channels first, however they were given; the graph gets them as it states."""
    nodes = [graphs.node("Transpose", "x", "t", perm=[0, 3, 1, 2]), graphs.node("Conv", "t k", "c")]
    nodes += [graphs.node("Relu", "c", "r"), graphs.node("LRN", "r", "l", size=3), graphs.node("Flatten", "l", "f")]
    nodes += [graphs.node("MatMul", "f w", "y")]
    stored = graphs.weights(k=(4, 3, 3, 3), w=(96, 5))
    path = graphs.saved(tmp_path / "net.onnx", nodes, [graphs.value("x", sizes)], ["y"], 17, stored)
    data = data_of(6, 8, 3)
    given = data | {"x_train": data["x_train"].transpose(0, 3, 1, 2)} if first else data
    model, dataset = load_model(path, given, RAW)
    assert model.input_shape == dataset.image_shape == (3, 6, 8)
    expected = run(path, data)
    atol = 1e-4 * (1 + np.abs(expected).max())
    np.testing.assert_allclose(outputs_on(model, dataset.train.inputs), expected, atol=atol)


def test_an_output_whose_axes_of_one_are_squeezed(tmp_path):
    """Of one sample alone it is a number without axes, of several a row of numbers."""
    nodes = [graphs.node("LRN", "x", "l", size=3), graphs.node("Flatten", "l", "f")]
    nodes += [graphs.node("MatMul", "f w", "m"), graphs.node("Squeeze", "m", "y")]
    stored = graphs.weights(w=(16, 1))
    given = [graphs.value("x", ["batch", 1, 4, 4])]
    path = graphs.saved(tmp_path / "net.onnx", nodes, given, [graphs.value("y", [])], 17, stored)
    model, dataset = check_same(path, data_of(1, 4, 4))
    assert not model.module.one_by_one
    alone = torch.cat([outputs_on(model, dataset.train.inputs[at : at + 1]) for at in range(3)])
    torch.testing.assert_close(alone, outputs_on(model, dataset.train.inputs[:3]))


@pytest.mark.parametrize("batch", ["batch", 1])
@pytest.mark.parametrize("layer", ["conv", "fc1"])
def test_a_node_that_is_silenced_is_a_row_of_zeros_in_the_file(layer, batch, tmp_path):
    """Its weights and its norm are set to zero in a copy of the file, which onnxruntime runs."""
    path, data = graphs.image_network(tmp_path / "net.onnx", 17, batch), data_of(1, 8, 8)
    model, dataset = load_model(path, data, RAW)
    changed = onnx.load(path)
    for tensor in changed.graph.initializer:
        named = (f"{layer}.weight", f"{layer}.bias", *(("scale", "shift") if layer == "conv" else ()))
        if tensor.name in named:
            values = onnx.numpy_helper.to_array(tensor).copy()
            values[2] = 0
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    onnx.save(changed, tmp_path / "silenced.onnx")
    site = find_site(model, {layer: model.layer(layer)})
    x = as_tensor(dataset.train.inputs, model.scaling, model.input_shape)
    with torch.no_grad():
        state = site.at(x)
        found = state.outputs({layer: ablate(2, 0.0)})
        assert torch.equal(state.outputs(UNCHANGED), model.module(x))
        assert torch.equal(state.outputs({layer: Edit()}), model.module(x))
    assert float((found - model.module(x)).abs().max()) > 0.01
    expected = run(tmp_path / "silenced.onnx", data)
    np.testing.assert_allclose(found, expected, atol=1e-4 * (1 + np.abs(expected).max()))


@pytest.mark.parametrize("batch", ["batch", 1])
def test_recorded_values_are_those_of_the_graph(batch, tmp_path):
    path, data = graphs.image_network(tmp_path / "net.onnx", 17, batch), data_of(1, 8, 8)
    model, dataset = load_model(path, data, RAW)
    extended = onnx.load(path)
    extended.graph.output.extend(onnx.ValueInfoProto(name=name) for name in ("n", "h"))
    onnx.save(extended, tmp_path / "extended.onnx")
    with torch.no_grad(), tap(model.module, model.layers) as z:
        model.module(as_tensor(dataset.train.inputs, model.scaling, model.input_shape))
    for layer, name in (("conv", "n"), ("fc1", "h")):
        expected = run(tmp_path / "extended.onnx", data, name)
        np.testing.assert_allclose(z[layer].flatten(1), expected, atol=1e-4 * (1 + np.abs(expected).max()))


def test_a_branch_of_constant_condition_is_opened(tmp_path):
    model, _ = check_same(graphs.branching(tmp_path / "net.onnx", True), data_of(6))
    assert [layer.nodes for layer in model.layers] == [6, 3]


def test_samples_of_another_branch_are_refused(tmp_path):
    path = graphs.branching(tmp_path / "net.onnx", False, "values")
    data = data_of(6, condition=np.ones(6, bool))
    data["values_train"] = data.pop("x_train")
    model, dataset = check_same(path, data)
    assert [layer.nodes for layer in model.layers] == [6, 3]
    rows = dataset.train.inputs.copy()
    rows[3, 0] = 0
    with pytest.raises(InterpError, match="a sample that takes another branch"):
        outputs_on(model, rows)


def test_a_loop_is_written_out(tmp_path):
    model, _ = check_same(graphs.looping(tmp_path / "net.onnx"), data_of(6))
    assert [(layer.nodes, layer.activation) for layer in model.layers] == [(6, "tanh")] * 3 + [(3, "identity")]


@pytest.mark.parametrize("batch", ["batch", 1])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_recurrent_layers(kind, direction, batch, tmp_path):
    path = graphs.recurrent(tmp_path / "net.onnx", kind, direction, batch)
    arrays = data_of(7, 3)
    check_same(path, arrays)


@pytest.mark.parametrize("name", ["y", "shares"])
def test_several_inputs_and_outputs(name, tmp_path):
    path = graphs.several(tmp_path / "net.onnx")
    data = data_of(4, tokens=DRAWN.integers(0, 9, (6, 6)))
    data["values_train"] = data.pop("x_train")
    check_same(path, data, name, LoadOptions(scaling="raw", logits=name))


def test_quantised_graphs(tmp_path):
    """Integer kernels round elsewhere: values differ by a step of the scale, 0.05, where two roundings meet."""
    model, _ = check_same(graphs.quantised(tmp_path / "net.onnx"), data_of(8), atol=1e-4)
    assert [layer.activation for layer in model.layers] == ["custom", "identity"]


def test_images_of_any_size_keep_their_sides(tmp_path):
    """Images of 8 by 18 have as many values as squares of 12, which the file would take too."""
    model, _ = check_same(graphs.any_size(tmp_path / "net.onnx"), data_of(1, 8, 18))
    assert model.input_shape == (1, 8, 18)


@pytest.mark.parametrize("channels", [2, 5])
def test_maps_of_any_channels_keep_their_sides(channels, tmp_path):
    """Two channels are no image, but the sides of what is no square are known from the data."""
    path = graphs.any_size(tmp_path / "net.onnx", channels)
    model, _ = check_same(path, data_of(channels, 6, 9))
    assert model.input_shape == (channels, 6, 9)


def test_copies_and_pickles_give_the_same(tmp_path):
    model, dataset = load_model(graphs.image_network(tmp_path / "net.onnx"), data_of(1, 8, 8), RAW)
    x = as_tensor(dataset.train.inputs, model.scaling, model.input_shape)
    expected = model.module(x)
    assert torch.equal(deepcopy(model.module)(x), expected)
    assert torch.equal(pickle.loads(pickle.dumps(model.module))(x), expected)


def test_gradients_are_said_to_be_missing(tmp_path):
    model, dataset = load_model(graphs.image_network(tmp_path / "net.onnx"), data_of(1, 8, 8), RAW)
    assert "without gradients" in model.inferred["architecture"].evidence
    found = attribute(model, model.layer("fc1"), dataset.train, AttributionOptions(samples=4))
    assert np.isnan(found.conductance).all()
    assert np.isfinite(found.ablation).all()


def test_names_of_any_length(tmp_path):
    path = graphs.image_network(tmp_path / "net.onnx")
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        tensor.name = f"{'scope/' * 300}{tensor.name}"
    for one in model.graph.node:
        one.input[:] = [
            f"{'scope/' * 300}{name}" if any(t.name.endswith(f"/{name}") for t in model.graph.initializer) else name
            for name in one.input
        ]
    onnx.save(model, path)
    opened, _ = check_same(path, data_of(1, 8, 8))
    assert max(len(layer.name) for layer in opened.layers) <= 130


# --------------------------------------------------------------------------- what cannot be opened


def one_line(path, data=None):
    with pytest.raises(InterpError) as caught:
        load_model(path, data, RAW)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_custom_operators_are_refused(tmp_path):
    nodes = [graphs.node("Strange", "x", "h", domain="somebody"), graphs.node("MatMul", "h w", "y")]
    path = graphs.saved(
        tmp_path / "net.onnx", nodes, [graphs.value("x", ["batch", 6])], ["y"], 17, graphs.weights(w=(6, 3)), "somebody"
    )
    assert "ONNX Runtime does not run here" in one_line(path, data_of(6))


def test_a_graph_that_gives_the_best_class_alone_is_refused_as_that(tmp_path):
    nodes = [
        graphs.node("CumSum", "x axis", "c"),
        graphs.node("MatMul", "c w", "m"),
        graphs.node("ArgMax", "m", "best"),
    ]
    stored = {"axis": np.array(1)} | graphs.weights(w=(6, 3))
    path = graphs.saved(tmp_path / "net.onnx", nodes, [graphs.value("x", ["batch", 6])], ["best"], 17, stored)
    said = one_line(path, data_of(6))
    assert "a graph with no output of floats: best" in said
    assert "export the network without the steps behind its scores" in said


def test_a_list_of_constants_is_named(tmp_path):
    nodes = [
        graphs.node("SequenceConstruct", "c", "s0"),
        graphs.node("SequenceInsert", "s0 x", "s1"),
        graphs.node("ConcatFromSequence", "s1", "both", axis=1),
        graphs.node("MatMul", "both w", "y"),
    ]
    stored = graphs.weights(c=(1, 2), w=(8, 3))
    path = graphs.saved(tmp_path / "net.onnx", nodes, [graphs.value("x", [1, 6])], ["y"], 17, stored)
    assert "a graph with a list of constant tensors, s0; expected" in one_line(path, data_of(6))


def test_several_inputs_without_data_are_named(tmp_path):
    assert "expected data with arrays tokens, values" in one_line(graphs.several(tmp_path / "net.onnx"))


def test_several_inputs_of_which_one_is_called_as_the_one_array_of_data(tmp_path):
    """The one under a usual name would be taken as all there is; by other names arrays are taken in order."""
    nodes = [
        graphs.node("LRN", "x", "l", size=3),
        graphs.node("Sub", "l other", "s"),
        graphs.node("Flatten", "s", "f"),
        graphs.node("MatMul", "f w", "y"),
    ]
    given = [graphs.value(name, ["batch", 2, 3, 3]) for name in ("x", "other")]
    path = graphs.saved(tmp_path / "net.onnx", nodes, given, ["y"], 17, graphs.weights(w=(18, 3)))
    x, other = np.random.default_rng(0).normal(size=(2, 4, 2, 3, 3)).astype(np.float32)
    targets = {"y_train": np.zeros((4, 1), np.float32)}
    said = one_line(path, {"x_train": x, "other_train": other} | targets)
    assert "expected arrays x, other" in said
    assert "but none x: by other names they are taken in this order" in said
    model, data = load_model(path, {"first_train": x, "other_train": other} | targets, LoadOptions(scaling="raw"))
    whole = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    expected = whole.run(None, {"x": x, "other": other})[0]
    np.testing.assert_allclose(outputs_on(model, data.train.inputs), expected, atol=1e-5)


def test_data_of_another_shape(tmp_path):
    assert "found " in one_line(graphs.image_network(tmp_path / "net.onnx"), data_of(1, 9, 7))


def test_without_the_packages_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("interp.checkpoints.drafts.choose.packages", lambda: None)
    said = one_line(graphs.image_network(tmp_path / "net.onnx"), data_of(1, 8, 8))
    assert "a graph with LRN" in said
    assert "pip install 'interp[onnx]'" in said


def test_weights_elsewhere_are_refused_here_too(tmp_path):
    path = graphs.image_network(tmp_path / "net.onnx")
    model = onnx.load(path)
    (tensor,) = (one for one in model.graph.initializer if one.name == "fc1.weight")
    (tmp_path / "secret").write_bytes(tensor.raw_data)
    (tmp_path / "model").mkdir()
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    tensor.external_data.append(onnx.StringStringEntryProto(key="location", value="../secret"))
    (tmp_path / "model" / "net.onnx").write_bytes(model.SerializeToString())
    assert "no file in its folder" in one_line(tmp_path / "model" / "net.onnx", data_of(1, 8, 8))


def test_functions_before_a_piece_are_named(tmp_path):
    """Of z x sigmoid(1.7 z), and of sinh, the piece that follows reads the output: the layers are no identities."""
    nodes = [
        graphs.node("Gemm", "x fc1.weight fc1.bias", "z", transB=1),
        graphs.node("Mul", "z slope", "s"),
        graphs.node("Sigmoid", "s", "g"),
        graphs.node("Mul", "z g", "a"),
        graphs.node("LpNormalization", "a", "n"),
        graphs.node("Gemm", "n fc2.weight fc2.bias", "w", transB=1),
        graphs.node("Sinh", "w", "h"),
        graphs.node("LpNormalization", "h", "y"),
    ]
    stored = graphs.weights(**{"fc1.weight": (5, 6), "fc1.bias": 5, "fc2.weight": (4, 5), "fc2.bias": 4})
    inputs, outputs = [graphs.value("x", ["batch", 6])], [graphs.value("y", ["batch", 4])]
    path = graphs.saved(tmp_path / "net.onnx", nodes, inputs, outputs, 17, stored | {"slope": np.float32(1.7)})
    model, _ = check_same(path, data_of(6))
    assert [(layer.name, layer.activation) for layer in model.layers] == [("fc1", "custom"), ("fc2", "custom")]


def test_a_graph_of_whole_numbers_is_refused_as_what_it_is(tmp_path):
    nodes = [
        graphs.node("DynamicQuantizeLinear", "x", "q scale zero"),
        graphs.node("MatMulInteger", "q weight zero", "i"),
        graphs.node("Cast", "i", "f", to=1),
        graphs.node("Mul", "f scale", "y"),
    ]
    stored = {"weight": np.arange(18, dtype=np.int8).reshape(6, 3)}
    path = graphs.saved(
        tmp_path / "net.onnx", nodes, [graphs.value("x", [1, 6])], [graphs.value("y", [1, 3])], 17, stored
    )
    with pytest.raises(InterpError, match="layers of whole numbers, scaled anew for each input"):
        load_model(path, data_of(6), RAW)
