import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.data import DataLoader

from interp.checkpoints import load_module
from interp.data import load_dataset
from interp.data.lengths import with_counted_lengths
from interp.errors import DataError
from interp.interventions.readouts.balance import sides
from interp.recording import record_activations
from interp.recording.positions import draw_steps
from interp.store import open_recording
from interp.types import Provenance
from interp.verdict.attribution import AttributionOptions
from interp.verdict.attribution.attribute import attribute

LENGTHS = np.array([2, 5, 1, 3] * 5)


def sequences():
    rng = np.random.default_rng(0)
    x = rng.integers(1, 9, (20, 5)) * (np.arange(5) < LENGTHS[:, None])
    return x, (x.sum(1) > 12).astype(int)


def given():
    x, y = sequences()
    return {"x_train": x, "y_train": y, "lengths_train": LENGTHS, "x_test": x[:4], "y_test": y[:4],
            "lengths_test": LENGTHS[:4]}  # fmt: skip


class Packed(nn.Module):
    """Tokens, and their number: the last state of an LSTM."""

    def __init__(self):
        super().__init__()
        self.embedding, self.rnn, self.head = nn.Embedding(9, 3), nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, tokens, lengths):
        packed = pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        return self.head(self.rnn(packed)[1][0][-1])


class Plain(Packed):
    """Tokens alone, read as far as the padding goes."""

    def forward(self, tokens):
        return self.head(self.rnn(self.embedding(tokens))[0][:, -1])


@pytest.fixture(scope="module", params=[Packed, Plain])
def opened(request):
    torch.manual_seed(0)
    net = request.param().eval()
    return net, *load_module(net, given())


def test_lengths_of_a_file_go_to_the_network_and_to_statistics(tmp_path, opened):
    np.savez(tmp_path / "words.npz", **given())
    data = load_dataset(tmp_path / "words.npz")
    assert data.width == 6
    assert data.steps == 5
    np.testing.assert_array_equal(data.train.lengths, LENGTHS)
    np.testing.assert_array_equal(data.train.take(np.array([1, 2])).lengths, [5, 1])
    net, model, _ = opened
    x, _ = sequences()
    tokens = torch.from_numpy(x)
    wanted = net(tokens, torch.from_numpy(LENGTHS)) if type(net) is Packed else net(tokens)
    with torch.no_grad():
        found = model.module(torch.from_numpy(data.train.inputs).float())
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)
    assert model.inferred["input_scaling"].value == "raw"


def test_padded_steps_are_recorded_of_no_sample(tmp_path, opened):
    net, model, data = opened
    path = tmp_path / "activations.h5"
    record_activations(model, data, path, Provenance(model.digest, data.digest, 0, {}, {}))
    with open_recording(path) as recording:
        for layer in model.layers[:-1]:
            own, steps = recording.sample[layer.name], recording.position[layer.name]
            assert (steps < LENGTHS[own]).all()
            assert (np.bincount(own) == 3).all()  # the mean of the lengths, rounded
            assert set(steps[own == 3]) == {0, 1, 2}
        z = recording.z["rnn.l0.forget"][:]
        own, steps = recording.sample["rnn.l0.forget"], recording.position["rnn.l0.forget"]
    weight = torch.cat([net.rnn.weight_ih_l0, net.rnn.weight_hh_l0], 1)[4:8]
    bias = (net.rnn.bias_ih_l0 + net.rnn.bias_hh_l0)[4:8]
    first = torch.cat([net.embedding(torch.from_numpy(sequences()[0][:, 0])), torch.zeros(20, 4)], 1)
    wanted = (first @ weight.T + bias).detach().numpy()
    np.testing.assert_allclose(z[steps == 0], wanted[own[steps == 0]], atol=1e-5)


def test_steps_are_drawn_evenly_and_none_of_padding():
    lengths = np.array([1, 3, 4, 12] * 500)
    found = draw_steps(lengths, 4, [0, 1])
    assert (found < lengths[:, None]).all()
    assert (found[2::4] == np.arange(4)).all()
    shares = np.bincount(found[3::4].ravel(), minlength=12) / 2000
    np.testing.assert_allclose(shares, 1 / 12, atol=4 * np.sqrt(1 / 12 / 2000))


def test_shares_of_steps_leave_padding_out(opened):
    _, model, data = opened
    found = sides(model, model.layer("rnn.l0.output"), data.train, np.full(4, 0.5)).above
    assert np.isin((found * LENGTHS[:, None]).round(5), range(6)).all()
    assert not np.isin((found * 5).round(5), range(6)).all()


def batches(size, named):
    """Batches that are each padded to their own longest sequence."""
    x, y = sequences()

    def collate(rows):
        longest = LENGTHS[rows].max()
        parts = (torch.from_numpy(x[rows, :longest]), torch.from_numpy(LENGTHS[rows]), torch.from_numpy(y[rows]))
        return dict(zip(("x", "lengths", "y"), parts, strict=True)) if named else parts

    return DataLoader(range(20), batch_size=size, collate_fn=collate)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("size", [3, 20])
def test_batches_of_a_loader_are_padded_to_one_length(size, named):
    data = load_dataset(batches(size, named))
    np.testing.assert_array_equal(data.train.inputs[:, :5], sequences()[0])
    np.testing.assert_array_equal(data.train.lengths, LENGTHS)


@pytest.mark.parametrize(
    ("lengths", "said"),
    [
        (np.zeros(20, int), "a length of 0"),
        (np.full(20, 6), "a length of 6; expected 1 to 5 time steps"),
        (np.full(19, 5), "shape (19,)"),
        (np.full(20, 1.5), "a whole number a sequence"),
        (np.array(["a"] * 20), "type <U1"),
    ],
)
def test_other_lengths_are_refused(lengths, said):
    x, y = sequences()
    with pytest.raises(DataError) as error:
        load_dataset({"x": x, "y": y, "lengths": lengths})
    assert said in str(error.value)


def test_rows_of_tokens_without_lengths_are_taken_where_a_network_takes_no_numbers():
    x, y = sequences()
    torch.manual_seed(0)
    net = Plain().eval()
    model, data = load_module(net, (x, y))
    assert data.parts[0].whole
    assert data.steps is None
    with torch.no_grad():
        torch.testing.assert_close(
            model.module(torch.from_numpy(x).float()), net(torch.from_numpy(x)), atol=1e-5, rtol=0
        )


def test_conductance_is_left_out_where_its_path_begins_at_a_length_of_zero(opened):
    net, model, data = opened
    asked = AttributionOptions(samples=8, steps=3, repetitions=5)
    found = attribute(model, model.layer("head"), data.train, asked)
    assert np.isnan(found.conductance).all() == (type(net) is Packed)
    assert np.isfinite(found.ablation).all()


def test_lengths_are_counted_where_token_0_stands_at_the_ends_of_rows_alone():
    x, y = sequences()
    named = load_dataset(given())
    counted = with_counted_lengths(load_dataset({**given(), "lengths_train": None, "lengths_test": None}))
    for name, split in counted.splits.items():
        np.testing.assert_array_equal(split.lengths, named.splits[name].lengths)
        np.testing.assert_array_equal(split.inputs, named.splits[name].inputs)
    assert (counted.steps, counted.facts["lengths"].confidence) == (5, "likely")
    inside = x.copy()
    inside[1, 2] = 0  # of a row of five tokens
    for other in (inside, np.maximum(x, 1)):
        data = load_dataset({"x": other, "y": y})
        assert with_counted_lengths(data) is data
    assert with_counted_lengths(named) is named
    empty = with_counted_lengths(load_dataset({"x": np.vstack([x, 0 * x[:1]]), "y": np.append(y, 0)}))
    assert empty.train.lengths.min() == 1, "a sequence has one step at least"


def test_tokens_of_one_byte_have_lengths_beyond_255():
    x = np.zeros((3, 300), np.uint8)
    for row, length in enumerate((300, 290, 7)):
        x[row, :length] = 1 + row
    counted = with_counted_lengths(load_dataset({"x": x, "y": np.array([0, 1, 0])}))
    rows = np.concatenate([split.inputs[:, -1] for split in counted.splits.values()])
    lengths = np.concatenate([split.lengths for split in counted.splits.values()])
    assert sorted(rows.tolist()) == sorted(lengths.tolist()) == [7, 290, 300]


@pytest.mark.parametrize(("lengths", "confidence"), [((3, 2, 3), "likely"), ((3, 3, 3), "uncertain")])
def test_one_zero_at_the_end_of_every_row_may_be_a_token_that_ends_it(lengths, confidence):
    x = np.where(np.arange(4) < np.array(lengths)[:, None], 5, 0)
    data = with_counted_lengths(load_dataset({"x": x, "y": np.array([0, 1, 0])}))
    assert data.train.lengths.tolist() == list(lengths)
    assert data.facts["lengths"].confidence == confidence
    assert ("may be a token that ends them" in data.facts["lengths"].evidence) == (confidence == "uncertain")
