import numpy as np
import pytest

from interp.analysis.outputs.outputs import output_statistics
from interp.analysis.outputs.sums import ACTIVE

ROWS = np.random.default_rng(0).normal(size=(1000, 7)).astype(np.float32)
ROWS[ROWS < -0.5] = 0


@pytest.mark.parametrize("size", [1, 64, 999, 1000])
def test_statistics_of_blocks_are_numpys_of_all_rows(size):
    found = output_statistics(ROWS[start : start + size] for start in range(0, len(ROWS), size))
    np.testing.assert_array_equal(found.low, ROWS.min(axis=0))
    np.testing.assert_array_equal(found.high, ROWS.max(axis=0))
    assert found.low.dtype == found.high.dtype == np.float32  # levels are taken in the precision of the outputs
    np.testing.assert_allclose(found.mean, ROWS.astype(float).mean(axis=0), rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(found.active_share, (np.abs(ROWS) > ACTIVE).mean(axis=0))


def test_a_value_that_is_no_number_leaves_its_node_without_range():
    spoiled = ROWS.copy()
    spoiled[500, 3] = np.nan
    found = output_statistics([spoiled[:400], spoiled[400:]])
    for values in (found.low, found.high, found.mean):
        assert np.flatnonzero(np.isnan(values)).tolist() == [3]
