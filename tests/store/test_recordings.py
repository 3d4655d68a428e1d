import re

import h5py
import numpy as np
import pytest
from store.golden import (
    HERE,
    KEPT,
    LABELS,
    LAYERS,
    POSITIONS,
    PREDICTIONS,
    PROVENANCE,
    RULE,
    STATISTICS,
    VALUES,
    write_recording,
    write_some,
)

from interp.errors import MismatchError, UsageError
from interp.store import RecordingWriter, open_recording
from interp.store.checks.sound import seal
from interp.store.elements import READABLE, VERSION

READS = f"interp-recording of version {' or '.join(map(str, READABLE))}"
GOLDEN = HERE / "activations_v1.h5"


@pytest.fixture(params=["version 1", "version 4", "version 8", "float32", "float16", "bfloat16"])
def path(request, tmp_path):
    if request.param.startswith("version"):
        return HERE / f"activations_v{request.param[-1]}.h5"
    write_recording(tmp_path / "a.h5", request.param)
    return tmp_path / "a.h5"


def test_recordings_of_every_version_are_read(path):
    with open_recording(path) as found:
        assert found.split == "train"
        assert found.layers == LAYERS
        assert found.provenance == PROVENANCE
        for name, values in VALUES.items():
            np.testing.assert_array_equal(np.concatenate(list(found.batches(name, 5))), values, strict=True)
            for key, expected in zip(("output_range", "output_mean", "active_share"), STATISTICS[name], strict=True):
                np.testing.assert_array_equal(getattr(found, key)[name], expected, strict=True)
        np.testing.assert_array_equal(found.sample["features.0"], np.arange(6).repeat(2))
        np.testing.assert_array_equal(found.sample["head"], np.arange(6))
        np.testing.assert_array_equal(found.position["features.0"], POSITIONS, strict=True)
        assert found.position["head"].size == 0
        np.testing.assert_array_equal(found.labels, LABELS)
        np.testing.assert_array_equal(found.predictions, PREDICTIONS)


@pytest.mark.parametrize("golden", [9, 12, None])
def test_recordings_of_some_samples_are_read(tmp_path, golden):
    path = tmp_path / "a.h5" if golden is None else HERE / f"activations_v{golden}.h5"
    if golden is None:
        write_some(path)
    with open_recording(path) as found:
        np.testing.assert_array_equal(found.kept, KEPT)
        assert found.kept_by == RULE
        np.testing.assert_array_equal(found.z["head"][:], VALUES["head"][KEPT], strict=True)
        rows = np.isin(np.arange(6).repeat(2), KEPT)
        np.testing.assert_array_equal(found.z["features.0"][:], VALUES["features.0"][rows], strict=True)
        np.testing.assert_array_equal(found.position["features.0"], POSITIONS[rows])
        np.testing.assert_array_equal(found.sample["features.0"], KEPT.repeat(2))
        np.testing.assert_array_equal(found.row_labels("head"), LABELS[KEPT])
        np.testing.assert_array_equal(found.predictions, PREDICTIONS)
        np.testing.assert_array_equal(found.labels, LABELS)
        np.testing.assert_array_equal(found.output_range["head"][1], VALUES["head"].max(axis=0), "of all samples")
        np.testing.assert_allclose(found.output_mean["head"], VALUES["head"].mean(axis=0), rtol=1e-12)
    with open_recording(path, "test") as found:
        assert (found.kept, found.kept_by, found.z["head"].shape) == (None, "", (6, 3))


@pytest.mark.parametrize("kept", [[2, 1, 5], [1, 1, 5], [-1, 2, 5], [1, 2, 6]])
def test_samples_that_cannot_be_are_refused(tmp_path, kept):
    write_some(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["train/kept"][...] = kept
        seal(file)
    with pytest.raises(MismatchError, match="found a damaged file"):
        open_recording(tmp_path / "a.h5")


def test_a_split_may_have_no_labels(path):
    with open_recording(path, "test") as found:
        assert found.labels is None
        assert found.row_labels("head") is None


def test_batches_have_the_wanted_size():
    with open_recording(GOLDEN) as found:
        assert [len(batch) for batch in found.batches("features.0", 5)] == [5, 5, 2]


def test_a_wrong_split_is_answered_with_the_close_ones():
    with pytest.raises(UsageError, match=r"split: found 'tests'; expected one of test, train; did you mean test\?"):
        open_recording(GOLDEN, "tests")


def test_what_is_no_recording_is_refused(tmp_path):
    remedy = "run `python -m interp record`"
    path = tmp_path / "a.h5"
    for found, expected in (
        ("no such file", "a file of results"),
        ("a file cut short, 28,891 of 29,391 bytes", "a file of results"),
        ("a damaged or foreign file", "a file of results"),
        ("interp-results of version 1", READS),
        (f"interp-recording of version {VERSION + 1}", READS),
        ("a damaged file", "a whole interp-recording"),
    ):
        if found.startswith("a file cut short"):
            path.write_bytes(GOLDEN.read_bytes()[:-500])
        elif found.startswith("a damaged or"):
            path.write_bytes(GOLDEN.read_bytes()[:5])
        elif found.startswith("interp-results"):
            path.write_bytes((HERE / "effects_v1.h5").read_bytes())
        elif found.startswith("interp-recording"):
            path.write_bytes(GOLDEN.read_bytes())
            with h5py.File(path, "r+") as file:
                file.attrs["encoding-version"] = VERSION + 1
        elif found == "a damaged file":
            path.write_bytes(GOLDEN.read_bytes())
            with h5py.File(path, "r+") as file:
                del file["train"]["z"]["head"]["output_mean"]
        do = f"update interp, or {remedy}" if found.startswith("interp-recording") else remedy
        message = re.escape(f"{path}: found {found}; expected {expected}; {do}")
        with pytest.raises(MismatchError, match=f"^{message}$"):
            open_recording(path)


@pytest.mark.parametrize("stated", [2 + 0j, 2.0, "2"])
def test_positions_that_are_no_whole_number_are_damage(stated, tmp_path):
    """Numpy warned of a complex number whose imaginary part it dropped."""
    path = tmp_path / "a.h5"
    path.write_bytes(GOLDEN.read_bytes())
    with h5py.File(path, "r+") as file:
        file["train"]["z"]["features.0"].attrs["positions"] = stated
    with pytest.raises(MismatchError, match="found a damaged file"), open_recording(path):
        pass


@pytest.mark.parametrize(("name", "value"), [("progress", [np.inf]), ("progress", [np.nan]), ("labels", [2**62] * 6)])
def test_numbers_that_no_recording_has_are_damage(name, value, tmp_path):
    """A count that is infinite ended in a traceback, and moments of each class up to one label filled memory."""
    path = tmp_path / "a.h5"
    path.write_bytes(GOLDEN.read_bytes())
    with h5py.File(path, "r+") as file:
        del file["train"][name]
        file["train"][name] = value
        seal(file)
    with pytest.raises(MismatchError, match="found a damaged file"), open_recording(path):
        pass


def test_closing_lets_go_of_the_file(tmp_path):
    write_recording(tmp_path / "a.h5")
    with open_recording(tmp_path / "a.h5") as found:
        rows = found.z["head"]
    assert not rows
    with h5py.File(tmp_path / "a.h5", "r+"):
        pass


def test_a_folder_that_is_a_file_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"expected a folder with room .*; .*choose another with --out"):
        write_recording(tmp_path / "file" / "a.h5")


def test_a_split_written_before_a_kill_keeps_its_labels(tmp_path):
    """Killed between the summary of one split and the end: labels are there already and are written again."""
    path, counts = tmp_path / "a.h5", ({"train": 6}, {"features.0": 2, "head": 1})
    z = {"features.0": (VALUES["features.0"], POSITIONS), "head": (VALUES["head"], np.empty(0, np.int32))}
    for killed in (True, False):
        writer = RecordingWriter(path, LAYERS, *counts, PROVENANCE, ["train"])
        try:
            with writer:
                assert writer.done("train") == (0 if killed else 6)
                if killed:
                    writer.write("train", 0, PREDICTIONS, z)
                writer.summarise("train", LABELS, STATISTICS)
                if killed:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            assert not path.exists()
    with open_recording(path) as found:
        np.testing.assert_array_equal(found.labels, LABELS)
        np.testing.assert_array_equal(found.z["head"][:], VALUES["head"])
