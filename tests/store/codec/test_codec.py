"""Packed values come back to the last bit, also after a kill; what is damaged or forged is refused where it is read."""

import re
import tracemalloc
import zlib
from contextlib import suppress

import h5py
import numpy as np
import pytest
from store.golden import HERE, PACKED, PROVENANCE

from interp.errors import MismatchError, UsageError
from interp.store import RecordingWriter, check_recording, open_recording
from interp.store.blocks import BLOCK_ROWS
from interp.store.codec import rewrite
from interp.store.codec.rows import AS_IT_IS, packed_block
from interp.types import NodeLayer

ROWS, WIDTH = 2 * BLOCK_ROWS + 100, 3
RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(ROWS, WIDTH)).round(1).astype(np.float32)
LAYERS = (NodeLayer("a/b", "linear", WIDTH, 2, "relu", "a"), NodeLayer("noise", "linear", 1, 3, "relu", "b"))
NOISE = RNG.integers(0, 2**32, (ROWS, 1), np.uint32).view(np.float32)
NOISE[~np.isfinite(NOISE)] = 1
NO_POSITION = np.empty(0, np.int32)
KEYS = [
    slice(None),
    slice(5, 9),
    slice(BLOCK_ROWS - 1, BLOCK_ROWS + 1),
    slice(0, ROWS, 7),
    slice(ROWS, None),
    ...,
    3,
    -1,
    [1, 2, ROWS - 1],
    (slice(None), [0, 2]),
    (slice(4, 2000), 1),
    ([5, 1500], slice(1, 3)),
    np.arange(ROWS) % 5 == 0,
]


def writer_of(path, codec="gzip", **said):
    return RecordingWriter(path, LAYERS, {"train": ROWS}, {"a/b": 1, "noise": 1}, PROVENANCE, codec=codec, **said)


def write_rows(writer, first=0, last=ROWS):
    z = {"a/b": (VALUES[first:last], NO_POSITION), "noise": (NOISE[first:last], NO_POSITION)}
    writer.write("train", first, np.zeros(last - first, np.int64), z)


def finish(writer):
    statistics = {layer.name: (np.zeros((2, layer.nodes)), *np.zeros((2, layer.nodes))) for layer in LAYERS}
    writer.summarise("train", None, statistics)


def written(path, codec="gzip", **said):
    with writer_of(path, codec, **said) as writer:
        write_rows(writer)
        finish(writer)
    return path


@pytest.fixture
def path(tmp_path):
    return written(tmp_path / "a.h5")


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_packed_rows_are_read_as_numpy_reads_them(path, key):
    with open_recording(path) as found:
        for _ in range(2):
            np.testing.assert_array_equal(found.z["a/b"][key], VALUES[key], strict=True)
        assert (found.z["a/b"].shape, len(found.z["a/b"]), found.codec) == (VALUES.shape, ROWS, "gzip")
    assert not found.z["a/b"], "closed"


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_the_values_are_those_of_an_unpacked_file_in_less_room(tmp_path, dtype):
    some = VALUES[:, :1].repeat(ROWS // 10, 1).T.copy()  # compresses well
    layers = (NodeLayer("fc1", "linear", some.shape[1], 2, "relu", "fc1"),)
    paths = {codec: tmp_path / f"{codec}.h5" for codec in ("none", "gzip")}
    for codec, path in paths.items():
        counts = {"train": len(some)}, {"fc1": 1}
        with RecordingWriter(path, layers, *counts, PROVENANCE, dtype=dtype, codec=codec) as writer:
            writer.write("train", 0, np.zeros(len(some), int), {"fc1": (some, NO_POSITION)})
    with open_recording(paths["none"]) as plain, open_recording(paths["gzip"]) as packed:
        assert (plain.codec, packed.codec, packed.stored_as) == ("none", "gzip", dtype)
        assert plain.z["fc1"][:].tobytes() == packed.z["fc1"][:].tobytes()
    assert paths["gzip"].stat().st_size < paths["none"].stat().st_size / 2
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["gzip.h5", "none.h5"]


def test_any_viewer_reads_the_values_and_the_codec_is_stated(path):
    with h5py.File(path) as file:
        for name, values in (("a/b", VALUES), ("noise", NOISE)):
            part = file["train/z"][name]
            np.testing.assert_array_equal(part["values"][()], values)
            assert (part.attrs["codec"], part["values"].chunks) == ("gzip", (BLOCK_ROWS, values.shape[1]))


def test_golden_packed_values_are_still_read():
    with open_recording(HERE / "activations_v10.h5") as found:
        np.testing.assert_array_equal(found.z["head"][:], PACKED)
        assert found.codec == "gzip"


@pytest.mark.parametrize(("rows", "mark"), [(np.zeros((1024, 90)), AS_IT_IS), (NOISE, AS_IT_IS), (VALUES, 0)])
def test_what_gains_nothing_or_more_than_a_reader_would_believe_is_stored_as_it_is(rows, mark):
    assert packed_block(rows)[1] == mark


# --------------------------------------------------------------------------- kills


@pytest.mark.parametrize("cut", [1, 700, BLOCK_ROWS, ROWS])
def test_a_resumed_recording_is_the_same_to_the_byte(path, tmp_path, cut):
    other = tmp_path / "b.h5"
    with suppress(KeyboardInterrupt), writer_of(other) as writer:
        write_rows(writer, 0, cut)
        raise KeyboardInterrupt
    with writer_of(other) as writer:
        assert writer.done("train") == cut
        if cut < ROWS:
            write_rows(writer, cut)
        finish(writer)
    assert other.read_bytes() == path.read_bytes()
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["a.h5", "b.h5"]


def stopped(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("where", ["take room", "seal", "rename", "last rename"])
def test_a_recording_that_was_killed_as_it_was_packed_goes_on(path, tmp_path, monkeypatch, where):
    """With what a kill leaves behind: half a packed file, beside the unpacked one or in its place."""
    other, renamed = tmp_path / "b.h5", []

    def rename(self, target):
        renamed.append(target)
        if where == "rename" or len(renamed) == 2:
            raise KeyboardInterrupt
        return self.rename(target)

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr("pathlib.Path.unlink", lambda *_, **__: None)
        if where == "take room":
            patched.setattr(rewrite._Packing, "_pack", stopped)
        elif where == "seal":
            patched.setattr(rewrite, "seal", stopped)
        else:
            patched.setattr("pathlib.Path.replace", rename)
        written(other)
    assert not other.exists()
    left = {file.name for file in tmp_path.iterdir()} - {"a.h5"}
    assert left == {".b.h5.partial"} if where == "last rename" else {".b.h5.partial", ".b.h5.packed.partial"}
    with writer_of(other) as writer:
        assert writer.done("train") == ROWS
        np.testing.assert_array_equal(writer.values("train", "a/b")[:], VALUES)
        finish(writer)
    assert other.read_bytes() == path.read_bytes()
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["a.h5", "b.h5"]


def test_a_full_disk_leaves_what_was_recorded(path, tmp_path, monkeypatch):
    other = tmp_path / "b.h5"

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(rewrite, "reserve", full)
        with pytest.raises(UsageError, match=r"b\.h5: found no space left on device"):
            written(other)
    assert [file.name for file in sorted(tmp_path.iterdir())] == [".b.h5.partial", "a.h5"]
    with writer_of(other) as writer:
        assert writer.done("train") == ROWS
        finish(writer)
    assert other.read_bytes() == path.read_bytes()


def test_unfinished_values_that_are_packed_are_begun_anew(tmp_path):
    """None of ours are: HDF5 itself would unpack them as it writes."""
    other = tmp_path / "b.h5"
    written(other).rename(tmp_path / ".b.h5.partial")
    with h5py.File(tmp_path / ".b.h5.partial", "r+") as file:
        file["train/progress"][0] = 5
    with writer_of(other) as writer:
        assert writer.done("train") == 0
    written(other).rename(tmp_path / ".b.h5.partial")
    with writer_of(other, "none") as writer:
        assert writer.done("train") == 0, "of another codec"


# --------------------------------------------------------------------------- damage and forgery


def test_a_flipped_byte_in_any_block_is_named(path):
    """Of every block of both layers several bytes in turn: of its first and last, and one between them."""
    whole, found = path.read_bytes(), []
    with h5py.File(path) as file:
        for name in ("a/b", "noise"):
            found += [
                (name, file["train/z"][name]["values"].id.get_chunk_info_by_coord((block * BLOCK_ROWS, 0)))
                for block in range(3)
            ]
    for name, chunk in found:
        block = chunk.chunk_offset[0] // BLOCK_ROWS
        for at in (0, 1, int(RNG.integers(2, chunk.size - 1)), chunk.size - 1):
            at += chunk.byte_offset
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << int(RNG.integers(8))]) + whole[at + 1 :])
            last = min((block + 1) * BLOCK_ROWS, ROWS) - 1
            said = (
                f"damaged values of {name}, block {block + 1} of 3, rows {block * BLOCK_ROWS:,} to {last:,} of train;"
            )
            with pytest.raises(MismatchError, match=re.escape(said)):
                check_recording(path)
    path.write_bytes(whole)
    check_recording(path)


def forge(path, chunk, mark=0, first=0):
    with h5py.File(path, "r+") as file:
        file["train/z/a/b/values"].id.write_direct_chunk((first, 0), chunk, mark)


def test_values_behind_the_last_row_are_refused(path):
    more = np.ones((BLOCK_ROWS, WIDTH), np.float32)
    more[: ROWS % BLOCK_ROWS] = VALUES[-(ROWS % BLOCK_ROWS) :]
    forge(path, more.tobytes(), AS_IT_IS, 2 * BLOCK_ROWS)
    with pytest.raises(MismatchError, match="block 3 of 3, rows 2,048 to 2,147"):
        check_recording(path)


def test_a_chunk_that_unpacks_to_more_than_its_block_is_refused(path):
    """What HDF5 itself would unpack: here two hundred megabytes, of which no more than a block is looked at."""
    more = zlib.compress(bytes(200_000_000), 9)
    forge(path, more)
    with open_recording(path) as found:
        tracemalloc.start()
        with pytest.raises(MismatchError, match=r"block 1 of 3, rows 0 to 1,023") as caught:
            found.z["a/b"][:5]
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 2_000_000
    assert "does not unpack to the 12,288 bytes" in str(caught.value.__cause__)


FORGED = {
    "declares too much": (bytes(100), 0),
    "more than a block, as it is": (bytes(20_000), AS_IT_IS),
    "one filter": (bytes(12_288), 1),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_chunk_that_cannot_be_of_its_block_is_refused_before_it_is_read(path, case):
    forge(path, *FORGED[case])
    with pytest.raises(MismatchError, match="damaged file") as caught:
        open_recording(path)
    assert "rows from 0 of /train/z/a/b/values declare 12,288 bytes" in str(caught.value.__cause__)


LAYOUTS = {
    "other chunks": {"chunks": (100, WIDTH), "compression": "gzip", "shuffle": True},
    "as many chunks of another size": {"chunks": (1000, WIDTH), "compression": "gzip", "shuffle": True},
    "other filters": {"chunks": (BLOCK_ROWS, WIDTH), "compression": "gzip"},
    "lzf": {"chunks": (BLOCK_ROWS, WIDTH), "compression": "lzf", "shuffle": True},
    "room to grow": {
        "chunks": (BLOCK_ROWS, WIDTH),
        "compression": "gzip",
        "shuffle": True,
        "maxshape": (None, WIDTH),
    },
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_values_that_are_packed_otherwise_are_refused(path, case):
    with h5py.File(path, "r+") as file:
        del file["train/z/a/b/values"]
        file["train/z/a/b"].create_dataset("values", data=VALUES, **LAYOUTS[case])
    with pytest.raises(MismatchError, match="damaged file"):
        open_recording(path)


def test_blocks_that_are_missing_and_other_packed_data_are_refused(path, tmp_path):
    ours = {"chunks": (BLOCK_ROWS, WIDTH), "compression": "gzip", "shuffle": True}
    for name, rows in (("values", BLOCK_ROWS), ("output_mean", ROWS)):
        other = tmp_path / "b.h5"
        other.write_bytes(path.read_bytes())
        with h5py.File(other, "r+") as file:
            del file[f"train/z/a/b/{name}"]
            made = file["train/z/a/b"].create_dataset(name, VALUES.shape, "f4", **ours)
            made[:rows] = VALUES[:rows]
        with pytest.raises(MismatchError, match="damaged file") as caught:
            open_recording(other)
        assert re.search("1 blocks of 3|no table of recorded values", str(caught.value.__cause__))


def test_a_codec_that_is_not_there_is_refused_in_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"--codec: found 'zip'; expected one of gzip, none") as caught:
        writer_of(tmp_path / "a.h5", "zip")
    assert "\n" not in str(caught.value)
