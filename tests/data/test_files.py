"""Tables and arrays from files: which column is the target, and what is refused."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from interp.data import DataOptions, load_dataset
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


# --------------------------------------------------------------------------- hostile files


def test_a_header_alone_is_refused(table):
    with pytest.raises(DataError, match="no rows below the header"):
        load_dataset(table("a,b,label\n"))


def test_an_archive_that_unpacks_to_far_more_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros((14_000_000, 1)), y=np.zeros(3))
    with pytest.raises(DataError, match="a zip that unpacks to 112,000,"):
        load_dataset(str(tmp_path / "x.npz"))


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [("x", b"no array", "'x', which is no array"), ("x.npy", b"\x93NUMPY\x01\x00", "reading array header")],
)
def test_members_that_are_no_arrays_are_refused(name, content, found, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr(name, content)
    with pytest.raises(DataError, match=found):
        load_dataset(str(tmp_path / "x.npz"))


def test_an_array_of_objects_is_not_unpickled(tmp_path):
    np.savez(tmp_path / "x.npz", x=np.array([Path("x")], dtype=object))
    with pytest.raises(
        DataError, match=r"Object arrays cannot be loaded.*words, which tables hold .* y\.astype\(str\)"
    ):
        load_dataset(str(tmp_path / "x.npz"))


def test_tensors_that_claim_more_than_is_stored_are_left_out(tmp_path):
    for claimed in (torch.ones(1).expand(10_000_000, 100_000), torch.ones(3, 1).expand(3, 2)):
        torch.save({"x": claimed, "y": torch.zeros(3)}, tmp_path / "x.pt")
        with pytest.raises(DataError, match="found arrays y; expected x_train"):
            load_dataset(str(tmp_path / "x.pt"))


def idx(array):
    lengths = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return bytes((0, 0, 8, array.ndim)) + lengths + array.astype(np.uint8).tobytes()


def mnist_files(folder, images=30, labels=30):
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for stem in ("train", "t10k"):
        (raw / f"{stem}-images-idx3-ubyte").write_bytes(idx(np.arange(images * 6).reshape(-1, 2, 3)))
        (raw / f"{stem}-labels-idx1-ubyte").write_bytes(idx(np.arange(labels) % 10))
    return raw


def load_mnist(folder):
    return load_dataset("mnist", DataOptions(str(folder), offline=True))


def test_files_of_mnist(tmp_path):
    mnist_files(tmp_path)
    data = load_mnist(tmp_path)
    assert (data.image_shape, data.train.inputs.shape) == ((1, 2, 3), (30, 6))
    assert data.train.inputs[1].tolist() == [6, 7, 8, 9, 10, 11]
    assert data.splits["test"].labels[:3].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "does not begin as an array of bytes"),
        (bytes((0, 0, 8, 3)) + b"\xff" * 12, r"declares \[4294967295, 4294967295, 4294967295\] in 16 bytes"),
        (idx(np.zeros((30, 2, 3)))[:-1], r"declares \[30, 2, 3\] in 195 bytes"),
        (bytes((0, 0, 13, 3)) + bytes(12), "does not begin"),
        (idx(np.zeros((29, 2, 3))), r"images \(29, 2, 3\) and labels \(30,\)"),
    ],
)
def test_damaged_files_of_mnist(content, found, tmp_path):
    raw = mnist_files(tmp_path)
    (raw / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(DataError, match=rf"no readable MNIST \(.*{found}"):
        load_mnist(tmp_path)


def test_labels_of_mnist_end_at_9(tmp_path):
    raw = mnist_files(tmp_path)
    (raw / "t10k-labels-idx1-ubyte").write_bytes(idx(np.arange(30) % 11))
    with pytest.raises(DataError, match=r"no readable MNIST \(.*labels beyond 9"):
        load_mnist(tmp_path)
