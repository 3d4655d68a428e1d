"""Bare state dicts of networks with attention: opened as their class runs, with what data do not tell named."""

import numpy as np
import pytest
import torch
from torch import nn

from interp.checkpoints import LoadOptions, load_model
from interp.checkpoints.inference.attention import found, infer
from interp.checkpoints.inference.attention.network import read_blocks
from interp.checkpoints.inference.attention.parts import attention_parts
from interp.errors import CheckpointError, DataError, UsageError
from interp.interventions.edits import Edit
from interp.interventions.engine.sites import UNCHANGED, find_site
from tests.checkpoints.inference.attention.networks import MADE, STEPS, WIDTH, Alone, Series, Words, made, tokens

TRUTH = {
    "words": ("4", "behind (post-norm)", "relu", "mean over steps", "stored"),
    "words, norms first": ("2", "before (pre-norm)", "gelu", "mean over steps", "stored"),
    "words, no positions": ("1", "behind (post-norm)", "relu", "maximum over steps", "none"),
    "series": ("2", "before (pre-norm)", "gelu", "first step", "stored"),
    "series, apart": ("4", "before (pre-norm)", "gelu", "first step", "stored"),
}
FACTS = ("heads", "norms", "activation", "readout", "positions")


def opened(folder, network, data, **said):
    torch.save(network.state_dict(), folder / "net.pt")
    return load_model(folder / "net.pt", data, LoadOptions(**said))


def outputs(model, loaded):
    with torch.no_grad():
        return model.module(torch.from_numpy(model.scaling(loaded.train.inputs)).reshape(-1, *model.input_shape))


@pytest.mark.parametrize("name", MADE)
def test_the_truth_is_found_or_named(tmp_path, name):
    """A value that is not the network's own is uncertain, and its own stands among those not told apart."""
    network, data = made(name)
    model, _ = opened(tmp_path, network, data, scaling="raw")
    for fact, truth in zip(FACTS, TRUTH[name], strict=True):
        said = model.inferred[fact]
        assert said.value == truth or (
            said.confidence == "uncertain" and truth in said.evidence.rpartition("not told apart")[2]
        ), (fact, said)
    assert model.inferred["heads"].value == TRUTH[name][0]


@pytest.mark.parametrize("name", MADE)
def test_with_heads_and_activation_stated_outputs_are_those_of_the_class(tmp_path, name):
    network, data = made(name)
    heads, _, activation, *_ = TRUTH[name]
    model, loaded = opened(tmp_path, network, data, scaling="raw", heads=int(heads), activation=activation)
    given = {key: torch.from_numpy(np.asarray(values)) for key, values in data.items() if key != "y"}
    with torch.no_grad():
        torch.testing.assert_close(outputs(model, loaded), network(**given), atol=1e-4, rtol=1e-5)
    assert (model.inferred["heads"].confidence, model.inferred["heads"].evidence) == ("certain", "given with --heads")


def test_projections_are_layers_that_can_be_changed(tmp_path):
    network, data = made("series")
    model, loaded = opened(tmp_path, network, data, scaling="raw", activation="gelu")
    assert [layer.nodes for layer in model.layers] == [WIDTH, *(48, WIDTH, 24, WIDTH) * 2, 2]
    layer = next(one for one in model.layers if one.name == "blocks.1.mlp.0")
    assert layer.activation == "gelu"
    x = torch.from_numpy(loaded.train.inputs).reshape(-1, *model.input_shape)
    with torch.no_grad():
        state = find_site(model, {layer.name: layer}).at(x)
        assert torch.equal(state.outputs(UNCHANGED), state.outputs({layer.name: Edit()}))


def test_without_data_the_usual_is_assumed_and_said_to_be(tmp_path):
    model, _ = opened(tmp_path, made("words, norms first")[0], None)
    assert model.inferred["heads"].confidence == model.inferred["norms"].confidence == "uncertain"
    assert model.inferred["heads"].value == "2"  # heads of eight values
    assert model.inferred["norms"].value == "before (pre-norm)"  # since a norm stands behind the blocks
    assert model.inferred["architecture"].value == "embedding 9 to 16, 2 attention blocks of 16 and 32, dense 16 to 2"


def test_sinusoidal_positions_that_no_file_holds_are_tried(tmp_path):
    """Whether the first word is a large one: without positions no reading of a mean over steps can tell."""
    from interp.checkpoints.inference.attention.blocks import sinusoids
    from tests.checkpoints.inference.attention.networks import trained

    rng = np.random.default_rng(2)
    x = rng.integers(1, 9, (400, STEPS))
    y = (x[:, 0] > 4).astype(int)

    class Waves(Words):
        def forward(self, x):
            out = self.encoder(self.embedding(x) + sinusoids(STEPS, WIDTH))
            return self.fc(out.mean(1))

    torch.manual_seed(0)
    network = trained(Waves(2, positions=False), 120, x=x, y=y)
    model, _ = opened(tmp_path, network, (x, y))
    assert (model.inferred["positions"].value, model.inferred["positions"].confidence) == ("sinusoidal", "likely")


def test_blocks_follow_their_numbers(tmp_path):
    torch.manual_seed(0)
    network = Series(depth=11).eval()
    state = dict(sorted(network.state_dict().items()))  # as safetensors has them: 10 before 2
    torch.save(state, tmp_path / "net.pt")
    x = np.random.default_rng(0).normal(size=(8, STEPS, 3)).astype(np.float32)
    said = LoadOptions(scaling="raw", heads=2, activation="gelu")
    model, _ = load_model(tmp_path / "net.pt", (x, np.arange(8) % 2), said)
    names = [layer.name for layer in model.layers if layer.name.endswith("qkv")]
    assert names == [f"blocks.{number}.attn.qkv" for number in range(11)]


def test_what_fits_nowhere_is_refused_in_one_line(tmp_path):
    network, data = made("words")
    with pytest.raises(UsageError, match=r"attention of width 16; expected one of 1, 2, 4, 8, 16"):
        opened(tmp_path, network, data, heads=3)
    longer = np.concatenate([data["x"], data["x"]], 1)
    with pytest.raises(DataError, match="12 time steps; expected at most 6, as pos has"):
        opened(tmp_path, network, (longer, data["y"]))
    with pytest.raises(DataError, match="tokens, whole numbers from 0 to 8"):
        opened(tmp_path, network, (data["x"] + 3, data["y"]))
    decoder = nn.TransformerDecoderLayer(16, 2, 32)
    with pytest.raises(CheckpointError, match="attention blocks of two norms and a dense pair each"):
        opened(tmp_path, decoder, None)
    with pytest.raises(UsageError, match="--heads 2: found a network without attention"):
        opened(tmp_path, nn.Linear(2, 3), None, heads=2)


@pytest.mark.parametrize("damage", ["no norm", "other width", "no rows", "no output"])
def test_tensors_that_are_no_whole_block_are_refused_in_one_line(tmp_path, damage):
    state = dict(made("words")[0].state_dict())
    at = "encoder.layers.0."
    if damage == "no norm":
        del state[f"{at}norm1.weight"]
    elif damage == "other width":
        state[f"{at}linear2.weight"] = torch.zeros(8, 32)
    elif damage == "no rows":
        state[f"{at}self_attn.in_proj_weight"] = torch.zeros(0, 16)
    else:
        del state[f"{at}self_attn.out_proj.weight"]
    torch.save(state, tmp_path / "net.pt")
    x, y, _ = tokens()
    with pytest.raises(CheckpointError) as caught:
        load_model(tmp_path / "net.pt", (x, y))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("tensor", "shape"),
    [("in_proj_weight", (1, 10**7)), ("in_proj_weight", (48,)), ("in_proj_weight", (0, 0)), ("out_proj.weight", (16,))],
)
def test_sides_that_do_not_belong_together_are_refused_before_anything_is_built(monkeypatch, tensor, shape):
    """Attention of a width of ten million would take 10^15 bytes, of which the file holds 40 MB."""
    monkeypatch.setattr(found, "multihead", lambda *given: pytest.fail("was built"))
    state = dict(made("words")[0].state_dict())
    state[f"encoder.layers.0.self_attn.{tensor}"] = torch.zeros(shape)
    with pytest.raises(CheckpointError, match="attention blocks of two norms and a dense pair each") as caught:
        attention_parts(state, "net.pt")
    assert "\n" not in str(caught.value)


def test_a_block_of_width_0_is_refused():
    at, norm = "layers.0.", {"weight": torch.zeros(0), "bias": torch.zeros(0)}
    state = {f"{at}norm{number}.{name}": one for number in (1, 2) for name, one in norm.items()}
    state |= {f"{at}self_attn.in_proj_weight": torch.zeros(0, 0), f"{at}self_attn.out_proj.weight": torch.zeros(0, 0)}
    state |= {f"{at}linear1.weight": torch.zeros(4, 0), f"{at}linear2.weight": torch.zeros(0, 4)}
    with pytest.raises(CheckpointError, match="attention blocks of two norms"):
        attention_parts(state, "net.pt")


def test_attention_of_whole_numbers_is_refused():
    with pytest.raises(CheckpointError, match="found attention whose weights are whole numbers"):
        attention_parts({"layers.0.self_attn.in_proj_weight": torch.zeros(6, 2, dtype=torch.int8)}, "net.pt")


def around(**more):
    """Sort the tensors of a trained network, and others before its last layer."""
    state = dict(made("series")[0].state_dict())
    del state["cls_token"]
    return attention_parts({**more, **state}, "net.pt")


def test_norms_are_no_positions_and_no_first_step():
    norm = torch.ones(WIDTH)
    for name in ("pos_norm.weight", "cls_norm.weight"):
        found = around(**{name: norm})
        assert found.before is not None
        assert found.before.name == name.removesuffix(".weight")
        assert found.positions is not None
        assert (found.positions[0], found.first) == ("pos_embed", None)


def test_a_dense_layer_of_one_output_is_no_first_step():
    state = dict(made("series")[0].state_dict())
    state["cls_head.weight"] = torch.ones(1, WIDTH)
    del state["cls_token"], state["head.weight"], state["head.bias"]
    found = attention_parts(state, "net.pt")
    assert found.first is None
    assert [layer.name for layer in found.dense] == ["cls_head"]


@pytest.mark.parametrize(
    ("norm", "place", "fused"),
    [
        (nn.LayerNorm, "behind (post-norm)", False),
        (nn.LayerNorm, "before (pre-norm)", False),
        (nn.RMSNorm, "behind, without a sum", True),
        (nn.Identity, "none", True),
        (nn.Identity, "none, without a sum", False),
    ],
)
def test_attention_without_a_dense_pair(tmp_path, norm, place, fused):
    """Labels are the network's own answers, so that its own reading alone is right on every row."""
    torch.manual_seed(0)
    network, x = Alone(norm, place, fused).eval().requires_grad_(False), tokens()[0]
    network.embed.weight *= 3
    scores = network(torch.from_numpy(x))
    network.fc.bias[0] -= (scores[:, 0] - scores[:, 1]).median()
    expected = network(torch.from_numpy(x))
    model, loaded = opened(tmp_path, network, (x, expected.argmax(1).numpy()), heads=2)
    assert (model.inferred["norms"].value, model.inferred["readout"].value) == (place, "mean over steps")
    assert (model.inferred["activation"].value, model.inferred["activation"].confidence) == ("identity", "certain")
    assert model.inferred["architecture"].value == "embedding 9 to 16, 1 attention block of 16, dense 16 to 2"
    torch.testing.assert_close(outputs(model, loaded), expected, atol=1e-5, rtol=1e-5)


def test_the_only_block_of_a_file_without_a_name(tmp_path):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(WIDTH, 2, 24, batch_first=True).eval().requires_grad_(False)
    model, _ = opened(tmp_path, layer, None)
    x = torch.randn(3, *model.input_shape)
    torch.testing.assert_close(model.module(x), layer(x).mean(1), atol=1e-5, rtol=1e-5)


def test_attention_with_and_without_a_dense_pair_is_refused():
    state = {f"second.attn.{name}": one for name, one in Alone(nn.Identity, "none").attn.state_dict().items()}
    with pytest.raises(CheckpointError, match="with a dense pair behind it and without"):
        attention_parts({**made("words")[0].state_dict(), **state}, "net.pt")


@pytest.mark.parametrize("name", ["cls_token", "cls_token.weight", "class_embedding.weight"])
def test_a_first_step_may_be_the_one_row_of_a_table(name):
    found = around(**{name: torch.ones(1, WIDTH)})
    assert found.first is not None
    assert found.first[0] == name
    assert found.embedding is None


def test_long_sequences_are_tried_on_fewer_rows():
    """Attention compares each step with each: with a hundred times the steps, a row costs more than so many times."""
    found = around()
    cost = {steps: 10**13 // infer._affordable(found, steps, 100, 10**13) for steps in (6, 600, 60_000)}
    assert cost[600] > 100 * cost[6]
    assert infer._affordable(found, 10**6, 100, 2000) == infer.FEWEST
    assert cost[600] == pytest.approx(2.5e3 * 2 * (12 * 601 * WIDTH**2 + 2 * 601**2 * WIDTH), rel=0.01)


@pytest.mark.parametrize("name", ["words", "series"])
def test_rows_are_run_as_few_at_a_time_as_their_attention_needs(tmp_path, monkeypatch, name):
    network, data = made(name)
    whole = opened(tmp_path, network, data, scaling="raw")[0].inferred
    seen = []

    def counted(network, x, lengths):
        heads = network._choice.heads
        seen.append(len(x) * heads * (STEPS + (name == "series")) ** 2)
        return read_blocks(network, x, lengths)

    monkeypatch.setattr(infer, "WEIGHTS", 20_000)
    monkeypatch.setattr(infer, "read_blocks", counted)
    few = opened(tmp_path, network, data, scaling="raw")[0].inferred
    assert 10_000 < max(seen) <= 20_000
    assert {fact: said.value for fact, said in few.items()} == {fact: said.value for fact, said in whole.items()}
