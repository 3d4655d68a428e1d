import numpy as np
import pytest

from interp.analysis.outputs.narrow import MOST_COUNTED, WIDTH, count_true, reduced
from interp.analysis.outputs.sums import ACTIVE, OutputSums

SHAPES = [(1, 1), (2, 3), (8192, 6), (8191, 16), (900, 64), (5000, 120), (700, WIDTH - 1)]
SHAPES += [(3 * MOST_COUNTED + 1, WIDTH + 1)]


@pytest.mark.parametrize("shape", SHAPES)
def test_range_and_counts_are_numpys(shape):
    block = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    np.testing.assert_array_equal(reduced(np.minimum, block), block.min(axis=0))
    np.testing.assert_array_equal(reduced(np.maximum, block), block.max(axis=0))
    for flags in (block > 0, block > 9, block < 9):  # all are counted of the last: more than a byte holds
        np.testing.assert_array_equal(count_true(flags), flags.sum(axis=0))


def test_tables_that_do_not_lie_in_one_piece_are_reduced_too():
    block = np.random.default_rng(1).normal(size=(40, 900)).T
    assert not block.flags.c_contiguous
    np.testing.assert_array_equal(reduced(np.maximum, block[::2]), block[::2].max(axis=0))
    np.testing.assert_array_equal(count_true(block[::2] > 0), (block[::2] > 0).sum(axis=0))


@pytest.mark.parametrize("function", [np.minimum, np.maximum])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_sign_of_a_zero_is_numpys(shape, dtype, function):
    """Which of 0.0 and -0.0 is the larger hangs on the order of the rows, and on the processor."""
    rng = np.random.default_rng(3)
    sign = 1 if function is np.minimum else -1
    block = (sign * rng.choice([0.0, 1.0], shape, p=[0.05, 0.95])).astype(dtype)
    block[block == 0] *= rng.choice([-1, 1], (block == 0).sum())
    assert reduced(function, block).tobytes() == function.reduce(block, axis=0).tobytes()
    block[rng.random(shape) < 0.02] = np.nan
    block[rng.random(shape) < 0.02] = -np.nan
    assert reduced(function, block).tobytes() == function.reduce(block, axis=0).tobytes()


@pytest.mark.parametrize("below", [0.0, -ACTIVE, -2 * ACTIVE, -1.0, np.nan])
def test_nodes_are_active_by_the_absolute_value_whatever_their_least_output_is(below):
    block = np.abs(np.random.default_rng(2).normal(size=(600, 3))).astype(np.float32)
    block[::2] = 0
    block[5], block[7, 1] = below, -3.0  # beside a NaN, which is not active, a node has others that are
    found = OutputSums.of(block)
    np.testing.assert_array_equal(found.active, (np.abs(block) > ACTIVE).sum(axis=0))
    np.testing.assert_array_equal(found.low, block.min(axis=0))
