"""HDF5's own handles."""

import h5py
import numpy as np
import pytest

from interp.store.handles import write_rows


@pytest.fixture
def table(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        yield file.create_dataset("a", data=np.zeros((6, 2), np.float32))


def test_rows_go_where_they_belong_whatever_their_type_and_layout(table):
    rows = np.arange(6.0).reshape(2, 3).T  # float64, columns one after the other
    write_rows(table.id, 2, rows)
    np.testing.assert_array_equal(table[:], [[0, 0], [0, 0], *rows, [0, 0]])
    write_rows(table.id, 6, rows[:0])


@pytest.mark.parametrize(("first", "shape"), [(5, (2, 2)), (-1, (1, 2)), (0, (2, 3)), (0, (2,))])
def test_rows_that_do_not_fit_are_refused(table, first, shape):
    with pytest.raises(ValueError, match="rows"):
        write_rows(table.id, first, np.ones(shape, np.float32))
    assert not table[:].any()
