"""What several processes record together is what one records, whoever is killed meanwhile."""

import os
import signal
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from together import together
from torch import nn

from interp.checkpoints import load_module
from interp.errors import MismatchError
from interp.ranks import current
from interp.recording import StoreOptions, record_activations, record_together
from interp.recording.sharded import cut, parts_of
from interp.store import RecordingWriter, check_recording, open_recording, recorded_splits
from interp.store.checks.sound import SEAL
from interp.types import Provenance

BLOCK = 16


@pytest.fixture
def subject(monkeypatch):
    """Give a network with a convolution and its data, of several blocks."""
    monkeypatch.setattr("interp.recording.record.samples_a_block", lambda model, counts: BLOCK)
    monkeypatch.setattr("interp.recording.sharded.samples_a_block", lambda model, counts: BLOCK)
    monkeypatch.setattr("interp.recording.positions.MOST_ROWS", 4 * 90)  # some positions are drawn
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(27, 5), nn.ReLU(), nn.Linear(5, 3)
    ).eval()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(130, 1, 5, 5)).astype(np.float32)
    y = rng.integers(0, 3, 130)
    return load_module(network, {"x_train": x[:90], "y_train": y[:90], "x_test": x[90:], "y_test": y[90:]})


def recorded(subject, path):
    model, data = subject
    record_together(model, data, path, provenance(subject), 7, ranks=current())


def provenance(subject):
    model, data = subject
    return Provenance(model.digest, data.digest, 7, {"torch": "1"}, {"fingerprint": "f"})


def assert_same(path, other):
    assert recorded_splits(path) == recorded_splits(other) == ("train", "test")
    for split in ("train", "test"):
        with open_recording(path, split) as one, open_recording(other, split) as two:
            assert one.layers == two.layers
            assert one.provenance == two.provenance
            assert np.array_equal(one.labels, two.labels)
            assert np.array_equal(one.predictions, two.predictions)
            for name in one.z:
                assert np.array_equal(one.z[name][:], two.z[name][:])
                for field in ("sample", "position", "output_range", "active_share"):
                    assert np.array_equal(getattr(one, field)[name], getattr(two, field)[name]), field
                assert np.allclose(one.output_mean[name], two.output_mean[name], rtol=1e-12, atol=1e-12)


def contents(path):
    """Give every file of a recording by name: its seal, which covers all but the values, and the values."""
    found = {}
    for file in sorted(path.parent.glob("*.h5")):
        with h5py.File(file) as opened:
            values = []
            opened.visititems(
                lambda name, at, v=values: v.append(at[()].tobytes()) if name.endswith("values") else None
            )
            found[file.name] = bytes(opened.attrs[SEAL]), b"".join(values)
    return found


@pytest.mark.parametrize("size", [2, 3, 9])
def test_several_record_what_one_does(subject, tmp_path, size):
    """The values to the last bit, since each block of samples is run as one would; nine have more than there is."""
    record_activations(*subject, tmp_path / "one.h5", provenance(subject), 7)
    ends = together(size, lambda: recorded(subject, tmp_path / "several.h5"), tmp_path / "errors")
    assert ends == [(0, "")] * size
    assert_same(tmp_path / "one.h5", tmp_path / "several.h5")
    check_recording(tmp_path / "several.h5")


def test_samples_are_cut_between_blocks():
    for samples in (1, 15, 16, 17, 100):
        for size in (1, 2, 3, 8):
            parts = cut(samples, BLOCK, size)
            assert [first for first, _ in parts] == [0, *(last for _, last in parts[:-1])]
            assert parts[-1][1] == samples
            assert all(first % BLOCK == 0 or first == samples for first, _ in parts)
            blocks = [-(-(last - first) // BLOCK) for first, last in parts]
            assert max(blocks) - min(blocks) <= 1
            ends = [rank * sum(blocks) // size for rank in range(size + 1)]
            assert blocks == [last - first for first, last in pairwise(ends)]
            assert parts[-1][0] < samples, "of one block the last process has all"


@pytest.mark.parametrize("moment", [1, 3, 4])
def test_a_killed_job_goes_on_to_the_same_files(subject, tmp_path, monkeypatch, moment):
    """One is killed while it writes a block, and again nobody is."""
    path, calm = tmp_path / "a" / "r.h5", tmp_path / "b" / "r.h5"
    assert together(2, lambda: recorded(subject, calm), tmp_path / "errors") == [(0, "")] * 2
    write = RecordingWriter.write
    calls = []

    def killed(self, *arguments):
        calls.append(None)
        if current().rank == 1 and len(calls) == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        write(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(RecordingWriter, "write", killed)
        ends = together(2, lambda: recorded(subject, path), tmp_path / "errors")
    assert ends[1][0] == -signal.SIGKILL
    assert ends[0][1].startswith("JobError: rank 0: found rank 1 is gone")
    with pytest.raises(MismatchError, match="no such file"):
        open_recording(path)
    assert together(2, lambda: recorded(subject, path), tmp_path / "errors") == [(0, "")] * 2
    assert contents(path) == contents(calm)
    assert [file.name for file in path.parent.iterdir() if file.name.startswith(".")] == []


def test_a_file_that_is_whole_is_used_again(subject, tmp_path, monkeypatch):
    path = tmp_path / "r.h5"
    together(2, lambda: recorded(subject, path), tmp_path / "errors")
    (tmp_path / "r.json").unlink()
    (tmp_path / "r.1-of-2.h5").unlink()
    before = (tmp_path / "r.0-of-2.h5").stat().st_mtime_ns
    assert together(2, lambda: recorded(subject, path), tmp_path / "errors") == [(0, "")] * 2
    assert (tmp_path / "r.0-of-2.h5").stat().st_mtime_ns == before
    check_recording(path)


def test_files_of_another_number_of_ranks_are_recorded_anew_and_said_to_be(subject, tmp_path, capfd):
    path = tmp_path / "r.h5"
    together(2, lambda: recorded(subject, path), tmp_path / "errors")
    (tmp_path / "r.json").unlink()
    together(3, lambda: recorded(subject, path), tmp_path / "errors")
    assert (
        "r.0-of-2.h5, r.1-of-2.h5 are of another number of ranks; all is recorded anew by 3" in capfd.readouterr().err
    )
    assert sorted(file.name for file in tmp_path.glob("r.*")) == [
        "r.0-of-3.h5",
        "r.1-of-3.h5",
        "r.2-of-3.h5",
        "r.json",
    ]
    recorded(subject, path)  # alone
    assert [file.name for file in tmp_path.glob("r.*")] == ["r.h5"]


def test_ranks_without_samples_have_no_part(subject):
    assert parts_of(*subject, 9)[0] == {}
    assert {"train", "test"} == {name for part in parts_of(*subject, 9) for name in part}


def test_the_manifest_leaves_no_name_of_this_machine(subject, tmp_path):
    together(2, lambda: recorded(subject, tmp_path / "r.h5"), tmp_path / "errors")
    assert str(Path(tmp_path)) not in (tmp_path / "r.json").read_text()


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(("size", "store"), [(2, 0.2), (3, 0.2), (3, 2), (4, 1)])
def test_several_store_the_samples_that_one_stores(subject, tmp_path, size, store, dtype):
    """Also where no sample of some process is stored."""
    model, data = subject
    record_activations(model, data, tmp_path / "one.h5", provenance(subject), 7, StoreOptions(dtype), store=store)

    def record():
        path = tmp_path / "several.h5"
        record_together(model, data, path, provenance(subject), 7, StoreOptions(dtype), current(), store)

    assert together(size, record, tmp_path / "errors") == [(0, "")] * size
    assert_same(tmp_path / "one.h5", tmp_path / "several.h5")
    check_recording(tmp_path / "several.h5")
    with open_recording(tmp_path / "one.h5") as one, open_recording(tmp_path / "several.h5") as several:
        assert np.array_equal(one.kept, several.kept)
        assert one.kept_by == several.kept_by != ""
        for name, cost in one.rounding.items():
            np.testing.assert_allclose(several.rounding[name], cost, rtol=1e-9)
