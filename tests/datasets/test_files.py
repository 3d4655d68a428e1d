"""Tables and arrays from files: which column is the target, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from interp.datasets import DataOptions, load_dataset
from interp.errors import DataError, UsageError

ROWS = "size,price,colour\n1,10.5,red\n2,20.5,blue\n3,31.5,red\n"


@pytest.fixture
def table(tmp_path):
    def write(content: str) -> str:
        path = tmp_path / "table.csv"
        Path(path).write_text(content)
        return str(path)

    return write


def test_last_column_is_the_target(table):
    found = load_dataset(table(ROWS))
    assert found.features == ("size", "price")
    assert found.classes == ("blue", "red")
    assert found.train.labels.tolist() == [1, 0, 1]


def test_usual_names_come_before_the_last_column(table):
    found = load_dataset(table("Target,a\n0.5,1\n1.5,2\n"))
    assert found.features == ("a",)
    assert found.train.targets.tolist() == [[0.5], [1.5]]
    assert (found.train.labels, found.classes) == (None, ())


def test_target_by_name(table):
    path = table("size,price\n1,10.5\n2,20.5\n")
    assert load_dataset(path, DataOptions(target="size")).train.labels.tolist() == [1, 2]
    whole = load_dataset(path, DataOptions(target="none"))
    assert whole.features == ("size", "price")
    assert (whole.train.labels, whole.train.targets) == (None, None)
    with pytest.raises(UsageError, match="--target: found 'prize'; expected one of none, price, size"):
        load_dataset(path, DataOptions(target="prize"))


def test_categories_are_refused(table):
    with pytest.raises(DataError, match="text in column 'colour'; expected numbers in every column but"):
        load_dataset(table(ROWS), DataOptions(target="size"))


def test_missing_values_are_refused_with_their_row(table):
    with pytest.raises(DataError, match="no value in column 'b' of row 2, one of 2 gaps"):
        load_dataset(table("a,b,label\n1,2,0\n1,,1\n,2,1\n"))


def test_splits_are_read_alike(tmp_path):
    """Read alone, the test rows would be one-hot classes, or class indices."""
    x, several = np.zeros((3, 2)), np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]])
    for train, test in ((several, np.eye(3, dtype=int)), (np.array([0.5, 1, 2]), np.array([1.0, 2, 3]))):
        np.savez(tmp_path / "data.npz", x_train=x, y_train=train, x_test=x, y_test=test)
        found = load_dataset(str(tmp_path / "data.npz"))
        assert found.splits["test"].labels is None
        np.testing.assert_array_equal(found.splits["test"].targets, test.reshape(3, -1))
        assert found.splits["test"].targets.dtype == found.train.targets.dtype


def test_rows_keep_their_targets(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.arange(6).reshape(3, 2), y=np.array([0.5, 1.5, 2.5]))
    part = load_dataset(str(tmp_path / "data.npz")).train.take(np.array([2, 0]))
    assert part.targets.tolist() == [[2.5], [0.5]]
    assert part.inputs.tolist() == [[4, 5], [0, 1]]


def test_the_digest_covers_the_targets(tmp_path):
    digests = set()
    for targets in ([0.5, 1.5], [0.5, 1.75]):
        np.savez(tmp_path / "data.npz", x=np.zeros((2, 2)), y=np.array(targets))
        digests.add(load_dataset(str(tmp_path / "data.npz")).digest)
    assert len(digests) == 2
