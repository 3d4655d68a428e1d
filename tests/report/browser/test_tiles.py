"""Vectors as tiny pictures that any reader of images reads back."""

import base64
import io

import numpy as np
from PIL import Image

from interp.report.browser.tiles import Tones, change, picture, png, smaller


def read(uri):
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def test_an_own_png_is_read_back_by_a_library():
    shades = np.random.default_rng(0).integers(0, 256, (7, 13), dtype=np.uint8)
    assert np.array_equal(np.asarray(read(png(shades))), shades)


def test_large_values_are_dark_and_small_ones_white():
    image = np.asarray(read(picture(np.array([0.0, 5.0, 10.0, 20.0]), Tones((1, 2, 2), 0.0, 10.0))))
    assert image.tolist() == [[255, 128], [0, 0]]


def test_three_channels_keep_their_colours():
    red = np.zeros((3, 8, 8))
    red[0] = 255
    pixel = np.asarray(read(picture(red.ravel(), Tones((3, 8, 8), 0.0, 255.0))))[4, 4]
    assert pixel[0] > 240
    assert pixel[1:].max() < 20


def test_weights_are_red_above_zero_and_blue_below():
    found = read(change(np.array([-2.0, 0.0, 1.0, 2.0]), (1, 2, 2)))
    colours = np.asarray(found.convert("RGB")).reshape(4, 3).astype(int)
    assert colours[0, 2] > colours[0, 0] + 50
    assert colours[3, 0] > colours[3, 2] + 50
    assert np.ptp(colours[1]) < 5


def test_large_images_are_averaged_down():
    image = np.kron(np.arange(16.0).reshape(4, 4), np.ones((32, 32)))
    small = smaller(image)
    assert small.shape == (64, 64)
    assert np.array_equal(small[::16, ::16], np.arange(16.0).reshape(4, 4))
    assert smaller(np.full((1, 500), np.nan)).shape == (1, 62)
