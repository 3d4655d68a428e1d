"""Recorded values that are not as they were written are refused where they are read, and said to be which."""

import re
from contextlib import suppress
from itertools import pairwise

import h5py
import numpy as np
import pytest
from store.golden import PROVENANCE

from interp.errors import MismatchError
from interp.store import RecordingWriter, check_recording, open_recording
from interp.store.blocks import BLOCK_ROWS, ChecksumWriter, block_count, checksum
from interp.types import NodeLayer

ROWS, WIDTH = 2 * BLOCK_ROWS + 100, 3
LAYERS = (NodeLayer("a", "linear", WIDTH, 2, "relu", "a"), NodeLayer("b", "linear", 1, 3, "relu", "b"))
VALUES = np.random.default_rng(0).normal(size=(ROWS, WIDTH)).astype(np.float32)
NO_POSITION = np.empty(0, np.int32)


def write_rows(writer, first, last):
    z = {"a": (VALUES[first:last], NO_POSITION), "b": (VALUES[first:last, :1], NO_POSITION)}
    writer.write("train", first, np.zeros(last - first, np.int64), z)


def finish(writer):
    statistics = {layer.name: (np.zeros((2, layer.nodes)), *np.zeros((2, layer.nodes))) for layer in LAYERS}
    writer.summarise("train", None, statistics)


def writer_of(path):
    return RecordingWriter(path, LAYERS, {"train": ROWS}, {"a": 1, "b": 1}, PROVENANCE)


@pytest.fixture
def path(tmp_path):
    with writer_of(tmp_path / "a.h5") as writer:
        write_rows(writer, 0, ROWS)
        finish(writer)
    return tmp_path / "a.h5"


def damage(path, change, layer="a"):
    with h5py.File(path, "r+") as file:
        values = file[f"train/z/{layer}/values"]
        found = values[()]
        change(found)
        values[...] = found


def flip_700_signs(values):
    rows = np.random.default_rng(1).permutation(BLOCK_ROWS)[:700] + BLOCK_ROWS
    values[rows, 1] *= -1


def change_the_last(values):
    values[-1, -1] = np.nextafter(values[-1, -1], np.float32(9))


def swap_two_rows(values):
    values[[5, 6]] = values[[6, 5]]


DAMAGE = {
    "signs": (flip_700_signs, (BLOCK_ROWS, 2 * BLOCK_ROWS - 1)),
    "last bit of the last value": (change_the_last, (2 * BLOCK_ROWS, ROWS - 1)),
    "order": (swap_two_rows, (0, BLOCK_ROWS - 1)),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damaged_values_are_refused_where_they_are_read(path, case):
    change, (first, last) = DAMAGE[case]
    damage(path, change)
    message = re.escape(
        f"{path}: found damaged values of a, block {first // BLOCK_ROWS + 1} of 3, rows {first:,} to {last:,} of train;"
        " expected what was recorded; "
        "run `python -m interp record`"
    )
    with open_recording(path) as found:
        list(found.batches("b", 500))
        found.z["a"][:first], found.z["a"][last + 1 :]  # the blocks beside it are whole
        for key in (slice(None), slice(first, last + 1), slice(last, last + 1), (slice(first, last), 0), [first]):
            with pytest.raises(MismatchError, match=f"^{message}$"):
                found.z["a"][key]
    with pytest.raises(MismatchError, match=f"^{message}$"):
        check_recording(path)


KEYS = [
    slice(None),
    slice(5, 9),
    slice(BLOCK_ROWS - 1, BLOCK_ROWS + 1),
    slice(0, ROWS, 7),
    slice(ROWS, None),
    3,
    [1, 2, ROWS - 1],
    (slice(None), [0, 2]),
    (slice(4, 2000), 1),
    np.arange(ROWS) % 5 == 0,
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_rows_are_read_as_numpy_reads_them(path, key):
    with open_recording(path) as found:
        for _ in range(2):
            np.testing.assert_array_equal(found.z["a"][key], VALUES[key], strict=True)
        assert (found.z["a"].shape, len(found.z["a"]), found.z["a"].dtype) == (VALUES.shape, ROWS, VALUES.dtype)


@pytest.mark.parametrize("key", [[3, 2 * BLOCK_ROWS], -1, np.arange(ROWS) < 9, ([-5, -2], 0)], ids=str)
def test_blocks_without_rows_that_are_asked_for_are_not_read(path, key):
    damage(path, flip_700_signs)
    with open_recording(path) as found:
        np.testing.assert_array_equal(found.z["a"][key], VALUES[key], strict=True)
        for of_it in ([0, BLOCK_ROWS], BLOCK_ROWS + 3, np.arange(ROWS) == BLOCK_ROWS, ...):
            with pytest.raises(MismatchError, match="block 2 of 3"):
                found.z["a"][of_it]


def test_a_block_is_read_again_without_another_check(path):
    with open_recording(path) as found:
        rows = found.z["a"]
        rows[:10]
        rows._sums[0] ^= 1  # were it checked again, it would be refused
        rows[:BLOCK_ROWS]
        rows._sums[1] ^= 1
        with pytest.raises(MismatchError, match="block 2 of 3, rows 1,024 to 2,047"):
            rows[:]


def expected_sums():
    return [checksum(VALUES[block * BLOCK_ROWS : (block + 1) * BLOCK_ROWS]) for block in range(block_count(ROWS))]


@pytest.mark.parametrize("seed", range(5))
def test_checksums_do_not_depend_on_how_rows_came(tmp_path, seed):
    """In pieces of any size, from several runs that each see only some of them."""
    rng = np.random.default_rng(seed)
    cuts = [0, *np.sort(rng.choice(np.arange(1, ROWS), 12, replace=False)).tolist(), ROWS]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        values, sums = file.create_dataset("values", VALUES.shape, "f4"), file.create_dataset("sums", 3, "u4")
        writer = ChecksumWriter(values, sums)
        for first, last in pairwise(cuts):
            if rng.random() < 0.3:
                writer = ChecksumWriter(values, sums)  # another run, after a kill
            values[first:last] = VALUES[first:last]
            writer.add(first, VALUES[first:last])
        assert sums[()].tolist() == expected_sums()


def interrupted(path, cut):
    """Write some rows and be stopped."""
    with suppress(KeyboardInterrupt), writer_of(path) as writer:
        write_rows(writer, 0, cut)
        raise KeyboardInterrupt
    assert not path.exists()


@pytest.mark.parametrize("cut", [1, 700, BLOCK_ROWS, BLOCK_ROWS + 1, ROWS - 1])
def test_a_resumed_recording_has_the_same_checksums(tmp_path, cut):
    interrupted(tmp_path / "a.h5", cut)
    with writer_of(tmp_path / "a.h5") as writer:
        assert writer.done("train") == cut
        write_rows(writer, cut, ROWS)
        finish(writer)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["train/z/a/checksums"][()].tolist() == expected_sums()
    check_recording(tmp_path / "a.h5")


def test_remains_whose_values_are_damaged_are_begun_anew(tmp_path):
    """As a crash of the machine leaves them: the progress on disk, some values not."""
    path, part = tmp_path / "a.h5", tmp_path / ".a.h5.partial"
    interrupted(path, BLOCK_ROWS + 1)
    damage(part, swap_two_rows)
    with writer_of(path) as writer:
        assert writer.done("train") == 0


def test_values_of_another_precision_are_checked_as_they_are_stored(tmp_path):
    with writer_of(tmp_path / "a.h5") as writer:
        z = {"a": (VALUES.astype(float) / 3, NO_POSITION), "b": (VALUES[:, 1:2], NO_POSITION)}
        writer.write("train", 0, np.zeros(ROWS, np.int64), z)
        finish(writer)
    check_recording(tmp_path / "a.h5")


def test_a_flipped_byte_in_any_block_is_named(path):
    """Of every block of both layers one byte in turn; the others are read as they are."""
    whole, rng = path.read_bytes(), np.random.default_rng(2)
    with h5py.File(path) as file:
        starts = {name: file[f"train/z/{name}/values"].id.get_offset() for name in ("a", "b")}
    for layer in LAYERS:
        a_row = 4 * layer.nodes
        for block in range(block_count(ROWS)):
            first, last = block * BLOCK_ROWS, min((block + 1) * BLOCK_ROWS, ROWS)
            at = starts[layer.name] + int(rng.integers(first * a_row, last * a_row))
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << int(rng.integers(8))]) + whole[at + 1 :])
            said = f"damaged values of {layer.name}, block {block + 1} of 3, rows {first:,} to {last - 1:,} of train;"
            with pytest.raises(MismatchError, match=re.escape(said)):
                check_recording(path)
    path.write_bytes(whole)
    check_recording(path)
