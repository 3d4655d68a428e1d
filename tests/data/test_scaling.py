"""Usual scalings of inputs, and those that a user writes."""

import numpy as np
import pytest

from interp.data import parse_scaling, scalings
from interp.data.scale import usual as scaling
from interp.data.scale.by_channel import channel_scaling
from interp.errors import UsageError
from interp.types import Dataset, Split

BYTES = np.array([[0, 51, 102, 255], [51, 51, 153, 204]], np.uint8)
ROWS = BYTES / 255


MNIST = "(x/255-0.1307)/0.3081"


def given(inputs, image_shape=None):
    return Dataset("drawn", {"train": Split(inputs, None)}, image_shape, (), (), "d" * 64)


def test_images_of_bytes_are_divided_by_255_and_centred_by_their_own_moments_or_at_a_half():
    found = scalings(given(BYTES, (1, 2, 2)))
    own = f"(x/255-{ROWS.mean():.4g})/{ROWS.std():.4g}"
    assert list(found) == ["raw", "x/255", own, "(x/255-0.5)/0.5", MNIST]
    np.testing.assert_allclose(found["x/255"](BYTES), ROWS, rtol=1e-6)
    np.testing.assert_allclose(found["(x/255-0.5)/0.5"](BYTES), 2 * ROWS - 1, rtol=1e-6, atol=1e-6)


def test_grey_images_are_tried_with_the_numbers_of_mnist_unless_their_own_are_nearly_these():
    """As programs for images like these have kept them; images of few shades, such as scikit-learn's digits, do not."""
    for inputs, named in ((BYTES, MNIST), (ROWS, "(x-0.1307)/0.3081"), (BYTES // 16, None), (ROWS - 0.5, None)):
        published = [name for name in scalings(given(inputs, (1, 2, 2))) if "0.1307" in name]
        assert published == ([] if named is None else [named])
    np.testing.assert_allclose(scalings(given(BYTES, (1, 2, 2)))[MNIST](BYTES), (ROWS - 0.1307) / 0.3081, rtol=1e-5)
    assert MNIST not in scalings(given(np.tile(BYTES, (1, 3)), (3, 2, 2)))
    alike = np.repeat(np.array([[220]] * 152 + [[0]] * 848, np.uint8), 4, axis=1)
    assert np.allclose([alike.mean() / 255, alike.std() / 255], [0.1307, 0.3081], atol=0.003)
    assert MNIST not in scalings(given(alike, (1, 2, 2)))


def test_columns_of_a_table_are_standardised_each_and_none_is_divided_that_has_negative_values():
    table = np.array([[-1.0, 10.0], [3.0, 30.0]])
    found = scalings(given(table))
    assert list(found) == ["raw", "(x-mean)/std"]
    np.testing.assert_allclose(found["(x-mean)/std"](table), [[-1, -1], [1, 1]], rtol=1e-6)


def test_columns_of_categories_may_be_left_as_they_are_beside_standardised_numbers():
    """As scikit-learn's ColumnTransformer and most scripts have it: numbers scaled, one-hot columns not."""
    table = np.array([[20.0, 0.0, 1.0], [40.0, 1.0, 0.0], [20.0, 1.0, 0.0], [40.0, 1.0, 1.0]])
    found = scalings(given(table))
    assert list(found) == ["raw", "x/40", "(x-mean)/std", "(x-mean)/std but 0/1"]
    expected = np.column_stack([[-1, 1, -1, 1], table[:, 1:]])
    for one in (found["(x-mean)/std but 0/1"], parse_scaling("(x-mean)/std but 0/1", given(table))):
        np.testing.assert_allclose(one(table), expected, rtol=1e-6)
        np.testing.assert_allclose(one.undone(one(table)), table, rtol=1e-6)
    assert list(scalings(given(table[:, 1:]))) == ["raw", "(x-mean)/std"]
    with pytest.raises(UsageError, match="expected raw, x/A"):
        parse_scaling("(x-mean)/std but 0/1", None)


def test_columns_of_one_value_are_no_categories():
    """As the corners of flat pictures are: left as they are they would give a second name to one scaling."""
    table = np.array([[20.0, 0.0], [40.0, 0.0], [20.0, 0.0]])
    assert list(scalings(given(table))) == ["raw", "x/40", "(x-mean)/std"]


@pytest.mark.parametrize(
    ("text", "of"), [("x/4", 5 / 4), ("(x/4-0.5)/2", 0.375), ("(x-1)/2", 2.0), ("(x+1)/2", 3.0), ("raw", 5.0)]
)
def test_what_is_written_is_what_is_computed(text, of):
    assert parse_scaling(text, None)(np.array([[5.0]])) == pytest.approx(of)


@pytest.mark.parametrize("mean", [-0.0002, 0.0002, 0.0, -0.0, -1e-7, -3e8])
@pytest.mark.parametrize("divisor", [1.0, 5.136862, 2e6])
def test_what_is_printed_can_be_written(mean, divisor):
    made = scaling.affine_scaling(divisor, mean, 0.2105)
    assert "--" not in made.name
    read = parse_scaling(made.name, None)
    assert read.name == made.name
    x = np.linspace(-9, 9, 7)[:, None]
    np.testing.assert_allclose(read(x), made(x), rtol=1e-5, atol=1e-6)  # names have six digits


@pytest.mark.parametrize("means", [[-0.5, 0.25, -0.0], [-1e-7, 2e6, 1]])
def test_what_is_printed_of_channels_can_be_written(means):
    made = channel_scaling(2, means, [0.5, 1, 2], 4)
    assert "--" not in made.name
    assert "-0," not in made.name
    assert "-0]" not in made.name
    read = parse_scaling(made.name, given(COLOURS, (3, 2, 2)))
    assert read.name == made.name
    np.testing.assert_allclose(read(COLOURS), made(COLOURS), rtol=1e-6)


def test_signals_around_zero_get_a_scaling_that_can_be_written():
    signals = np.random.default_rng(1).normal(-0.01, 1, (40, 12))
    found = scalings(given(signals, (1, 3, 4)))
    assert all(parse_scaling(name, None).name == name for name in found)
    assert any("+" in name for name in found)


@pytest.mark.parametrize("text", ["x/0", "(x/0-1)/2", "(x/2-1)/0", "x/1e999", "x/1.2.3", "(x-mean)/std", "255"])
def test_what_divides_by_nothing_or_by_what_is_not_known_is_refused(text):
    with pytest.raises(UsageError, match="expected raw, x/A"):
        parse_scaling(text, None)


def test_bytes_are_counted_as_sorting_counts_them(monkeypatch):
    monkeypatch.setattr(scaling, "COUNTED", 100)
    images = np.random.default_rng(0).integers(3, 250, (20, 33)).astype(np.uint8)
    for found, wanted in zip(scaling._counted(images), np.unique(images, return_counts=True), strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert scaling._overall_moments(images, 255) == scaling._overall_moments(images.astype(np.int64), 255)


COLOURS = np.random.default_rng(0).integers(0, 256, (50, 12)).astype(np.uint8)


def test_colour_images_have_numbers_of_each_channel_published_ones_and_their_own():
    found = scalings(given(COLOURS, (3, 2, 2)))
    imagenet = found["(x/255-[0.485,0.456,0.406])/[0.229,0.224,0.225]"]
    channels = COLOURS.reshape(-1, 3, 4) / 255
    expected = (channels - np.array([[0.485], [0.456], [0.406]])) / np.array([[0.229], [0.224], [0.225]])
    np.testing.assert_allclose(imagenet(COLOURS), expected.reshape(-1, 12), rtol=1e-5, atol=1e-6)
    own = found[list(found)[-1]](COLOURS).reshape(-1, 3, 4)
    np.testing.assert_allclose(own.mean(axis=(0, 2)), 0, atol=1e-3)
    np.testing.assert_allclose(own.std(axis=(0, 2)), 1, atol=1e-3)


def test_of_numbers_that_are_alike_the_published_ones_stand():
    mean, std = np.array([0.4914, 0.4822, 0.4465]), np.array([0.247, 0.2435, 0.2616])
    for shift, count in ((0.0, 4), (0.001, 4), (0.02, 5)):
        images = np.stack([mean - std, mean + std]) + shift
        assert sum("[" in name for name in scalings(given(images, (3, 1, 1)))) == count


def test_numbers_of_each_channel_as_written():
    text = "(x/255 - [0.5, 0.25, 0]) / [0.5, 1, 2]"
    found = parse_scaling(text, given(COLOURS, (3, 2, 2)))
    assert found.name == "(x/255-[0.5,0.25,0])/[0.5,1,2]"
    expected = (COLOURS.reshape(-1, 3, 4) / 255 - [[0.5], [0.25], [0]]) / [[0.5], [1], [2]]
    np.testing.assert_allclose(found(COLOURS), expected.reshape(-1, 12), rtol=1e-5, atol=1e-6)
    columns = parse_scaling("(x-[1,2])/3", given(np.ones((4, 2))))
    np.testing.assert_allclose(columns(np.array([[4.0, 2.0]])), [[1, 0]])


@pytest.mark.parametrize("text", ["(x-[1,2])/[1,2,3]", "(x-[1,2])/1", "(x-[1,2,3])/[1,0,3]", "(x-[1,,3])/1"])
def test_numbers_for_other_channels_are_refused(text):
    with pytest.raises(UsageError, match="--scaling: found "):
        parse_scaling(text, given(COLOURS, (3, 2, 2)))
    with pytest.raises(UsageError, match="expected data with channels"):
        parse_scaling("(x-[1,2])/1", None)
