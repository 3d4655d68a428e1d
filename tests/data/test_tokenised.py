"""What a tokenizer writes, from files and from memory: all of it reaches a network that takes it, by name."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from interp.checkpoints import load_model, load_module
from interp.data import load_dataset
from interp.errors import DataError

RNG = np.random.default_rng(0)
LENGTHS = {"train": RNG.integers(2, 8, 30), "test": RNG.integers(2, 6, 10)}
ROWS = {split: [RNG.integers(1, 9, length).tolist() for length in lengths] for split, lengths in LENGTHS.items()}
LABELS = {split: [sum(row) % 2 for row in rows] for split, rows in ROWS.items()}


def table(split, **others):
    """A split as a tokenizer leaves it: texts and labels first, rows that are not padded."""
    rows = ROWS[split]
    return pd.DataFrame(
        {
            "text": ["words"] * len(rows),
            "labels": LABELS[split],
            "input_ids": rows,
            "token_type_ids": [[0] * len(row) for row in rows],
            "attention_mask": [[1] * len(row) for row in rows],
            **others,
        }
    )


def padded(split):
    rows = ROWS[split]
    tokens = np.zeros((len(rows), 7), np.int64)
    for place, row in enumerate(rows):
        tokens[place, : len(row)] = row
    return tokens, (tokens > 0).astype(np.int64)


class Pooling(nn.Module):
    """Reads tokens, the first or the last of its arguments, and weighs them by a mask."""

    def __init__(self):
        super().__init__()
        self.words, self.out = nn.Embedding(9, 4), nn.Linear(4, 2)

    def pooled(self, tokens, weights):
        return self.out((self.words(tokens) * weights[..., None]).sum(1))


class ByName(Pooling):
    def forward(self, attention_mask=None, input_ids=None, labels=None):
        return self.pooled(input_ids, attention_mask)


class InOrder(Pooling):
    def forward(self, tokens, kinds, mask):
        return self.pooled(tokens, mask + 0 * kinds)


class WithLengths(Pooling):
    def forward(self, tokens, lengths):
        return self.pooled(tokens, torch.arange(tokens.shape[1]) < lengths[:, None])


class Alone(Pooling):
    def forward(self, tokens):
        return self.pooled(tokens, tokens > 0)


class Saved:
    """As much of a `datasets.Dataset` as is read of one."""

    __module__ = "datasets.arrow_dataset"

    def __init__(self, frame):
        self.frame, self.features = frame, dict.fromkeys(frame.columns)

    def __len__(self):
        return len(self.frame)

    def with_format(self, _):
        return self

    def iter(self, batch_size):
        for start in range(0, len(self.frame), 8):  # rows of a batch may be as long as each other
            part = self.frame.iloc[start : start + 8]
            yield {name: part[name].to_numpy() for name in part.columns}


def of_files(tmp_path, **others):
    pytest.importorskip("pyarrow")
    for split in ROWS:
        table(split, **others).to_parquet(tmp_path / f"{split}-00000-of-00001.parquet")
    return str(tmp_path)


def of_memory(_):
    return {split: Saved(table(split)) for split in ROWS}


def of_loaders(_):
    def collate(rows):
        longest = max(len(row["input_ids"]) for row in rows)
        names = ("input_ids", "token_type_ids", "attention_mask")
        batch = {name: [row[name] + [0] * (longest - len(row[name])) for row in rows] for name in names}
        return {name: torch.tensor(values) for name, values in batch.items()} | {
            "labels": torch.tensor([row["labels"] for row in rows])
        }

    return {split: DataLoader(table(split).to_dict("records"), batch_size=4, collate_fn=collate) for split in ROWS}


@pytest.mark.parametrize("source", [of_files, of_memory, of_loaders])
@pytest.mark.parametrize("make", [ByName, InOrder, WithLengths, Alone])
def test_a_network_gets_the_arrays_that_it_takes(source, make, tmp_path):
    torch.manual_seed(0)
    module = make().eval()
    model, data = load_module(module, source(tmp_path))
    for split in ROWS:
        tokens, mask = map(torch.from_numpy, padded(split))
        found = model.module(torch.from_numpy(data.splits[split].inputs))
        torch.testing.assert_close(found, module.pooled(tokens, mask))
        assert data.splits[split].labels.tolist() == LABELS[split]


def test_what_a_network_takes_none_of_is_said(tmp_path):
    model, _ = load_module(ByName().eval(), of_files(tmp_path))
    assert model.inferred["inputs_left_out"].value == "token_type_ids"


@pytest.mark.parametrize(
    ("make", "has_padding", "said"), [(ByName, True, True), (ByName, False, False), (Alone, True, False)]
)
def test_padding_that_is_read_on_for_want_of_a_mask_is_said(make, has_padding, said):
    class Optional(make):
        def forward(self, input_ids, attention_mask=None):
            return self.pooled(input_ids, torch.ones_like(input_ids) if attention_mask is None else attention_mask)

    tokens = padded("train")[0] if has_padding else np.arange(210).reshape(30, 7) % 8 + 1
    net = Optional().eval() if make is ByName else make().eval()
    model, _ = load_module(net, {"x_train": tokens, "y_train": LABELS["train"]})
    assert ("padding" in model.inferred) == said
    if said:
        assert (model.inferred["padding"].value, model.inferred["padding"].confidence) == ("read on", "uncertain")
    masked, _ = load_module(
        net, {"input_ids_train": tokens, "attention_mask_train": tokens > 0, "y_train": LABELS["train"]}
    )
    assert "padding" not in masked.inferred


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.lstm, self.out = nn.Embedding(9, 4), nn.LSTM(4, 5, batch_first=True), nn.Linear(5, 2)


def test_a_mask_counts_the_lengths_of_sequences(tmp_path):
    torch.save(Recurrent().state_dict(), tmp_path / "net.pt")
    (tmp_path / "rows").mkdir()
    model, data = load_model(tmp_path / "net.pt", of_files(tmp_path / "rows"))
    assert data.train.lengths.tolist() == LENGTHS["train"].tolist()
    assert (model.inferred["lengths"].value, model.inferred["lengths"].confidence) == ("counted", "certain")


def test_a_network_of_one_input_refuses_them_by_their_names(tmp_path):
    torch.save({"0.weight": torch.ones(3, 7), "0.bias": torch.ones(3)}, tmp_path / "net.pt")
    (tmp_path / "rows").mkdir()
    with pytest.raises(DataError, match="found arrays input_ids, token_type_ids, attention_mask; expected x_train"):
        load_model(tmp_path / "net.pt", of_files(tmp_path / "rows"))


def test_a_mask_that_leaves_out_other_steps_counts_none():
    tokens, mask = padded("train")
    given = {"input_ids_train": tokens, "attention_mask_train": mask[:, ::-1].copy(), "y_train": LABELS["train"]}
    model, data = load_module(Alone().eval(), given)
    assert data.train.lengths is None
    assert "lengths" not in model.inferred


def test_tokens_alone_are_masked_by_their_lengths(tmp_path):
    pytest.importorskip("pyarrow")
    frame = table("train")[["input_ids", "labels"]]
    frame.to_parquet(tmp_path / "rows.parquet")
    data = load_dataset(tmp_path / "rows.parquet")
    assert [part.name for part in data.parts] == ["input_ids", "attention_mask"]
    np.testing.assert_array_equal(data.train.inputs, np.concatenate(padded("train"), axis=1))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda row: [*row, 0], "8 values of attention_mask beside 7 of input_ids in row"),
        (lambda row: [0.5] * len(row), "attention_mask with a row of shape .* and type float64"),
        (lambda row: [], r"attention_mask with a row of shape \(0,\)"),
    ],
)
def test_columns_that_do_not_fit(change, said, tmp_path):
    pytest.importorskip("pyarrow")
    rows = [[1] * 7] * 5
    frame = pd.DataFrame(
        {"input_ids": rows, "attention_mask": [change(row) for row in rows], "label": [0, 1] * 2 + [0]}
    )
    frame.to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(DataError, match=said):
        load_dataset(tmp_path / "rows.parquet")
