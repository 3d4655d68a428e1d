"""Rows on disk: every way to ask for rows gives what the same array in memory gives."""

import copy
import errno
import os
import pickle
import tempfile

import numpy as np
import pytest

from interp.errors import DataError, UsageError
from interp.streams import Kept, RowsOnDisk, flat_rows, row_blocks


def kept(table, size=7):
    found = Kept("drawn")
    for start in range(0, len(table), size):
        found.add(table[start : start + size])
    return found.rows()


TABLES = {
    "table": np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32),
    "bytes": np.random.default_rng(0).integers(0, 256, (50, 4, 4), dtype=np.uint8),
    "column": np.arange(50)[:, None],
}

ASKED = {
    "a slice": slice(3, 40),
    "to the end": slice(-5, None),
    "in steps": slice(1, 48, 3),
    "backwards": slice(None, None, -1),
    "none": slice(9, 3),
    "one": 7,
    "the last": -1,
    "numpy's whole number": np.int64(4),
    "indices": np.array([5, 6, 7, 3, 3, -1, 0]),
    "small indices": np.array([5, -6, 7], np.int8),
    "small indices without sign": np.array([5, 0, 7, 8], np.uint8),
    "a list": [2, 1],
    "an empty list": [],
    "no indices": np.empty(0, np.int64),
    "a table of indices": np.array([[1, 2], [3, 4]]),
    "a mask": np.arange(50) % 3 == 0,
    "columns": (slice(None), slice(1)),
    "rows and columns": (slice(2, 5), 0),
    "rows by index and columns": (np.array([4, 2]), 0),
    "all": Ellipsis,
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("rows", ASKED.values(), ids=ASKED)
def test_what_is_asked_for_is_what_an_array_gives(table, rows):
    found = kept(table)[rows]
    assert np.asarray(found).dtype == table.dtype
    np.testing.assert_array_equal(found, table[rows])


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_it_is_an_array_to_whoever_uses_it(table):
    found = kept(table)
    assert (len(found), found.shape, found.dtype, found.nbytes) == (50, table.shape, table.dtype, table.nbytes)
    np.testing.assert_array_equal(np.asarray(found), table)
    np.testing.assert_array_equal(np.stack(list(found)), table)
    np.testing.assert_array_equal(found + found, table + table)
    np.testing.assert_array_equal((found + found)[3:5], (table + table)[3:5])
    np.testing.assert_array_equal(found[found > 5], table[table > 5])
    assert (found.max(), found.sum()) == (table.max(), table.sum())
    flat = flat_rows(found)
    assert isinstance(flat, RowsOnDisk)
    np.testing.assert_array_equal(flat[2:9], table.reshape(50, -1)[2:9])
    np.testing.assert_array_equal(np.concatenate(list(row_blocks(found, 9))), table)


def test_rows_are_plain_arrays_of_their_own():
    found = kept(TABLES["table"])
    rows = found[3:5]
    assert type(rows) is np.ndarray
    rows[:] = 0
    np.testing.assert_array_equal(found[3:5], TABLES["table"][3:5])
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0] = 1


def test_small_indices_reach_the_last_rows():
    found = kept(np.arange(1000)[:, None], 1000)
    for kind in (np.int8, np.int16, np.uint8):
        rows = np.array([0, 100, 127, 3], kind)
        np.testing.assert_array_equal(found[rows][:, 0], rows)
    assert found[np.array([-1, -128], np.int8)][:, 0].tolist() == [999, 872]


def test_what_is_made_of_a_table_is_an_array():
    table, found = TABLES["bytes"], kept(TABLES["bytes"])
    assert type(pickle.loads(pickle.dumps(found))) is np.ndarray
    made = {
        "pickled": (pickle.loads(pickle.dumps(found)), table),
        "copied": (copy.deepcopy(found), table),
        "cast": (found.astype(np.float64), table.astype(np.float64)),
        "reshaped": (found.reshape(25, 2, 16), table.reshape(25, 2, 16)),
        "turned": (np.moveaxis(found, 1, -1), np.moveaxis(table, 1, -1)),
    }
    for name, (one, wanted) in made.items():
        np.testing.assert_array_equal(one, wanted, err_msg=name)
        np.testing.assert_array_equal(flat_rows(one), flat_rows(wanted), err_msg=name)
        np.testing.assert_array_equal(np.stack(list(one)), wanted, err_msg=name)
    np.testing.assert_array_equal(found.flat[:9], table.flat[:9])


@pytest.mark.parametrize("rows", [1.0, [1.0, 2.0], np.array(["a"])], ids=str)
def test_what_is_no_index_is_refused_as_by_an_array(rows):
    with pytest.raises(IndexError, match=r"only integers|must be of integer"):
        kept(TABLES["table"])[rows]


@pytest.mark.parametrize("row", [50, -51, [3, 50]])
def test_a_row_that_is_not_there_is_an_index_error(row):
    with pytest.raises(IndexError):
        kept(TABLES["table"])[row]


def test_a_system_without_reads_at_a_place_reads_the_same(monkeypatch):
    monkeypatch.delattr(os, "preadv", raising=False)
    found = kept(TABLES["table"])
    np.testing.assert_array_equal(found[[4, 9, 10]], TABLES["table"][[4, 9, 10]])


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = kept(TABLES["table"])
    assert not list(tmp_path.iterdir())  # the file has no name, so that a kill leaves none either
    assert found[0].shape == (3,)


@pytest.mark.parametrize(
    ("second", "found"),
    [
        (np.zeros((2, 4), np.float32), r"samples of shape \(4,\), float32, after those of shape \(3,\), float32"),
        (np.zeros((2, 3)), r"shape \(3,\), float64, after"),
    ],
)
def test_rows_that_differ_are_refused(second, found):
    table = Kept("drawn")
    table.add(np.zeros((2, 3), np.float32))
    with pytest.raises(DataError, match=found):
        table.add(second)


def test_what_is_no_number_is_refused():
    with pytest.raises(DataError, match="type object; expected numbers"):
        Kept("drawn").add(np.array([["a"], [None]], object))


def test_types_that_fit_without_loss_are_converted():
    table = Kept("drawn")
    table.add(np.zeros((1, 2), np.float64))
    table.add(np.ones((1, 2), np.float32))
    assert table.rows()[1].tolist() == [1.0, 1.0]


class Full:
    """A file on a disk without room."""

    def write(self, _):
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self):
        pass


def test_a_full_disk_is_told_in_one_line(monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(UsageError, match=r"No space left on device; expected room .* set TMPDIR"):
        Kept("drawn").add(np.zeros((2, 3)))
