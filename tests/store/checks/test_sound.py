"""Files that point elsewhere, hold less than they declare or are not as they were written are refused unread."""

import os
import zlib
from contextlib import suppress
from dataclasses import dataclass

import h5py
import numpy as np
import pytest
from h5py._hl.dataset import AsStrView
from store.golden import HERE, LAYERS, PROVENANCE, RESULTS

from interp.errors import MismatchError
from interp.store import RecordingWriter, check_layers, open_recording, read_results, write_results
from interp.store.checks import sound
from interp.store.checks.sound import seal, texts
from interp.types import Effects, GaussianFit

REMEDY = "python -m interp fit"
FITS = RESULTS["gaussians"][1]
MEAN = "results/features.0/mean"


@pytest.fixture
def path(tmp_path):
    write_results(tmp_path / "x.h5", FITS, PROVENANCE)
    (tmp_path / "secret").write_bytes(bytes(1000))
    write_results(tmp_path / "other.h5", FITS, PROVENANCE)
    return tmp_path / "x.h5"


def reason(path, kind=GaussianFit):
    with pytest.raises(MismatchError, match=f"found a damaged file; .* run `{REMEDY}`") as caught:
        read_results(path, kind, REMEDY)
    return str(caught.value.__cause__)


def replaced(path, name, put, sealed=True):
    """Put something else in an object's place, under its marks, and seal the file as if it were ours."""
    with h5py.File(path, "r+") as file:
        marks = dict(file[name].attrs)
        del file[name]
        put(file, name)
        if isinstance(file.get(name, getlink=True), h5py.HardLink):
            file[name].attrs.update(marks)
        if sealed:
            seal_if_readable(file)


def seal_if_readable(file):
    with suppress(KeyError, OSError, TypeError, ValueError):
        seal(file)


@dataclass(frozen=True)
class Named:
    """Results of a user's own stage, in arrays of any name."""

    values: np.ndarray
    checksums: np.ndarray
    z: dict[str, np.ndarray]


def test_arrays_of_any_name_are_sealed(tmp_path):
    """The digest leaves out the values of a recording, which have checksums; nothing else has any."""
    path = tmp_path / "x.h5"
    write_results(path, {"z": Named(np.arange(3.0), np.arange(2), {"values": np.ones(4)})}, PROVENANCE)
    whole = path.read_bytes()
    names = ["results/z/values", "results/z/checksums", "results/z/z/values"]
    for name in names:
        with h5py.File(path, "r+") as file:
            file[name][-1] += 1
        assert reason(path, Named) == "its content is not as it was written"
        path.write_bytes(whole)
    assert read_results(path, Named, REMEDY)[0]["z"].values[-1] == 2


def test_files_of_before_version_11_are_read_with_their_own_digest(tmp_path):
    """That left out every array called ``values``: such a file of an earlier program is still read."""
    path = tmp_path / "x.h5"
    write_results(path, {"fc": Named(np.arange(3.0), np.arange(2), {})}, PROVENANCE)
    with h5py.File(path, "r+") as file:
        file.attrs["encoding-version"] = 10
        seal(file)
        old = file.attrs[sound.SEAL]
        file["results/fc/values"][-1] += 1
        seal(file)
        assert file.attrs[sound.SEAL] == old
    assert read_results(path, Named, REMEDY)[0]["fc"].values[-1] == 3


LINKS = {
    "another file": lambda file: h5py.ExternalLink("other.h5", f"/{MEAN}"),
    "another place": lambda file: h5py.SoftLink("/results/features.0/var"),
    "itself": lambda file: h5py.SoftLink(f"/{MEAN}"),
}


@pytest.mark.parametrize("kind", LINKS)
def test_links_are_not_followed(kind, path):
    replaced(path, MEAN, lambda file, name: file.__setitem__(name, LINKS[kind](file)))
    assert f"/{MEAN} is a link to another place" in reason(path)


def test_one_object_under_two_names_is_refused(path):
    """Nested forty deep, two names each would be a million million objects."""
    with h5py.File(path, "r+") as file:
        file["results/again"] = file["results"]
    assert "is another name of what came before" in reason(path)


STORAGE = {
    "another file": lambda file, name: file.create_dataset(name, (2,), "u1", external=[("secret", 0, 2)]),
    "a view": lambda file, name: file.create_virtual_dataset(name, h5py.VirtualLayout((2,), "f8")),
}


@pytest.mark.parametrize("kind", STORAGE)
def test_values_stored_elsewhere_are_refused(kind, path):
    replaced(path, MEAN, STORAGE[kind], sealed=False)
    assert f"/{MEAN} is packed, or stored elsewhere" in reason(path)


def chunk(content=bytes(8), shape=(2,), mask=0, **kept):
    """Make a function that puts a packed array of the usual filters in place of another."""
    made = {"chunks": shape, "shuffle": True, "compression": "gzip", **kept}

    def put(file, name):
        file.create_dataset(name, shape, "f8", **made).id.write_direct_chunk((0,) * len(shape), content, mask)

    return put


OURS = zlib.compress(bytes(16))
PACKED = {
    "no shuffling": (chunk(OURS, shuffle=False), "packed in another way than ours"),
    "a checksum": (chunk(OURS, fletcher32=True), "packed in another way than ours"),
    "several chunks": (chunk(OURS, chunks=(1,)), "packed in another way than ours"),
    "room to grow": (chunk(OURS, maxshape=(None,)), "packed in another way than ours"),
    "no chunk": (
        lambda file, name: file.create_dataset(name, (2,), "f8", chunks=(2,), shuffle=True, compression="gzip"),
        "packed, and not one chunk of plain numbers",
    ),
    "a filter left out": (chunk(bytes(16), mask=2), "bytes that it takes"),
    "two gigabytes": (chunk(OURS, shape=(1 << 28,)), "declares over 100 times the"),
    "more than declared": (chunk(zlib.compress(bytes(10**7))), "does not unpack to the 16 bytes that it declares"),
    "less than declared": (chunk(zlib.compress(bytes(8))), "does not unpack to the 16 bytes that it declares"),
    "no deflated bytes": (chunk(b"\1" * 16), "cannot be unpacked"),
}


@pytest.mark.parametrize("kind", PACKED)
def test_values_packed_in_another_way_than_ours_are_refused(kind, path):
    put, found = PACKED[kind]
    replaced(path, MEAN, put, sealed=False)
    assert f"/{MEAN}" in reason(path)
    assert found in reason(path)


def test_packed_values_that_hold_what_they_declare_are_read(path):
    replaced(path, MEAN, chunk(OURS))
    assert read_results(path, GaussianFit, REMEDY)[0]["features.0"].mean.tolist() == [0, 0]


def test_one_packed_bit_is_noticed(path):
    replaced(path, MEAN, chunk(zlib.compress(b"\1" + bytes(15))))
    with h5py.File(path, "r+") as file:
        file[MEAN].id.write_direct_chunk((0,), OURS)
    assert reason(path) == "its content is not as it was written"


def test_texts_are_read_few_at_a_time_each_of_which_may_be_as_long_as_the_file(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["large"], file["texts"] = np.zeros(10_000_000, np.uint8), [str(number) for number in range(12)]
    seen, plain = [], AsStrView.__getitem__
    monkeypatch.setattr(AsStrView, "__getitem__", lambda self, key: (seen.append(key), plain(self, key))[1])
    with h5py.File(tmp_path / "x.h5") as file:
        assert texts(file["texts"].id) == [str(number) for number in range(12)]
    assert [(key.start, key.stop) for key in seen] == [(0, 4), (4, 8), (8, 12)]  # of over 10 MB each: 40 of 50 MB


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("train/predictions", "/train/predictions is packed, and no table of recorded values"),
        ("train/z/head/values", "gzip where none is stated"),
    ],
)
def test_nothing_in_a_recording_is_packed_but_values_that_are_said_to_be(part, expected, tmp_path):
    path = recorded(tmp_path)
    with h5py.File(path, "r+") as file:
        values = file[part][()]
        del file[part]
        file.create_dataset(part, data=values, chunks=values.shape, shuffle=True, compression="gzip")
        seal(file)
    with pytest.raises(MismatchError, match="a damaged file") as caught:
        open_recording(path)
    assert expected in str(caught.value.__cause__)


def test_more_declared_than_stored_is_refused_before_it_is_read(path):
    replaced(path, MEAN, lambda file, name: file.create_dataset(name, (1 << 40,), "f8"), sealed=False)
    assert "8,796,093,0" in reason(path)


SHAPES = {
    "longer": (np.ones(3), "GaussianFit.var: found shape (2,)"),
    "a table": (np.ones((2, 2)), "found float64 of shape (2, 2); expected an array (N,) of numbers"),
    "text": (np.array(["a", "b"], object), "shape (2,); expected an array (N,) of numbers"),
    "one number": (5.0, "found np.float64(5.0); expected an array (N,) of numbers"),
    "complex": (np.ones(2, "c16"), "of type complex128"),
}


@pytest.mark.parametrize("kind", SHAPES)
def test_other_shapes_and_kinds_are_refused_even_when_sealed(kind, path):
    value, found = SHAPES[kind]
    text = h5py.string_dtype() if kind == "text" else None
    replaced(path, MEAN, lambda file, name: file.create_dataset(name, data=value, dtype=text))
    if kind == "text":
        with h5py.File(path, "r+") as file:
            file[MEAN].attrs["encoding-type"] = "string-array"
            seal(file)
    assert found in reason(path)


def test_one_bit_is_noticed(path):
    with h5py.File(path, "r+") as file:
        file[MEAN][0] += 1e-9
    assert reason(path) == "its content is not as it was written"


def test_a_table_without_a_column_is_refused_where_it_is_used():
    effects, _ = read_results(HERE / "effects_v2.h5", Effects, REMEDY)  # a small one, written for the test of formats
    results = {"features.0": effects["all"], "head": effects["all"]}
    with pytest.raises(MismatchError, match=r"a table without .*whole_layers\.split"):
        check_layers(HERE, results, LAYERS, REMEDY)


def test_results_of_other_layers_or_widths_are_refused():
    with pytest.raises(MismatchError, match=r"results of other layers \(head\)"):
        check_layers(HERE, FITS, LAYERS, REMEDY)
    with pytest.raises(MismatchError, match="2 nodes of head; expected 3"):
        check_layers(HERE, {layer.name: FITS["features.0"] for layer in LAYERS}, LAYERS, REMEDY)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.h5")
    with pytest.raises(MismatchError, match="a damaged or foreign file"):
        read_results(tmp_path / "x.h5", GaussianFit, REMEDY)


# --------------------------------------------------------------------------- recordings


def recorded(folder):
    samples, positions = {"train": 4}, {"features.0": 2, "head": 1}
    with RecordingWriter(folder / "a.h5", LAYERS, samples, positions, PROVENANCE) as writer:
        z = {"features.0": (np.ones((8, 2)), np.arange(8)), "head": (np.ones((4, 3)), np.empty(0, np.int32))}
        writer.write("train", 0, np.zeros(4, np.int64), z)
        nodes = {layer.name: layer.nodes for layer in LAYERS}
        writer.summarise("train", None, {n: (np.zeros((2, c)), np.zeros(c), np.zeros(c)) for n, c in nodes.items()})
    return folder / "a.h5"


@pytest.mark.parametrize("part", ["predictions", "z/features.0/position", "z/head/output_mean", "z/head/checksums"])
def test_a_recording_is_sealed_but_for_its_values(tmp_path, part):
    """Those have checksums of their own: see `test_blocks`."""
    path = recorded(tmp_path)
    with h5py.File(path, "r+") as file:
        file[f"train/{part}"][0] += 1
    with pytest.raises(MismatchError, match="a damaged file"):
        open_recording(path)


@pytest.mark.parametrize("most", [1, 3, 7])
def test_a_recording_is_digested_some_rows_at_a_time(tmp_path, monkeypatch, most):
    whole = recorded(tmp_path).read_bytes()
    monkeypatch.setattr(sound, "MOST_ROWS", most)
    path = recorded(tmp_path)
    assert path.read_bytes() == whole
    open_recording(path).close()
    with h5py.File(path, "r+") as file:
        file["train/z/features.0/position"][-1] += 1
    with pytest.raises(MismatchError, match="a damaged file"):
        open_recording(path)


def test_positions_that_would_fill_memory_are_refused(tmp_path):
    path = recorded(tmp_path)
    with h5py.File(path, "r+") as file:
        file["train/z/head"].attrs["positions"] = 10**12
        seal(file)
    with pytest.raises(MismatchError, match="a damaged file"):
        open_recording(path)


def test_a_partial_recording_that_links_elsewhere_is_not_written_to(tmp_path):
    path = recorded(tmp_path)
    before = path.read_bytes()
    with h5py.File(tmp_path / ".b.h5.partial", "w") as file:
        for name in ("provenance", "layers", "train"):
            file[name] = h5py.ExternalLink("a.h5", f"/{name}")
    with RecordingWriter(tmp_path / "b.h5", LAYERS, {"train": 4}, {"features.0": 2, "head": 1}, PROVENANCE) as writer:
        assert writer.done("train") == 0
    assert path.read_bytes() == before


def odd_float():
    """Eleven bits of exponent in four bytes."""
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_fields(31, 20, 11, 0, 20)
    return kind


def test_numbers_laid_out_as_numpy_has_none_are_refused(path):
    """A damaged description of a type let HDF5 2.0 write anywhere as it converted the numbers: the process died."""

    def put(file, name):
        h5py.h5d.create(file.id, name.encode(), odd_float(), h5py.h5s.create_simple((3,)))

    replaced(path, MEAN, put)
    assert "laid out otherwise than" in reason(path)


def test_attributes_laid_out_as_numpy_has_none_are_refused(path):
    with h5py.File(path, "r+") as file:
        h5py.h5a.create(file[MEAN].id, b"more", odd_float(), h5py.h5s.create(h5py.h5s.SCALAR))
    assert "laid out otherwise than" in reason(path)


def test_numbers_of_any_usual_kind_and_order_are_read(path):
    def put(file, name):
        file[name] = read.astype(">f8")

    with h5py.File(path) as file:
        read = file[MEAN][()]
    replaced(path, MEAN, put)
    np.testing.assert_array_equal(read_results(path, GaussianFit, REMEDY)[0]["features.0"].mean, read)
