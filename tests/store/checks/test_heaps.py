"""Heaps of texts: those that do not end are refused, and all others read as HDF5 reads them."""

from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest

from interp.errors import MismatchError
from interp.store import RecordingWriter, open_recording
from interp.store.checks.heaps import HEADER, OBJECT, SIGNATURE, HeapReader, reading
from interp.types import NodeLayer, Provenance

LAYERS = (NodeLayer("fc1", "linear", 2, 4, "relu", "fc1"),)


def with_texts(path: Path, count: int = 200) -> Path:
    with h5py.File(path, "w") as file:
        file["texts"] = [f"text {number} " * (number % 40) for number in range(count)]
        file.attrs["one"] = "more"
        file["numbers"] = np.arange(300_000.0)
    return path


def objects(content: bytes) -> list[tuple[int, int]]:
    """Offset and index of every object of every heap."""
    found, start = [], content.find(SIGNATURE)
    while start >= 0:
        size, at = HEADER.unpack_from(content, start)[2], HEADER.size
        while at + OBJECT.size <= size:
            index, _, _, stated = OBJECT.unpack_from(content, start + at)
            found.append((start + at, index))
            at += stated if index == 0 else OBJECT.size + (stated + 7) // 8 * 8
        start = content.find(SIGNATURE, start + 1)
    return found


def test_reads_what_hdf5_reads(tmp_path):
    path = with_texts(tmp_path / "a.h5")
    with h5py.File(path) as plain, reading(path) as ours:
        assert plain["texts"].asstr()[()].tolist() == ours["texts"].asstr()[()].tolist()
        assert plain.attrs["one"] == ours.attrs["one"]
        assert np.array_equal(plain["numbers"], ours["numbers"])


@pytest.mark.parametrize(
    "damage",
    [(0, 0), (0, 1), (1, 2**64 - 16), (1, 2**64 - 8), (1, 2**40), (0, 2**40)],
    ids=["free room of nothing", "a byte", "to itself", "back", "beyond the file", "room beyond the file"],
)
def test_heaps_without_an_end_are_refused(tmp_path, damage):
    """HDF5 2.0 itself goes round the first of these for ever."""
    path = with_texts(tmp_path / "a.h5")
    content = bytearray(path.read_bytes())
    at, _ = objects(content)[1]
    index, size = damage
    content[at : at + OBJECT.size] = OBJECT.pack(index, 1, 0, size)
    path.write_bytes(content)
    with pytest.raises((ValueError, OSError)), reading(path) as file:
        file["texts"][()], file.attrs["one"]


def test_numbers_that_read_as_a_heap_are_left_alone(tmp_path):
    """Of a recording any eight bytes may be a value; without the rest of a header they are one."""
    values = np.frombuffer(b"GCOL\x02\0\0\0" + b"GCOL\x01\0\0\1" + b"GCOL\x01\0\0\0" + b"\xff" * 8, np.float64)
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["values"] = values
    with reading(path) as file:
        assert file["values"][()].tobytes() == values.tobytes()


def test_other_sizes_of_addresses_are_refused(tmp_path):
    made = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    made.set_sizes(4, 4)
    path = tmp_path / "a.h5"
    h5py.h5f.create(bytes(path), fcpl=made).close()
    with pytest.raises(ValueError, match="eight bytes"), reading(path):
        pass


def test_behind_the_end_are_zeros(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    buffer = bytearray(b"x" * 8)
    with HeapReader(tmp_path / "a") as file:
        assert file.readinto(buffer) == 3
    assert bytes(buffer) == b"abc" + bytes(5)


@pytest.mark.parametrize("address", [2**63, 2**64 - 16, 2**40])
def test_places_that_no_file_reaches_to_are_damage(tmp_path, address):
    """What hands HDF5 the bytes takes no address above 2^63: it ended in a traceback."""
    path = with_texts(tmp_path / "a.h5")
    content = bytearray(path.read_bytes())
    content[64:72] = address.to_bytes(8, "little")  # where the root group lies, in the superblock of version 0
    path.write_bytes(content)
    with pytest.raises(MismatchError, match="a damaged"):
        open_recording(path)


def begun(path: Path) -> RecordingWriter:
    made_of = Provenance("ab", "cd", 0, {}, {"text": "a " * 100})
    return RecordingWriter(path, LAYERS, {"train": 3}, {"fc1": 1}, made_of, labelled=["train"])


def endless(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for at, index in objects(content):
        if index == 0:
            content[at : at + OBJECT.size] = OBJECT.pack(0, 0, 0, 0)
    path.write_bytes(content)


def test_recordings_with_such_a_heap_are_refused_or_begun_anew(tmp_path):
    path = tmp_path / "activations.h5"
    z = np.arange(6, dtype=np.float32).reshape(3, 2)
    one = np.ones(2)
    for damage in (False, True):
        with suppress(KeyboardInterrupt), begun(path) as writer:
            writer.write("train", 0, np.array([0, 1]), {"fc1": (z[:2], np.empty(0))})
            raise KeyboardInterrupt
        if damage:
            endless(next(tmp_path.glob(".activations*")))
        with begun(path) as again:
            assert again.done("train") == (0 if damage else 2)
            start = again.done("train")
            again.write("train", start, np.array([0, 1, 1])[start:], {"fc1": (z[start:], np.empty(0))})
            again.summarise("train", np.array([0, 1, 0]), {"fc1": (np.ones((2, 2)), one, one)})
        with open_recording(path) as recording:
            assert np.array_equal(recording.z["fc1"][:], z)
    endless(path)
    with pytest.raises(MismatchError, match="damaged"):
        open_recording(path)


def test_a_recording_that_hdf5_cannot_close_is_begun_anew(tmp_path):
    """Opened to be written into, it names a block of a driver far away, which HDF5 looks for as it closes the file."""
    path = tmp_path / "activations.h5"
    with suppress(KeyboardInterrupt), begun(path) as writer:
        writer.write("train", 0, np.array([0, 1]), {"fc1": (np.ones((2, 2), np.float32), np.empty(0))})
        raise KeyboardInterrupt
    part = next(tmp_path.glob(".activations*"))
    content = bytearray(part.read_bytes())
    content[48:56] = (0x61 << 56 | 2**56 - 1).to_bytes(8, "little")
    part.write_bytes(content)
    for done in (0, 3):
        with suppress(KeyboardInterrupt), begun(path) as again:
            assert again.done("train") == done
            again.write("train", done, np.arange(3 - done), {"fc1": (np.ones((3 - done, 2), np.float32), np.empty(0))})
            raise KeyboardInterrupt
