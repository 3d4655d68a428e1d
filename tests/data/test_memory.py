"""Data in memory: what is read, what is refused, and that it is what a file of the same arrays is."""

import random

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, RandomSampler, TensorDataset, WeightedRandomSampler
from torch.utils.data import Dataset as TorchDataset

from interp.data import DataOptions, load_dataset
from interp.errors import DataError, InterpError, UsageError

X = np.arange(24.0).reshape(6, 4)
Y = np.array([0, 1, 2, 0, 1, 2])
FRAME = pd.DataFrame(X, columns=list("abcd")).assign(kind=["p", "q", "r"] * 2)


class Rows(TorchDataset):
    """Samples of any form, one at a time."""

    def __init__(self, *items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, at):
        return self.items[at]


class Stream(IterableDataset):
    def __iter__(self):
        return iter([(torch.tensor(row), int(label)) for row, label in zip(X, Y, strict=True)])


def saved(folder, **arrays):
    np.savez(folder / "same.npz", **arrays)
    return load_dataset(str(folder / "same.npz"))


@pytest.mark.parametrize(
    "given",
    [
        (X, Y),
        (X, Y.tolist()),
        (X.tolist(), Y),
        (torch.from_numpy(X), torch.from_numpy(Y)),
        (torch.from_numpy(X).requires_grad_(), Y),
        {"x": X, "y": Y},
        {"X_train": X, "targets_train": Y},
        {"train": (X, Y)},
        {"train": {"x": X, "y": Y}},
        {"data": X, "target": Y, "frame": None, "DESCR": "as scikit-learn's"},
        TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)),
        Rows(*[(row, label) for row, label in zip(X, Y, strict=True)]),
        Rows(*[{"x": row, "labels": label} for row, label in zip(X, Y, strict=True)]),
        Stream(),
        DataLoader(TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)), batch_size=4, shuffle=True, drop_last=True),
        (pd.DataFrame(X), pd.Series(Y)),
        pd.DataFrame(X).assign(label=Y),
    ],
)
def test_the_same_data_given_in_any_way(given, tmp_path):
    found = load_dataset(given)
    assert found.digest == saved(tmp_path, x=X, y=Y).digest
    assert found.train.labels.tolist() == Y.tolist()
    assert found.classes == ("0", "1", "2")
    assert found.name.endswith("in memory")


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "longdouble", "int8", "int64", "uint64", "bool"])
def test_numbers_of_any_type(kind):
    found = load_dataset((X.astype(kind), Y.astype(kind if kind != "bool" else "uint8")))
    assert found.train.inputs.dtype == kind
    assert found.train.labels.tolist() == Y.tolist()


def test_half_precision_tensors_are_read_in_single():
    found = load_dataset((torch.from_numpy(X).bfloat16(), torch.from_numpy(Y)))
    np.testing.assert_array_equal(found.train.inputs, X.astype(np.float32))


def test_inputs_alone():
    for given in (X, torch.from_numpy(X), TensorDataset(torch.from_numpy(X)), {"x": X}, Rows(*X)):
        found = load_dataset(given)
        assert (found.train.labels, found.train.targets, found.classes) == (None, None, ())


def test_images_keep_their_shape():
    images = torch.zeros(3, 1, 4, 5)
    for given in ((images, [0, 1, 0]), TensorDataset(images, torch.tensor([0, 1, 0]))):
        assert load_dataset(given).image_shape == (1, 4, 5)


@pytest.mark.parametrize(
    "given",
    [
        ((X, X[:, :1]), Y),
        ({"input0": X, "input1": X[:, :1]}, Y),
        {"input0": X, "input1": X[:, :1], "y": Y},
        TensorDataset(*map(torch.from_numpy, (X, X[:, :1], Y))),
        Rows(*[((row, row[:1]), label) for row, label in zip(X, Y, strict=True)]),
        Rows(*[({"input0": row, "input1": row[:1]}, label) for row, label in zip(X, Y, strict=True)]),
    ],
)
def test_several_inputs(given, tmp_path):
    found = load_dataset(given)
    assert [(part.name, part.shape) for part in found.parts] == [("input0", (4,)), ("input1", (1,))]
    assert found.digest == saved(tmp_path, input0=X, input1=X[:, :1], y=Y).digest


def test_splits(tmp_path):
    for test in ((X[4:], Y[4:]), DataLoader(TensorDataset(*map(torch.from_numpy, (X[4:], Y[4:]))))):
        found = load_dataset({"train": (X[:4], Y[:4]), "test": test})
        assert found.digest == saved(tmp_path, x_train=X[:4], y_train=Y[:4], x_test=X[4:], y_test=Y[4:]).digest


def test_tables(tmp_path):
    FRAME.to_csv(tmp_path / "same.csv", index=False)
    whole, file = load_dataset(FRAME), load_dataset(str(tmp_path / "same.csv"))
    assert (whole.digest, whole.features, whole.classes) == (file.digest, tuple("abcd"), ("p", "q", "r"))
    by_name = load_dataset(FRAME[["kind", *"abcd"]], DataOptions(target="kind"))
    apart = load_dataset((FRAME[list("abcd")], FRAME["kind"]))
    assert by_name.digest == apart.digest == whole.digest
    assert apart.classes == ("p", "q", "r")


def test_names_of_classes_and_columns():
    found = load_dataset({"x": X, "y": Y, "target_names": ["p", "q", "r"], "feature_names": np.array(list("abcd"))})
    assert (found.classes, found.features) == (("p", "q", "r"), tuple("abcd"))


# --------------------------------------------------------------------------- refused


class Odd:
    """Nothing that numpy can read."""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((X[:, 0], Y), r"arrays in memory \(train\): found inputs of shape \(6,\)"),
        ((X[:0], Y[:0]), r"found inputs of shape \(0, 4\)"),
        (([], []), r"found inputs of shape \(0,\)"),
        ((X.astype(object), Y), "type object; expected numbers, one row a sample"),
        ((X.astype(complex), Y), "type complex128"),
        ((np.full((6, 4), np.nan), Y), "not finite in 32 bits in row 0"),
        ((X * 1e300, Y), "not finite in 32 bits in row 0"),
        ((X, Y[:5]), "found 5 labels; expected 6, one an input"),
        ((X, np.full(6, np.nan)), "no label in row 0"),
        ((X, Y.astype(object)), "labels of type object"),
        ((X, 3), "labels 3; expected 6"),
        ((X, np.zeros((6, 0))), "labels of shape"),
        (([[1, 2], [3]], [0, 1]), "x: found rows that differ in length"),
        ((X, [[1], [1, 2], [1], [1], [1], [1]]), "y: found rows that differ in length"),
        ((torch.eye(6).to_sparse(), Y), "expected numbers of one shape"),
        ((Odd(), Y), "type object"),
        ((X,), "found a tuple of 1; expected"),
        ((X, Y, X, Y), "found a tuple of 4; expected"),
        ([X, Y], "found a list; expected a name, a path"),
        (None, "found a NoneType; expected a name"),
        (3, "found a int; expected"),
        ({}, "found arrays none"),
        ({"x_test": X}, "found arrays x_test; expected x_train"),
        ({"train": "digits"}, "data that have splits of their own"),
        ({"train": {"x_train": X}}, "data that have splits of their own"),
        ({"train": (X, Y), "test": (X[:, :2], Y)}, r"inputs of \[2, 4\] values"),
        ({"x": X, "y": Y, "target_names": ["p"]}, "1 target_names and labels up to 2"),
        ({"x": X, "y": Y, "target_names": "pqr"}, "target_names 'pqr'; expected a list"),
        ({"x": X, "feature_names": ["a"]}, "1 feature_names of 4 columns"),
        (FRAME.head(0), "no rows below the header"),
        (FRAME.replace(5.0, np.nan), "no value in column 'b' of row 2"),
        (FRAME[["a", "a"]], "several columns 'a'"),
        (FRAME.assign(when=pd.Timestamp("2020-01-01"), y=Y).drop(columns="kind"), "of type datetime64.* in column"),
        (TensorDataset(), "found arrays none"),
        (Rows(), "DataLoader: found no samples"),
        (Rows((X[0], 0), (X[0, :2], 1)), "samples that cannot be read"),
        (Rows((Odd(), 0)), "samples that cannot be read"),
        (DataLoader(Rows(*X), batch_size=None), r"inputs of shape \(24,\)"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(given, message):
    with pytest.raises(InterpError, match=message) as refused:
        load_dataset(given)
    assert "\n" not in str(refused.value)


def test_a_wrong_column_is_answered_with_the_close_ones():
    with pytest.raises(UsageError, match="did you mean kind"):
        load_dataset(FRAME, DataOptions(target="knd"))


def test_a_data_set_that_fails_names_its_fault():
    class Failing(Rows):
        def __getitem__(self, at):
            raise ZeroDivisionError

    with pytest.raises(DataError, match="found samples that cannot be read: ZeroDivisionError"):
        load_dataset(Failing(0))


# --------------------------------------------------------------------------- random draws


def states(*generators):
    own = [generator.get_state().tolist() for generator in generators]
    return [torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate(), *own]  # noqa: NPY002


class Augmented(Rows):
    def __getitem__(self, at):
        row, label = self.items[at]
        return row + torch.rand(4).numpy() + np.random.rand(4) + random.random(), label  # noqa: NPY002


@pytest.mark.parametrize("kind", ["shuffled", "weighted", "with replacement"])
def test_what_is_drawn_is_the_same_every_time_and_leaves_the_generators_alone(kind):
    dataset = Augmented(*zip(X, Y, strict=True))
    mine = torch.Generator().manual_seed(3)
    samplers = {
        "weighted": WeightedRandomSampler([1.0] * 6, 6, generator=mine),
        "with replacement": RandomSampler(dataset, replacement=True, generator=mine),
    }
    how = {"shuffle": True} if kind == "shuffled" else {"sampler": samplers[kind]}
    loader = DataLoader(dataset, batch_size=4, generator=mine, **how)
    before = states(mine)
    first = load_dataset(loader)
    assert states(mine) == before
    torch.manual_seed(99)
    assert load_dataset(loader).digest == first.digest
    if kind == "shuffled":
        assert first.train.labels.tolist() == Y.tolist()


def test_generators_are_put_back_when_reading_fails():
    before = states()
    with pytest.raises(DataError):
        load_dataset(Augmented((X[0], 0), (X[0], "a"), (X[0], None)))
    assert states() == before
