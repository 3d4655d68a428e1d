"""Negatives of images: white less each value."""

from dataclasses import replace

import numpy as np
import pytest

from interp.data import load_dataset
from interp.data.images.negatives import negatives, white_of

DIGITS = load_dataset("digits")


def holding(inputs):
    """Digits with other inputs in training."""
    return replace(DIGITS, splits={"train": replace(DIGITS.train, inputs=inputs)})


@pytest.mark.parametrize(
    ("inputs", "white"),
    [
        (DIGITS.train.inputs, 16),
        (DIGITS.train.inputs * np.uint8(10), 255),
        (DIGITS.train.inputs / np.float32(16), 1),
        (DIGITS.train.inputs / np.float32(16) - 1, None),
        (np.zeros_like(DIGITS.train.inputs), None),
    ],
)
def test_white(inputs, white):
    assert white_of(holding(inputs)) == white


def test_rows_of_a_table_have_no_white():
    assert white_of(replace(DIGITS, image_shape=None)) is None


def test_negatives_twice_are_the_images():
    once = negatives(DIGITS, 16)
    assert once.train.inputs.dtype == DIGITS.train.inputs.dtype
    assert (once.train.inputs.astype(int) + DIGITS.train.inputs == 16).all()
    for name, split in negatives(once, 16).splits.items():
        np.testing.assert_array_equal(split.inputs, DIGITS.splits[name].inputs)
