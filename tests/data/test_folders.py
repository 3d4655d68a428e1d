"""Arrays and images in folders: what belongs together, and which axis holds the channels."""

import numpy as np
import pytest
from PIL import Image, ImageFile

from interp.data import DataOptions, load_dataset
from interp.data.sources.image_files import stacked
from interp.errors import DataError, UsageError

RNG = np.random.default_rng(0)
X, Y = RNG.random((6, 4)), np.array([0, 1, 2, 0, 1, 2])


def test_channels_last_are_turned_and_said():
    images = RNG.integers(0, 256, (5, 8, 6, 3)).astype(np.uint8)
    found = load_dataset((images, Y[:5]))
    assert found.image_shape == (3, 8, 6)
    np.testing.assert_array_equal(found.train.inputs.reshape(5, 3, 8, 6), images.transpose(0, 3, 1, 2))
    assert found.facts["channels"].value == "last"
    first = load_dataset((images.transpose(0, 3, 1, 2), Y[:5]))
    assert (first.digest, dict(first.facts)) == (found.digest, {})


@pytest.mark.parametrize("shape", [(64, 3, 3), (512, 1, 1), (3, 8, 3), (100, 4, 3)])
def test_maps_of_features_are_no_images_with_their_channels_last(shape):
    values = RNG.random((2, *shape))
    found = load_dataset(values)
    assert "channels" not in found.facts
    np.testing.assert_array_equal(found.train.inputs, values.reshape(2, -1))


def test_labels_in_words(tmp_path):
    words = np.array(["dog", "cat", "owl"])
    for kind in ("U", "S", "O"):
        found = load_dataset({"x": X, "y": words[Y].astype(kind), "x_test": X[:2], "y_test": words[Y[:2]].astype(kind)})
        assert found.classes == ("cat", "dog", "owl")
        assert found.train.labels.tolist() == [1, 0, 2, 1, 0, 2]
        assert found.splits["test"].labels.tolist() == [1, 0]
        assert found.facts["classes"].value == "in alphabetical order"
    np.savez(tmp_path / "x.npz", x=X, y=np.array(["10", "2", "0"])[Y])
    assert load_dataset(str(tmp_path / "x.npz")).train.labels.tolist() == [10, 2, 0, 10, 2, 0]


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("mine-X-train", "mine-y-train", "mine-X-val", "mine-y-val"),
        ("x_training", "y_training", "x_dev", "y_dev"),
    ],
)
def test_arrays_that_are_named_after_each_other(tmp_path, names):
    arrays = (X, Y, X[:2], Y[:2])
    for name, array in zip(names, arrays, strict=True):
        np.save(tmp_path / f"{name}.npy", array)
    one = ",".join(str(tmp_path / f"{name}.npy") for name in names)
    for spec in (tmp_path, tmp_path / f"{names[0]}.npy", one):
        found = load_dataset(spec)
        assert found.train.labels.tolist() == Y.tolist()
        assert found.splits["test"].inputs.tolist() == X[:2].tolist()


@pytest.mark.parametrize("other", ["dev", "valid", "validation", "val"])
def test_a_test_split_stands_before_one_for_validation(tmp_path, other):
    for split, value in (("train", 1), (other, 2), ("test", 3)):
        np.save(tmp_path / f"x_{split}.npy", np.full((2, 4), value))
        (tmp_path / "tables").mkdir(exist_ok=True)
        (tmp_path / "tables" / f"{split}.csv").write_text(f"a,label\n{value},0\n{value},1\n")
    for folder in (tmp_path, tmp_path / "tables"):
        assert load_dataset(folder).splits["test"].inputs.min() == 3


def test_a_split_without_images_is_refused(tmp_path):
    save_images(tmp_path)
    (tmp_path / "test").mkdir()
    with pytest.raises(DataError, match="no folder of images; expected one for each class"):
        load_dataset(tmp_path)


def test_pairs_of_arrays(tmp_path):
    np.save(tmp_path / "a.npy", X)
    np.save(tmp_path / "b.npy", Y)
    assert load_dataset(f"{tmp_path / 'a.npy'},{tmp_path / 'b.npy'}").train.labels.tolist() == Y.tolist()
    assert load_dataset(tmp_path / "a.npy").train.labels is None
    with pytest.raises(DataError, match=r"arrays a.npy, b.npy; expected x_train.npy"):
        load_dataset(tmp_path)


def save_images(folder, side=(8, 8), mode="RGB"):
    for split in ("train", "val"):
        for label, name in enumerate(("owl", "cat")):
            (folder / split / name).mkdir(parents=True)
            for place in range(2):
                Image.new(mode, side, 40 * label + place).save(folder / split / name / f"{place}.png")


def test_folders_of_images_a_class(tmp_path):
    save_images(tmp_path)
    found = load_dataset(tmp_path)
    assert (found.classes, found.image_shape, found.train.inputs.dtype) == (("cat", "owl"), (3, 8, 8), np.uint8)
    assert found.train.labels.tolist() == [0, 0, 1, 1]
    assert found.train.inputs[:, 0].tolist() == [40, 41, 0, 1]
    assert set(found.splits) == {"train", "test"}
    assert load_dataset(tmp_path / "train").train.labels.tolist() == [0, 0, 1, 1]


def test_images_of_several_sizes_are_asked_about(tmp_path):
    save_images(tmp_path, mode="L")
    Image.new("L", (12, 10), 7).save(tmp_path / "train" / "cat" / "1.png")
    with pytest.raises(DataError, match=r"images of 2 sizes \(8x8, 12x10\); .* --image-size"):
        load_dataset(tmp_path)
    found = load_dataset(tmp_path, DataOptions(image_size=6))
    assert found.image_shape == (1, 6, 6)
    assert (found.train.inputs[1] == 7).all()
    assert found.facts["image_size"].value == "6x6"


def test_images_of_several_sizes_are_not_decoded(tmp_path, monkeypatch):
    """A header of a few bytes may say millions of rows."""
    save_images(tmp_path, mode="L")
    Image.new("L", (12, 10), 7).save(tmp_path / "train" / "cat" / "1.png")
    decoded, load = [], ImageFile.ImageFile.load
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: decoded.append(image.size) or load(image))
    with pytest.raises(DataError, match="images of 2 sizes"):
        load_dataset(tmp_path)
    assert set(decoded) == {(8, 8)}


def test_what_is_no_image_is_refused(tmp_path):
    save_images(tmp_path)
    (tmp_path / "train" / "cat" / "2.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"2.png: found an image that cannot be read"):
        load_dataset(tmp_path)


def test_what_is_no_image_is_named_not_shown():
    with pytest.raises(DataError, match=r"^mine: found an image that cannot be read"):
        stacked("mine", [b"no image" * 1000], None)


def test_an_image_whose_mark_is_longer_than_the_file_is_read_without_a_word(tmp_path):
    save_images(tmp_path)
    path = tmp_path / "train" / "cat" / "0.tif"
    Image.new("RGB", (8, 8), "red").save(path)
    before, mark, behind = path.read_bytes().partition(b"\x1c\x01\x03\x00")  # how channels lie, in two bytes
    path.write_bytes(before + mark + (10**5).to_bytes(4, "little") + behind[4:])
    with pytest.warns(UserWarning, match="Tag data larger than file"):
        Image.open(path).load()
    assert load_dataset(tmp_path).train.inputs[1].reshape(3, 64)[:, 0].tolist() == [255, 0, 0]


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(DataError, match="a folder without data that are known"):
        load_dataset(tmp_path)


def test_data_sets_of_torchvision_by_name(tmp_path):
    from data.test_files import idx

    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for stem in ("train", "t10k"):
        (raw / f"{stem}-images-idx3-ubyte").write_bytes(idx(np.arange(10 * 16).reshape(10, 4, 4)))
        (raw / f"{stem}-labels-idx1-ubyte").write_bytes(idx(np.arange(10)))
    options = DataOptions(str(tmp_path), offline=True)
    found = load_dataset("torchvision:fashion-mnist", options)
    assert (found.image_shape, found.classes[1], len(found.splits["test"])) == ((1, 4, 4), "Trouser", 10)
    assert found.train.inputs[1].tolist() == list(range(16, 32))
    with pytest.raises(DataError, match=r"no readable CIFAR10 .*--data-root"):
        load_dataset("torchvision:CIFAR10", options)
    with pytest.raises(UsageError, match="did you mean CIFAR10"):
        load_dataset("torchvision:CIFAR11", options)


def npy(header, values=b""):
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + values


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 6)}"), "24,000,000,000,000 bytes in a"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}", bytes(15)), "an array of 16 bytes"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2"), "no description of one"),
        (npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"), "Object arrays"),
        (b"", "No data left"),
    ],
)
def test_arrays_that_are_not_what_they_declare(content, found, tmp_path):
    (tmp_path / "x_train.npy").write_bytes(content)
    with pytest.raises(DataError, match=found):
        load_dataset(tmp_path / "x_train.npy")


def test_a_folder_in_place_of_a_file(tmp_path):
    (tmp_path / "x_train.npy").mkdir()
    with pytest.raises(DataError, match="found a folder; expected a data file"):
        load_dataset(f"{tmp_path / 'x_train.npy'},{tmp_path / 'y.npy'}")
