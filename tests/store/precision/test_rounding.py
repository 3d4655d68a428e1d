"""What storing values in fewer bits costs is measured, and the same however the rows came."""

import re
from contextlib import suppress

import numpy as np
import pytest
from store.golden import PROVENANCE

from interp.errors import MismatchError, UsageError
from interp.store import RecordingWriter, check_recording, open_recording
from interp.store.blocks import BLOCK_ROWS
from interp.types import NodeLayer

ROWS = BLOCK_ROWS + 300
LAYERS = (NodeLayer("a", "linear", 4, 2, "relu", "a"),)
NO_POSITION = np.empty(0, np.int32)
LOSSY = ("float16", "bfloat16")


def values():
    """Nodes of several sizes, one that hardly varies beside its mean, and one that does not vary."""
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=(ROWS, 4)) * [1, 50, 0.01, 0] + [0, 3, 1000, 0.1]
    return drawn.astype(np.float32)


def record(path, dtype, cuts=(ROWS,), stop_after=None, given=None):
    """Write rows in pieces, and stop after some of them; where some are written already, go on behind them."""
    given = values() if given is None else given
    with RecordingWriter(path, LAYERS, {"train": ROWS}, {"a": 1}, PROVENANCE, dtype=dtype) as writer:
        done = first = writer.done("train")
        for last in cuts:
            if last > first:
                z = {"a": (given[first:last], NO_POSITION)}
                writer.write("train", first, np.zeros(last - first, np.int64), z)
                first = last
            if last == stop_after:
                raise KeyboardInterrupt
        writer.summarise("train", None, {"a": (np.zeros((2, 4)), np.zeros(4), np.zeros(4))})
    return done


@pytest.mark.parametrize("dtype", LOSSY)
def test_the_loss_is_that_of_the_values_read_back(tmp_path, dtype):
    record(tmp_path / "a.h5", dtype, (100, 101, 700, ROWS))
    with open_recording(tmp_path / "a.h5") as found:
        exact, read = values().astype(float), found.z["a"][:]
        assert read.dtype == np.float32
        assert found.stored_as == dtype
        error, spread = np.abs(read - exact), exact.std(axis=0) + 1e-300
        expected = np.stack([error.max(axis=0), np.sqrt((error**2).mean(axis=0))]) / spread
        expected[:, 3] = np.nan  # it does not vary
        np.testing.assert_allclose(found.rounding["a"], expected, rtol=1e-9)
        assert found.rounding["a"][1, :2].max() < 2e-3, "a node of mean 0 loses next to nothing"
        assert found.rounding["a"][1, 2] > 0.99, "all that varies about 1000 is lost, and said to be"
    check_recording(tmp_path / "a.h5")


def test_values_stored_as_they_are_lose_nothing(tmp_path):
    record(tmp_path / "a.h5", "float32")
    with open_recording(tmp_path / "a.h5") as found:
        np.testing.assert_array_equal(found.z["a"][:], values(), strict=True)
        assert (found.rounding, found.stored_as) == ({}, "float32")
        assert abs(found.z["a"][:, 2].astype(float).std() / 0.01 - 1) < 0.05, "1000 +- 0.01 keeps its variance"


@pytest.mark.parametrize("dtype", LOSSY)
@pytest.mark.parametrize("stop_after", [100, 1000, ROWS])
def test_a_kill_changes_neither_values_nor_the_loss(tmp_path, dtype, stop_after):
    cuts = (100, 1000, 1100, ROWS)
    record(tmp_path / "whole.h5", dtype, cuts)
    with suppress(KeyboardInterrupt):
        record(tmp_path / "a.h5", dtype, cuts, stop_after)
    assert record(tmp_path / "a.h5", dtype, cuts) == stop_after
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_what_was_begun_as_another_type_is_begun_anew(tmp_path):
    with suppress(KeyboardInterrupt):
        record(tmp_path / "a.h5", "float16", (100, ROWS), 100)
    assert record(tmp_path / "a.h5", "bfloat16") == 0


def test_values_that_are_too_large_are_refused_in_one_line(tmp_path):
    large = values()
    large[7, 1] = -7e4
    said = "a: found pre-activations up to 7e+04; expected at most 65504, the largest float16; choose another"
    with pytest.raises(UsageError, match=re.escape(said)):
        record(tmp_path / "a.h5", "float16", given=large)
    record(tmp_path / "b.h5", "bfloat16", given=large)
    large[7, 1] = np.inf  # it was so before
    record(tmp_path / "c.h5", "float16", given=large)


@pytest.mark.parametrize("dtype", LOSSY)
def test_a_flipped_bit_is_seen_in_what_is_stored(tmp_path, dtype):
    record(tmp_path / "a.h5", dtype)
    content = bytearray((tmp_path / "a.h5").read_bytes())
    with open_recording(tmp_path / "a.h5") as found:
        at = found.z["a"]._values.id.get_offset() + 2 * 4 * (BLOCK_ROWS + 5)
    content[at] ^= 1
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(MismatchError, match=re.escape("a, block 2 of 2, rows 1,024 to 1,323")):
        check_recording(tmp_path / "a.h5")
