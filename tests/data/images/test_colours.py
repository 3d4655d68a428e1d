"""Images in one channel or in three."""

import numpy as np
import pytest
from PIL import Image

from interp.data import load_dataset, stream
from interp.data.images.colours import first_channel, has_equal_channels, luminance, recoloured, repeated
from interp.streams import RowsOnDisk, rows

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (300, 1, 4, 5)).astype(np.uint8)
COLOURS = RNG.integers(0, 256, (300, 3, 4, 5)).astype(np.uint8)


def test_luminance_is_pillows():
    """Of every level of each colour, and of many mixtures."""
    levels = np.zeros((3, 256, 3), np.uint8)
    levels[[0, 1, 2], :, [0, 1, 2]] = np.arange(256)
    for image in (levels, RNG.integers(0, 256, (256, 256, 3)).astype(np.uint8)):
        wanted = np.asarray(Image.fromarray(image).convert("L"))
        np.testing.assert_array_equal(luminance(image.transpose(2, 0, 1)[None])[0, 0], wanted)


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.uint16, np.float32, np.float64])
def test_grey_stays_the_grey_that_it_is(kind):
    grey = GREY.astype(kind) / kind(255) if np.dtype(kind).kind == "f" else GREY.astype(kind)
    back = luminance(repeated(grey))
    assert back.dtype == kind
    np.testing.assert_allclose(back, grey, rtol=0, atol=4 * np.finfo(kind).eps if np.dtype(kind).kind == "f" else 0)
    np.testing.assert_array_equal(first_channel(repeated(grey)), grey)


def test_luminance_of_fractions_is_that_of_bytes_but_for_rounding():
    found = luminance(COLOURS / np.float64(255))
    assert np.abs(255 * found - luminance(COLOURS)).max() <= 0.5 + 1e-9


def test_luminance_takes_images_some_at_a_time(monkeypatch):
    whole = luminance(COLOURS)
    monkeypatch.setattr("interp.data.images.colours.IMAGES_A_BLOCK", 7)
    np.testing.assert_array_equal(luminance(COLOURS), whole)


def test_one_value_of_one_image_tells():
    """Of the test split too, in the last of several blocks."""
    labels = np.zeros(300, np.int64)
    same = repeated(GREY)
    other = same.copy()
    other[-1, 2, 3, 4] ^= 1
    given = {"x_train": same, "y_train": labels, "x_test": same, "y_test": labels}
    assert has_equal_channels(load_dataset(given))
    assert not has_equal_channels(load_dataset({**given, "x_test": other}))
    assert not has_equal_channels(load_dataset({**given, "x_train": other}))


@pytest.mark.parametrize(("recolour", "images"), [(first_channel, COLOURS), (luminance, COLOURS), (repeated, GREY)])
def test_images_on_disk_become_what_those_in_memory_do(recolour, images, monkeypatch):
    monkeypatch.setattr(rows, "BLOCK_BYTES", 1000)
    labels = np.zeros(300, np.int64)
    found, wanted = (recoloured(load_dataset(one), recolour) for one in (stream((images, labels)), (images, labels)))
    assert isinstance(found.train.inputs, RowsOnDisk)
    np.testing.assert_array_equal(found.train.inputs, wanted.train.inputs)
    np.testing.assert_array_equal(wanted.train.inputs, recolour(images).reshape(300, -1))
    assert found.image_shape == wanted.image_shape == recolour(images).shape[1:]
