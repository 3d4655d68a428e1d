"""Recordings in several files: rows read as of one, and every way in which a file may not be what was written."""

import json
import shutil

import h5py
import numpy as np
import pytest

from interp.errors import MismatchError, UsageError
from interp.run import all_stages
from interp.run.folder import remove_remains, remove_run
from interp.store import RecordingWriter, check_recording, open_recording, read_provenance
from interp.store.shards.manifest import described, remove_shards, shard_path, write_manifest
from interp.store.shards.opening import SHARD
from interp.store.shards.rows import JoinedRows
from interp.types import NodeLayer, Provenance

LAYERS = (NodeLayer("fc1", "linear", 2, 4, "relu", "fc1"),)
Z = np.arange(20, dtype=np.float32).reshape(10, 2)
CUTS = [(0, 3), (3, 4), (4, 10)]


@pytest.fixture
def path(tmp_path):
    """Write a recording in three files."""
    path, shards = tmp_path / "activations.h5", []
    for rank, (first, last) in enumerate(CUTS):
        write_part(shard_path(path, rank, 3), first, last)
        shards.append(described(shard_path(path, rank, 3), {"train": (first, last)}))
    write_manifest(path, shards, {"h5py": "3"})
    return path


def write_part(path, first, last, model="ab"):
    made = Provenance(model, "cd", 0, {}, {"fingerprint": "f", SHARD: {"train": [first, last]}})
    with RecordingWriter(path, LAYERS, {"train": last - first}, {"fc1": 1}, made, ("train",)) as writer:
        writer.write("train", 0, np.arange(first, last), {"fc1": (Z[first:last], np.empty(0))})
        ones = np.ones(2)
        writer.summarise(
            "train", np.arange(first, last), {"fc1": (np.stack([-ones * first, ones]), ones * first, ones)}
        )


def test_they_are_read_as_one(path):
    with open_recording(path) as recording:
        assert np.array_equal(recording.z["fc1"][:], Z)
        assert np.concatenate(list(recording.batches("fc1", 4))).tolist() == Z.tolist()
        assert recording.sample["fc1"].tolist() == recording.labels.tolist() == list(range(10))
        assert recording.predictions.tolist() == list(range(10))
        assert recording.output_range["fc1"].tolist() == [[-4, -4], [1, 1]]
        assert recording.output_mean["fc1"].tolist() == [(3 * 0 + 1 * 3 + 6 * 4) / 10] * 2
        assert SHARD not in recording.provenance.settings
        assert recording.z["fc1"]
    assert not recording.z["fc1"]
    assert read_provenance(path, "").fingerprint == "f"
    check_recording(path)


def test_the_manifest_opens_them_too(path):
    """It is the name that `record` prints, and the one there is to see in the folder."""
    with open_recording(path.with_suffix(".json")) as recording:
        assert np.array_equal(recording.z["fc1"][:], Z)
    with pytest.raises(MismatchError, match="found a folder; expected a file of results"):
        open_recording(path.parent)


def varied():
    """Ten rows: a node that varies, one that has its value in one file alone, one that is the same within each."""
    cut = np.repeat([0.0, 1.0, 2.0], [last - first for first, last in CUTS])
    drawn = np.random.default_rng(0).normal(size=(10, 4)) * [1, 0, 0, 0] + [3, 0, 0, 0.1]
    drawn[:, 1], drawn[:, 2] = np.where(cut == 2, drawn[:, 0], 0.3), 0.1 + cut
    return drawn.astype(np.float32)


def test_what_rounding_costs_is_that_of_one_file(tmp_path):
    """It is in standard deviations over all rows, also where values do not vary within one of the files."""
    layers = (NodeLayer("fc1", "linear", 4, 4, "relu", "fc1"),)

    def write(path, first, last):
        made = Provenance("ab", "cd", 0, {}, {SHARD: {"train": [first, last]}})
        with RecordingWriter(path, layers, {"train": last - first}, {"fc1": 1}, made, dtype="float16") as writer:
            writer.write("train", 0, np.zeros(last - first, int), {"fc1": (varied()[first:last], np.empty(0))})
            writer.summarise("train", None, {"fc1": (np.zeros((2, 4)), np.zeros(4), np.zeros(4))})
        return described(path, {"train": (first, last)})

    write(tmp_path / "one.h5", 0, 10)
    path = tmp_path / "several.h5"
    write_manifest(path, [write(shard_path(path, rank, 3), *ends) for rank, ends in enumerate(CUTS)], {})
    with open_recording(tmp_path / "one.h5") as one, open_recording(path) as several:
        assert np.isfinite(one.rounding["fc1"][:, :3]).all()
        assert (one.rounding["fc1"][:, :3] > 0).all()
        assert np.isnan(one.rounding["fc1"][:, 3]).all(), "it does not vary"
        np.testing.assert_allclose(several.rounding["fc1"], one.rounding["fc1"], rtol=1e-12)


KEYS = [
    slice(None),
    slice(2, 5),
    slice(3, 4),
    slice(1, None, 3),
    slice(4, 4),
    slice(5, 2),
    slice(-3, None),
    slice(None, None, -1),
    0,
    -1,
    [9, 0, 3, 3],
    np.arange(10) % 3 == 0,
    [],
    (slice(2, 6), 1),
    (slice(2, 6), slice(1, 2)),
    ([0, 9], 1),
    (5, 1),
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_rows_are_picked_as_numpy_does(path, key):
    where = np.empty(0, int) if isinstance(key, list) and not key else key
    joined = JoinedRows([Z[first:last] for first, last in CUTS])
    assert joined.shape == Z.shape
    assert joined.dtype == Z.dtype
    assert len(joined) == len(Z)
    assert np.array_equal(joined[where], Z[where])
    with open_recording(path) as recording:
        assert np.array_equal(recording.z["fc1"][where], Z[where])


class Counted:
    """Rows as of h5py, which takes numbers that increase; counts what is read."""

    def __init__(self, values):
        self.values, self.shape, self.dtype, self.read = values, values.shape, values.dtype, 0

    def __getitem__(self, key):
        if isinstance(key, np.ndarray):
            assert (np.diff(key) > 0).all()
        found = self.values[key]
        self.read += len(found)
        return found


@pytest.mark.parametrize("key", [[2000, 5, 999, 5, 0, 3999], ([3999, 0], 1), np.arange(4000) % 400 == 7])
def test_rows_that_lie_apart_are_read_without_those_between(key):
    values = np.random.default_rng(0).normal(size=(4000, 3))
    parts = [Counted(values[:1000]), Counted(values[1000:])]
    assert np.array_equal(JoinedRows(parts)[key], values[key])
    assert sum(part.read for part in parts) <= 10


@pytest.mark.parametrize("seed", range(5))
def test_rows_in_any_order_are_those_that_numpy_gives(path, seed):
    rng = np.random.default_rng(seed)
    where = rng.integers(-10, 10, rng.integers(1, 15))
    with open_recording(path) as recording:
        assert np.array_equal(recording.z["fc1"][where], Z[where])


def test_an_unknown_split_is_named(path):
    with pytest.raises(UsageError, match="'test'; expected one of train"):
        open_recording(path, "test")


def changed(path, change):
    manifest = path.with_suffix(".json")
    content = json.loads(manifest.read_text())
    change(content)
    manifest.write_text(json.dumps(content))


def missing(path):
    shard_path(path, 1, 3).unlink()


def truncated(path):
    with shard_path(path, 1, 3).open("r+b") as file:
        file.truncate(1000)


def foreign(path):
    size = shard_path(path, 1, 3).stat().st_size
    shard_path(path, 1, 3).write_bytes(b"x" * size)


def of_another(path):
    shard_path(path, 1, 3).unlink()
    write_part(shard_path(path, 1, 3), 3, 4, model="ef")


def of_another_rank(path):
    shutil.copy(shard_path(path, 0, 3), shard_path(path, 1, 3))


def flipped(path):
    with h5py.File(shard_path(path, 1, 3), "r+") as file:
        file["train/z/fc1/values"][0, 0] += 1


def elsewhere(path):
    shutil.move(shard_path(path, 1, 3), path.parents[1] / "other.h5")
    changed(path, lambda content: content["files"][1].update(name="../other.h5"))


def left_out(path):
    changed(path, lambda content: content["files"].pop(1))


def last_left_out(path):
    changed(path, lambda content: content["files"].pop(2))


def other_samples(path):
    """Say that the files of the last two ranks hold as many samples as they do, but others."""
    changed(path, lambda content: content["files"].pop(0))
    changed(path, lambda content: content["files"][0].update(rows={"train": [0, 1]}))
    changed(path, lambda content: content["files"][1].update(rows={"train": [1, 7]}))


def of_other_types(path):
    changed(path, lambda content: content["files"][1].update(rows="all"))


def of_floats(path):
    changed(path, lambda content: content["files"][1].update(rows={"train": [3.0, 4.5]}))


def newer(path):
    changed(path, lambda content: content.update(version=2))


def no_json(path):
    path.with_suffix(".json").write_text("{")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (missing, r"activations.1-of-3.h5: found no such file; expected the file that its manifest names; run `python"),
        (
            truncated,
            r"activations.1-of-3.h5: found a file of 1,000 bytes; expected the file .*, of [\d,]+; run `python",
        ),
        (foreign, "activations.1-of-3.h5: found a damaged or foreign file; expected the file that its manifest names"),
        (of_another, "activations.1-of-3.h5: found a file of digest .*; expected the file that its manifest names, of"),
        (of_another_rank, "activations.1-of-3.h5: found a file of "),
        (flipped, "activations.1-of-3.h5: found damaged values of fc1, block 1 of 1, rows 0 to 0"),
        (elsewhere, "activations.json: found files activations.0-of-3.h5, ../other.h5, .*; expected those of ranks"),
        (left_out, r"activations.json: found samples 4 to 10 of train in .*; expected those from 3 on"),
        (
            last_left_out,
            "activations.json: found files activations.0-of-3.h5, .*; expected activations.2-of-3.h5 too",
        ),
        (of_other_types, "activations.json: found a damaged manifest; expected one of the files of a recording"),
        (of_floats, "activations.json: found a damaged manifest; expected one of the files of a recording"),
        (newer, "json: found interp-shards of version 2; expected interp-shards of version 1; update interp, or run `"),
        (no_json, "activations.json: found a damaged manifest; expected one of the files of a recording"),
    ],
)
def test_a_file_that_is_not_the_one_that_was_written_is_named(path, damage, said):
    damage(path)
    with pytest.raises(MismatchError, match=said) as error:
        check_recording(path)
    assert "\n" not in str(error.value)


def test_a_manifest_that_says_other_samples_of_a_file_than_the_file_itself_is_refused(path):
    other_samples(path)
    with pytest.raises(MismatchError, match=r"1-of-3.h5: found other samples .*; expected those from 0 to 1 of train;"):
        open_recording(path)


def test_a_whole_file_counts_before_a_manifest(path):
    write_part(path, 0, 10)
    missing(path)
    with open_recording(path) as recording:
        assert recording.z["fc1"].shape == (10, 2)


def test_they_are_removed_with_the_run(path):
    path.with_name(".activations.0-of-2.h5.partial").write_text("")
    path.with_name("notes.json").write_text("{}")
    remove_run(path.parent, ["activations.h5"])
    assert [file.name for file in path.parent.iterdir()] == ["notes.json"]


def test_they_are_removed_by_a_run_that_stores_none(path):
    path.with_name(".activations.json.0a1b2c3d.partial").write_text("")
    path.with_name(".activations.h5.partial").write_text("")
    stages = all_stages(store=False).values()
    remove_run(path.parent, [stage.file for stage in stages])
    assert list(path.parent.iterdir()) == []


def test_a_manifest_that_was_begun_is_no_remains_of_a_killed_run_for_ever(path):
    begun = path.with_name(".activations.json.0a1b2c3d.partial")
    begun.write_text("")
    remove_remains(path.parent, ["activations.h5"])
    assert not begun.exists()
    check_recording(path)


def test_a_manifest_of_another_program_stays(path):
    path.with_suffix(".json").write_text("{}")
    remove_shards(path)
    assert path.with_suffix(".json").exists()
