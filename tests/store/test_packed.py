"""What is packed comes back bit by bit, as HDF5 itself reads it too; what does not become smaller is left as it is."""

import h5py
import numpy as np
import pytest

from interp.store.packed import LEAST_BYTES, MOST_TIMES, packed, read_array, write_array

RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(3, (40, 200))
SMALLER = {
    "counts": COUNTS,
    "float32 in float64": RNG.normal(size=(100, 80)).astype(np.float32).astype(float),
    "mostly zeros": RNG.normal(size=(100, 80)) * (RNG.random((100, 80)) < 0.1),
    "columns first": np.asfortranarray(COUNTS),
    "other bytes first": COUNTS.astype(">i8"),
    "one axis": COUNTS.ravel(),
}
AS_IT_IS = {
    "noise": RNG.normal(size=(100, 80)),
    "few values": np.zeros(LEAST_BYTES // 8 - 1),
    "more alike than a reader would believe": np.zeros((1000, 1000)),
    "truth": np.zeros(100_000, bool),
    "nothing": np.empty((0, 5)),
}


def written(values):
    file = h5py.File("packed", "w", driver="core", backing_store=False)
    return h5py.Dataset(write_array(file.id, "values", values))


@pytest.mark.parametrize("kind", SMALLER)
def test_what_becomes_smaller_is_packed_and_read_back_to_the_last_bit(kind):
    values = SMALLER[kind]
    node = written(values)
    for found in (read_array(node.id), node[()]):  # by us, and by any viewer
        assert found.dtype == values.dtype
        np.testing.assert_array_equal(found, values)
    assert values.nbytes / MOST_TIMES <= node.id.get_chunk_info(0).size <= 0.75 * values.nbytes


@pytest.mark.parametrize("kind", AS_IT_IS)
def test_what_does_not_is_stored_as_it_is(kind):
    values = AS_IT_IS[kind]
    node = written(values)
    assert packed(values) is None
    assert node.chunks is None
    np.testing.assert_array_equal(read_array(node.id), values)
