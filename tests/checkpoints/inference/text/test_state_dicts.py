"""Text classifiers whose tokens are pooled, opened from their tensors alone."""

from functools import cache
from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from interp.checkpoints import LoadOptions, load_model
from interp.checkpoints.inference.text.network import EDGES, TOKEN, ZEROS, Choice, TextNetwork
from interp.checkpoints.inference.text.parts import is_text_state, text_parts
from interp.checkpoints.inference.text.rest import Rows, slopes_of
from interp.checkpoints.inference.weighing.slopes import SlopeSums
from interp.data import RAW
from interp.errors import CheckpointError, DataError, UsageError
from interp.interventions.changes import Fix
from interp.interventions.edits import Edit
from interp.interventions.engine.sites import find_site
from interp.tasks import find_task
from interp.types import Split
from tests.checkpoints.inference.text.networks import STEPS, WORDS, Bag, TextCnn, sentences, trained

READOUT = {"mean": "mean over steps", "sum": "sum over steps", "max": "maximum over steps"}
ENDS = dict(zip(("none", "same", "half", "full"), EDGES, strict=True))


@cache
def made(name):
    """Give a trained network, its data and the value of each fact."""
    torch.manual_seed(0)
    x, y, lengths = sentences(phrases="cnn" in name)
    network, truth = {
        "bag": (Bag(own_bag=True), ("mean", "left out", "identity")),
        "bag sum": (Bag("sum", left_out=False), ("sum", "read on", "identity")),
        "deep bag": (Bag("max", 12, "tanh"), ("max", "left out", "tanh")),
        "cnn": (TextCnn((2, 3)), ("max", "read on", "relu", "none", (0, 1))),
        "cnn of images": (
            TextCnn((2, 3, 4), 5, image=True, order=(2, 0, 1), edges="same"),
            ("max", "read on", "relu", "same", (2, 0, 1)),
        ),
    }[name]
    readout, padding, activation, *others = truth
    facts = {"readout": READOUT[readout], "padding": padding, "activation": activation}
    if others:
        facts |= {"convolutions": ENDS[others[0]], "order": ", ".join(f"convs.{place}" for place in others[1])}
    return trained(network, x, y, lengths), {"x": x, "y": y, "lengths": lengths}, facts


def opened(folder, state, data=None, **said):
    torch.save(state if isinstance(state, dict) else state.state_dict(), folder / "net.pt")
    return load_model(folder / "net.pt", data, LoadOptions(**said))


def rows_of(data):
    return torch.from_numpy(data.train.inputs).float()


# --------------------------------------------------------------------------- the network that a choice makes


def choice(readout="max", padding="read on", edges="none", order=(0,), active="relu", between="identity"):
    return Choice(READOUT[readout], padding, ENDS[edges], tuple(order), active, between)


@pytest.mark.parametrize(("readout", "left_out", "hidden"), [*product(READOUT, (True, False), (0, 7))])
def test_a_bag_of_tokens_runs_as_its_module_does(readout, left_out, hidden):
    torch.manual_seed(0)
    network = Bag(readout, hidden, "tanh", left_out).eval()
    x, _, lengths = (torch.from_numpy(one) for one in sentences(1, 20))
    own = choice(readout, "left out" if left_out else "read on", between="tanh" if hidden else "identity")
    found = TextNetwork(text_parts(network.state_dict(), "net.pt"), own)
    with torch.no_grad():
        torch.testing.assert_close(found(x, lengths), network(x, lengths), atol=1e-5, rtol=0)


@pytest.mark.parametrize("mode", ["mean", "sum", "max"])
def test_token_0_is_left_out_as_torch_does_wherever_it_stands(mode):
    torch.manual_seed(0)
    bag = nn.EmbeddingBag(WORDS, 8, mode=mode, padding_idx=0)
    fc = nn.Linear(8, 3)
    with torch.no_grad():
        bag.weight[0] = 5.0  # of a table whose row of padding was filled later
    x = torch.from_numpy(sentences(1, 20)[0]).flip(1)
    x[3] = 0
    parts = text_parts(
        {"embedding.weight": bag.weight, **{f"fc.{key}": one for key, one in fc.state_dict().items()}}, ""
    )
    found = TextNetwork(parts, choice(mode, TOKEN))
    with torch.no_grad():
        torch.testing.assert_close(found(x), fc(bag(x)), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("image", "edges", "readout", "left_out"),
    [*product((False, True), ENDS, ("max",), (False,)), *product((True,), ENDS, ("max", "mean"), (True,))],
)
def test_convolutions_side_by_side_run_as_their_module_does(image, edges, readout, left_out):
    torch.manual_seed(0)
    network = TextCnn((2, 3, 4), 3, image, readout, "tanh", edges, (1, 2, 0), 5, "relu", left_out).eval()
    x, _, lengths = (torch.from_numpy(one) for one in sentences(1, 20, least=1))
    own = choice(readout, "left out" if left_out else "read on", edges, (1, 2, 0), "tanh", "relu")
    found = TextNetwork(text_parts(network.state_dict(), "net.pt"), own)
    with torch.no_grad():
        torch.testing.assert_close(found(x, lengths), network(x, lengths), atol=1e-5, rtol=0)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("width", [2, 3, 4, 5])
def test_the_same_length_is_kept_as_torch_does(width):
    torch.manual_seed(0)
    network, x = TextCnn((width,)).eval(), torch.from_numpy(sentences(1, 20)[0])
    found = TextNetwork(text_parts(network.state_dict(), ""), choice("mean", edges="same"))
    conv = network.convs[0]
    with torch.no_grad():
        z = nn.functional.conv1d(network.embedding(x).transpose(1, 2), conv.weight, conv.bias, padding="same")
        torch.testing.assert_close(found(x), network.fc(z.relu().mean(2)), atol=1e-5, rtol=0)


def test_padding_left_out_is_as_each_sequence_alone():
    torch.manual_seed(0)
    network = TextCnn((2, 3), edges="same").eval()
    parts, (x, _, lengths) = text_parts(network.state_dict(), ""), map(torch.from_numpy, sentences(1, 8))
    with torch.no_grad():
        whole = TextNetwork(parts, choice("mean", "left out", "same", (0, 1)))(x, lengths)
        alone = [
            TextNetwork(parts, choice("mean", "read on", "same", (0, 1)))(x[[i], :n]) for i, n in enumerate(lengths)
        ]
        other = TextNetwork(parts, choice("mean", ZEROS, "same", (0, 1)))(x, lengths)
    torch.testing.assert_close(whole, torch.cat(alone), atol=1e-5, rtol=0)
    assert not torch.allclose(whole, other, atol=1e-3)


# --------------------------------------------------------------------------- files of trained networks


@pytest.mark.parametrize("name", ["bag", "bag sum", "deep bag", "cnn", "cnn of images"])
def test_what_is_likely_is_right_and_what_is_not_is_named(tmp_path, name):
    network, data, truth = made(name)
    model, loaded = opened(tmp_path, network, data)
    for fact, own in truth.items():
        said = model.inferred[fact]
        named = said.confidence == "uncertain" and own in said.evidence.rpartition("not told apart: ")[2]
        assert said.value == own or named, f"{fact}: {said.value}, {said.evidence}"
    if all(model.inferred[fact].value == own for fact, own in truth.items()):
        x, lengths = (torch.from_numpy(data[key]) for key in ("x", "lengths"))
        with torch.no_grad():
            torch.testing.assert_close(model.module(rows_of(loaded)), network(x, lengths), atol=1e-5, rtol=0)
    assert model.inferred["fit"].value == "as expected"


@pytest.mark.parametrize("name", ["bag", "cnn"])
def test_the_usual_network_is_found_where_scores_tell_nothing(tmp_path, name):
    """A mean has as good a score as a sum, and convolutions with zeros round them as those without."""
    network, data, truth = made(name)
    model, loaded = opened(tmp_path, network, data)
    assert {fact: model.inferred[fact].value for fact in truth} == truth
    x, lengths = (torch.from_numpy(data[key]) for key in ("x", "lengths"))
    with torch.no_grad():
        torch.testing.assert_close(model.module(rows_of(loaded)), network(x, lengths), atol=1e-5, rtol=0)


def test_of_equal_scores_slopes_tell_a_sum_from_the_usual_mean(tmp_path):
    """Of rows of one length, and without biases, a sum is that many times the mean: it predicts the very same."""
    torch.manual_seed(0)
    x, y, lengths = sentences(least=STEPS)
    network = Bag("sum")
    nn.init.zeros_(network.fc.bias).requires_grad_(False)
    network = trained(network, x, y, lengths)
    readout = opened(tmp_path, network, (x, y))[0].inferred["readout"]
    assert (readout.value, readout.confidence) == ("sum over steps", "uncertain")
    assert "not told apart: mean over steps" in readout.evidence
    assert "slopes of the loss" in readout.evidence


def test_nodes_are_filters_at_positions_and_dense_nodes(tmp_path):
    network, data, _ = made("cnn of images")
    model, loaded = opened(tmp_path, network, data, activation="relu")
    kinds = [(layer.name, layer.kind, layer.nodes, layer.inputs, layer.activation) for layer in model.layers]
    assert kinds == [
        *[(f"convs.{place}", "conv2d", 5, 8 * width, "relu") for place, width in enumerate((2, 3, 4))],
        ("fc", "linear", 3, 15, "identity"),
    ]
    assert model.inferred["activation"].evidence == "given with --activation"
    first = model.layers[0]
    with torch.no_grad():
        site = find_site(model, {first.name: first}).at(rows_of(loaded))
        changed = site.outputs({first.name: Edit(after=Fix(0.0))})
        wanted = model.module.get_submodule("fc").weight.clone()
        place = model.inferred["order"].value.split(", ").index("convs.0")
        wanted[:, 5 * place : 5 * place + 5] = 0
        model.module.get_submodule("fc").weight.copy_(wanted)
        torch.testing.assert_close(changed, model.module(rows_of(loaded)), atol=1e-5, rtol=0)


def test_rows_that_are_padded_in_front_leave_token_0_out(tmp_path):
    x, y, lengths = sentences()
    network, _, _ = made("bag")
    front = np.stack([np.roll(row, STEPS - length) for row, length in zip(x, lengths, strict=True)])
    model, loaded = opened(tmp_path, network, (front, y))
    padding = model.inferred["padding"]
    assert (padding.value, padding.confidence) == (TOKEN, "likely")
    assert "read on" in padding.evidence
    with torch.no_grad():
        wanted = network(torch.from_numpy(x), torch.from_numpy(lengths))
        torch.testing.assert_close(model.module(rows_of(loaded)), wanted, atol=1e-5, rtol=0)


def test_of_a_task_without_measured_errors_nothing_is_likely(tmp_path):
    """One output for two classes, read as the module does it, with what tells padding apart."""
    torch.manual_seed(0)
    x, y, lengths = sentences()
    network = Bag()
    network.fc = nn.Linear(8, 1)
    optimiser, target = torch.optim.Adam(network.parameters(), 0.02), torch.from_numpy(y > 0).float()
    for _ in range(150):
        optimiser.zero_grad()
        outputs = network(torch.from_numpy(x), torch.from_numpy(lengths))[:, 0]
        nn.functional.binary_cross_entropy_with_logits(outputs, target).backward()
        optimiser.step()
    model, _ = opened(tmp_path, network, {"x": x, "y": (y > 0).astype(int), "lengths": lengths})
    padding = model.inferred["padding"]
    assert (model.task, padding.value, padding.confidence) == ("binary", "left out", "uncertain")
    assert "not told apart" not in padding.evidence
    assert "measured of networks for several classes alone" in padding.evidence


def test_without_data_the_usual_is_assumed_and_said_to_be(tmp_path):
    model, _ = opened(tmp_path, made("cnn")[0])
    assert model.inferred["architecture"].value == (
        "embedding 60 to 8, convolution 8 to 6 of 2 tokens, convolution 8 to 6 of 3 tokens, dense 12 to 3"
    )
    values = {"readout": "maximum over steps", "convolutions": "not padded", "order": "convs.0, convs.1"}
    for fact, value in {**values, "activation": "relu"}.items():
        said = model.inferred[fact]
        assert (said.value, said.confidence) == (value, "uncertain")
        assert "assumed" in said.evidence


# --------------------------------------------------------------------------- what counts as such a file


@pytest.mark.parametrize(("kernels", "said"), [((2, 3), True), ((1,), False), ((), False)])
def test_what_no_weight_shows_of_convolutions_is_said(tmp_path, kernels, said):
    model, _ = opened(tmp_path, TextCnn(kernels) if kernels else Bag())
    evidence = model.inferred["architecture"].evidence
    assert ("stride and dilation of the convolutions are assumed to be 1" in evidence) == said


def test_convolutions_of_a_file_that_sorts_its_names_stand_in_the_order_of_their_numbers():
    state = {"embedding.weight": torch.ones(50, 8), "fc.weight": torch.ones(3, 11)}
    state |= {f"convs.{place}.weight": torch.ones(1, 8, 2) for place in range(11)}
    parts = text_parts(dict(sorted(state.items())), "net.pt")
    assert [one.name for one in parts.branches] == [f"convs.{place}" for place in range(11)]
    others = {"embedding.weight": state["embedding.weight"], "z.weight": torch.ones(1, 8, 2)}
    others |= {"b.weight": torch.ones(1, 8, 3), "fc.weight": torch.ones(3, 2)}
    assert [one.name for one in text_parts(others, "net.pt").branches] == ["z", "b"]


def test_slopes_are_those_of_the_modules_own_weights():
    """Tokens are numbered anew for slopes; rows of the table that nothing reads have none."""
    torch.manual_seed(0)
    x, y, lengths = (torch.from_numpy(one) for one in sentences(1, 60))
    x = torch.where(x > 0, x % 20 + 30, x)
    network = Bag("mean", 5).eval()
    scorer = find_task("classification").scorer_of(Split(x.numpy(), y.numpy()), y.numpy(), RAW)
    sums = SlopeSums([network.embedding, network.fc1, network.fc])
    for rows in torch.arange(60).split(3):
        loss = nn.functional.cross_entropy(network(x[rows], lengths[rows]), y[rows], reduction="sum")
        sums.add([one[None] for one in torch.autograd.grad(loss, sums.parameters)])
    own = choice("mean", "left out", between="relu")
    found = slopes_of(text_parts(network.state_dict(), "net.pt"), own, Rows(x, lengths, y, scorer))
    assert found == pytest.approx(np.mean([one.size for one in sums.found()]), abs=1e-3)


class Normed(nn.Module):
    """Batch norms behind convolutions, and one of what is pooled."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, 8)
        self.convs = nn.ModuleList(nn.Conv1d(8, 4, k) for k in (2, 3))
        self.bns = nn.ModuleList(nn.BatchNorm1d(4) for _ in range(2))
        self.norm = nn.LayerNorm(8)
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        values = self.embedding(x).transpose(1, 2)
        parts = [torch.relu(bn(conv(values))).amax(2) for conv, bn in zip(self.convs, self.bns, strict=True)]
        return self.fc(self.norm(torch.cat(parts, 1)))


def test_norms_behind_convolutions_and_of_what_is_pooled():
    torch.manual_seed(0)
    network, x = Normed(), torch.from_numpy(sentences(1, 50)[0])
    with torch.no_grad():
        network.train()(x)  # running moments of its own
        network.eval()
        parts = text_parts(network.state_dict(), "net.pt")
        found = TextNetwork(parts, choice(order=(0, 1)))
        torch.testing.assert_close(found(x), network(x), atol=1e-5, rtol=0)


def test_a_table_without_a_name_is_the_first_of_a_sequence(tmp_path):
    torch.manual_seed(0)
    network = nn.Sequential(nn.EmbeddingBag(WORDS, 8), nn.Linear(8, 3)).eval()
    x, y, _ = sentences(least=STEPS)
    model, _ = opened(tmp_path, network, (x, y))
    with torch.no_grad():
        wanted = network(torch.from_numpy(x))
        given = load_model(tmp_path / "net.pt", None)[0].module(torch.from_numpy(x[:, :8]).float())
        torch.testing.assert_close(given, network(torch.from_numpy(x[:, :8])), atol=1e-5, rtol=0)
    assert model.inferred["architecture"].value == "embedding 60 to 8, dense 8 to 3"
    assert model.module(rows_of(load_model(tmp_path / "net.pt", (x, y))[1])).shape == wanted.shape


def test_names_that_a_module_cannot_hold_are_changed(tmp_path):
    state = {"train.embedding.weight": torch.ones(50, 8), "train.weight": torch.ones(3, 8), "train.bias": torch.ones(3)}
    model, _ = opened(tmp_path, state)
    assert [layer.name for layer in model.layers] == ["train__"]


@pytest.mark.parametrize(
    ("shapes", "is_text"),
    [
        ({"embedding.weight": (50, 8), "fc.weight": (3, 8), "fc.bias": (3,)}, True),
        ({"net.0.weight": (50, 8), "net.1.weight": (3, 8), "net.1.bias": (3,)}, True),
        ({"embed.weight": (50, 8), "convs.0.weight": (4, 8, 3), "fc.weight": (3, 4)}, True),
        ({"embedding.weight": (8, 50), "fc.weight": (3, 8)}, False),
        ({"embedding.weight": (8, 8), "fc.weight": (3, 8)}, False),
        ({"0.weight": (50, 8), "1.weight": (3, 8)}, False),
        ({"actor.weight": (4, 10), "critic.weight": (1, 10), "critic.bias": (1,)}, False),
        ({"conv.weight": (4, 1, 5, 5), "conv.bias": (4,), "fc.weight": (3, 64)}, False),
        ({"embedding.weight": (50, 8)}, False),
    ],
)
def test_what_is_taken_for_a_table_of_tokens(shapes, is_text):
    assert is_text_state({name: torch.ones(shape) for name, shape in shapes.items()}) is is_text


@pytest.mark.parametrize(
    ("shapes", "found"),
    [
        ({"fc.weight": (3, 24), "fc.bias": (3,)}, "24 inputs of fc behind an embedding of width 8"),
        ({"c.weight": (4, 8, 3), "fc.weight": (3, 5)}, "5 inputs of fc behind convolutions of 4 filters"),
        (
            {"c.weight": (4, 8, 3), "d.weight": (4, 4, 3)},
            r"d.weight of shape \(4, 4, 3\), which does not read the 8 of",
        ),
        (
            {"c.weight": (4, 8, 3), "two.weight": (50, 8), "fc.weight": (3, 4)},
            "expected .*(whose|whose shapes|attention)",
        ),
        ({"c.weight": (4, 8, 3), "c.bias": (5,), "fc.weight": (3, 4)}, r"a bias of shape \(5,\) beside c.weight"),
        (
            {"n.running_mean": (8,), "n.running_var": (7,), "fc.weight": (3, 8)},
            r"a norm whose numbers do not go together \(n\)",
        ),
        ({"c.weight": (4, 1, 3, 8), "c.bias": (), "fc.weight": (3, 4)}, r"a bias of shape \(\) beside c.weight"),
        ({"c.weight": (4, 8, 3), "scale": (1,)}, "scale beside embedding.weight"),
    ],
)
def test_other_tensors_are_refused_in_one_line(tmp_path, shapes, found):
    state = {name: torch.ones(shape) for name, shape in {"embedding.weight": (50, 8), **shapes}.items()}
    with pytest.raises(CheckpointError, match=found) as refused:
        opened(tmp_path, state)
    assert "\n" not in str(refused.value)


def test_data_and_options_that_are_not_the_networks_are_refused_in_one_line(tmp_path):
    network, data, _ = made("bag")
    with pytest.raises(DataError, match="tokens, whole numbers from 0 to 59"):
        opened(tmp_path, network, (data["x"] + 5, data["y"]))
    with pytest.raises(UsageError, match="found a network that reads tokens"):
        opened(tmp_path, network, data, scaling="x/255")
