"""Layers of a bare state dict are put in the one order that their shapes allow."""

import pytest
import torch
from torch import nn

from interp.checkpoints.inference.stack.facts import stack_facts
from interp.checkpoints.inference.stack.state import layer_stack
from interp.errors import CheckpointError


def weights(*shapes) -> dict:
    """Give matrices (N, D) under names whose order says nothing."""
    names = ["m", "c", "x", "a", "k", "b", "z", "d", "y", "e", "w", "f"]
    return {f"{name}.weight": torch.ones(shape) for name, shape in zip(names, shapes, strict=False)}


def test_the_only_order():
    layers, _, evidence = layer_stack(weights((3, 4), (5, 6), (2, 3), (4, 5)), "file")
    assert [tuple(layer.weight.shape) for layer in layers] == [(5, 6), (4, 5), (3, 4), (2, 3)]
    assert evidence == ("the only order in which shapes chain",)


def test_several_orders_are_none():
    with pytest.raises(CheckpointError, match=r"3 outputs of .* expected layers whose shapes chain"):
        layer_stack(weights((3, 4), (4, 4), (4, 4), (4, 5)), "file")


@pytest.mark.parametrize(
    ("names", "advice"),
    [
        (
            ("actor.0", "actor.2", "critic.0", "critic.2"),
            r"choose one network with --prefix \(actor, critic\), or pass",
        ),
        (("net.0", "net.2", "net.4", "net.6"), "chain; pass your own class"),
        (("a.0", "b.2", "c.4", "d.6"), "chain; pass your own class"),
    ],
)
def test_several_networks_of_which_each_chains_are_named(names, advice):
    shapes = ((6, 4), (3, 6), (6, 4), (2, 6))
    state = {f"{name}.weight": torch.ones(shape) for name, shape in zip(names, shapes, strict=True)}
    with pytest.raises(CheckpointError, match=advice):
        layer_stack(state, "file")


def alike(*names, width=4):
    """Two layers under each name that give as many values as they take."""
    shapes = {"0.weight": (6, width), "2.weight": (width, 6)}
    return {f"{name}.{own}": torch.ones(shape) for name in names for own, shape in shapes.items()}


@pytest.mark.parametrize(
    "names", [("online", "target"), ("0", "1"), ("model.a", "model.b", "model.c"), ("net1", "net2"), ("body", "ema")]
)
def test_networks_of_the_same_shapes_are_no_one_network(names):
    """Shapes of each chain with those of the next, where as many values come out as go in."""
    listed = rf"{len(names)} networks of the same shapes \({', '.join(names)}\); .* choose one with --prefix NAME"
    with pytest.raises(CheckpointError, match=listed):
        layer_stack(alike(*names), "file")
    first = {name.removeprefix(f"{names[0]}."): one for name, one in alike(*names).items() if name.startswith(names[0])}
    assert len(layer_stack(first, "file").layers) == 2


@pytest.mark.parametrize("names", [("block1", "block2"), ("layers.0", "layers.1"), ("encoder", "decoder"), ("m.fc",)])
def test_names_say_that_parts_of_the_same_shapes_run_in_a_row(names):
    assert [layer.name.rpartition(".")[0] for layer in layer_stack(alike(*names), "file").layers][::2] == list(names)


def test_other_layers_beside_parts_of_the_same_shapes_make_one_network():
    state = {"in.weight": torch.ones(4, 9)} | alike("a", "b") | {"out.weight": torch.ones(2, 4)}
    assert len(layer_stack(state, "file").layers) == 6


def test_orders_are_not_tried_one_by_one():
    """Eleven layers of one width and one that fits none have 11! orders."""
    with pytest.raises(CheckpointError, match="expected layers whose shapes chain"):
        layer_stack(weights(*[(4, 4)] * 11, (5, 7)), "file")


def dense(names, width=4):
    """Give layers of one width but for the last, and norms of that width, in the order of their names."""
    state = {}
    for name in names:
        if name.startswith(("bn", "norm")) or name in NORMS:
            state |= {f"{name}.{own}": torch.ones(width) for own in ("weight", "bias", "running_mean", "running_var")}
        else:
            state |= {f"{name}.weight": torch.ones(3 if name == names[-1] or name == "out" else width, width)}
    return state


NORMS = ("1", "4", "7", "10")


def owners(state):
    layers, confidence, _ = layer_stack(state, "file")
    return {layer.norm.name: layer.name for layer in layers if layer.norm}, confidence


def test_norms_that_stand_behind_their_layers():
    in_order = ("0", "1", "3", "4", "6", "7", "9", "10", "12")
    expected = {"1": "0", "4": "3", "7": "6", "10": "9"}
    state = dense(in_order)
    assert owners(state) == (expected, "certain")
    assert owners(dict(sorted(state.items()))) == (expected, "certain")  # 10 before 4, as in safetensors


@pytest.mark.parametrize(
    ("names", "expected", "confidence"),
    [
        (("fc1", "fc2", "out", "bn1", "bn2"), {"bn1": "fc1", "bn2": "fc2"}, "likely"),
        (("fc1", "fc2", "fc3", "out", "bn2"), {"bn2": "fc2"}, "uncertain"),
        (("fc1", "fc2", "fc3", "out", "norm"), {"norm": "fc1"}, "uncertain"),
        (("first", "out", "norm"), {"norm": "first"}, "certain"),
    ],
)
def test_norms_that_stand_elsewhere(names, expected, confidence):
    assert owners(dense(names)) == (expected, confidence)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("norm", "fc1", "out"), "behind a layer, not on the inputs"),
        (("fc1", "out", "bn1", "bn2"), "a layer of that width"),
    ],
)
def test_norms_without_a_layer(names, expected):
    with pytest.raises(CheckpointError, match=f"found batch-norm .* of width 4; expected {expected}"):
        layer_stack(dense(names), "file")


@pytest.mark.parametrize(("bias", "kind"), [(True, "layer norm"), (False, "RMS norm")])
def test_norms_of_the_inputs_are_named_as_such(bias, kind):
    state = {"0.weight": torch.ones(20), "1.weight": torch.ones(12, 20), "2.weight": torch.ones(3, 12)}
    state |= {"0.bias": torch.zeros(20)} if bias else {}
    with pytest.raises(CheckpointError, match=f"found {kind} 0 of width 20; expected norms behind a layer"):
        layer_stack(state, "net.pt")


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        (nn.Conv1d(3, 4, 5), r"weight of shape \(4, 3, 5\), as of a convolution over one axis"),
        (nn.Conv3d(3, 4, 5), r"weight of shape \(4, 3, 5, 5, 5\), as of a convolution over three axes"),
        (nn.ConvTranspose2d(4, 2, 3), r"bias of shape \(2,\), the bias of a transposed convolution"),
    ],
)
def test_layers_that_are_none_of_ours_are_named_as_what_they_may_be(layer, told):
    with pytest.raises(CheckpointError, match=told):
        layer_stack({name: one.detach() for name, one in layer.named_parameters()}, "net.pt")


@pytest.mark.parametrize("name", ["emb", "net.embedding", "embed", "wte"])
def test_a_table_before_dense_layers_is_named_as_such(name):
    """As of the mean of words' vectors; a dense layer of such a name gives what the next one reads."""
    state = {f"{name}.weight": torch.ones(50, 8), "fc.weight": torch.ones(3, 8)}
    with pytest.raises(CheckpointError, match=rf"a table of 50 vectors of 8 numbers \({name}\) before dense layers"):
        layer_stack(state, "net.pt")
    dense = {f"{name}.weight": torch.ones(8, 50), "fc.weight": torch.ones(3, 8)}
    assert [layer.name for layer in layer_stack(dense, "net.pt").layers] == [name, "fc"]


def test_matrices_of_recurrent_layers_are_no_dense_ones():
    """A plain one's chain as if they were: (H, D), (H, H), then the layer on top."""
    state = torch.nn.RNN(4, 6).state_dict() | {"fc.weight": torch.ones(3, 6)}
    state = {name if name.startswith("fc") else f"rnn.{name}": tensor for name, tensor in state.items()}
    with pytest.raises(CheckpointError, match=r"found a recurrent cell \(rnn\.weight_ih_l0\)"):
        layer_stack(state, "file")


def test_a_gain_is_no_bias():
    state = {"a.weight": torch.ones(4, 5), "a.gain": torch.ones(4), "b.weight": torch.ones(3, 4)}
    with pytest.raises(CheckpointError, match=r"found a.gain of shape \(4,\)"):
        layer_stack(state, "file")
    layers, *_ = layer_stack({name.replace("gain", "offset"): tensor for name, tensor in state.items()}, "file")
    assert layers[0].bias is not None


@pytest.mark.parametrize(("last", "confidence"), [(3, "certain"), (5, "likely")])
def test_where_a_width_comes_back_a_shortcut_fits(last, confidence):
    layers, *_ = layer_stack({"a.weight": torch.ones(4, 5), "b.weight": torch.ones(last, 4)}, "file")
    assert stack_facts(layers, None, ())["architecture"].confidence == confidence


@pytest.mark.parametrize("names", [("lora_A.weight", "lora_B.weight"), ("lora_down.weight", "lora_up.weight")])
def test_an_adapter_is_no_network(names):
    """Its pairs chain as dense layers do: (rank, D) and (N, rank) of each layer that they change."""
    shapes = (2, 6), (6, 2)
    state = {
        f"enc.{at}.query.{name}": torch.ones(shape) for at in (0, 1) for name, shape in zip(names, shapes, strict=True)
    }
    with pytest.raises(CheckpointError, match=r"a LoRA adapter.*\(enc\.0\.query\.lora_\w+\.weight\).*merge_and_unload"):
        layer_stack(state, "file")


@pytest.mark.parametrize("name", ["embedding.weight", "model.word_embeddings.weight", "embed.weight"])
def test_a_table_alone_is_no_network(name):
    with pytest.raises(CheckpointError, match=r"a table of 50 vectors of 8 numbers alone"):
        layer_stack({name: torch.ones(50, 8)}, "file")
    assert layer_stack({name.replace("embed", "member"): torch.ones(50, 8)}, "file").layers
    assert len(layer_stack({name: torch.ones(50, 8), "head.weight": torch.ones(3, 50)}, "file").layers) == 2
