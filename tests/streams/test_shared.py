"""What one process of a machine makes, others of it have too, whatever becomes of that one."""

import os
import signal
import tempfile
import time

import numpy as np
import pytest
from together import together

from interp.ranks import ALONE, current
from interp.streams import Kept, RowsOnDisk
from interp.streams.nameless import Nameless
from interp.streams.shared import once


def made():
    kept = Kept("drawn")
    kept.add(np.arange(60, dtype=np.float32).reshape(20, 3))
    return {"x": kept.rows(), "y": np.arange(20), "words": np.array(["a", "b"], object), "none": np.zeros((0, 3))}


def test_one_process_makes_it_itself():
    assert once(ALONE, lambda: 7) == 7


@pytest.mark.parametrize("killed", [False, True])
def test_one_makes_it_and_all_have_it(tmp_path, monkeypatch, killed):
    (tmp_path / "room").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "room"))

    def work():
        ranks = current()
        found = once(ranks, lambda: (tmp_path / f"made by {ranks.rank}").touch() or made())
        assert not any((tmp_path / "room").iterdir())  # a kill at any moment leaves nothing
        ranks.told(None)
        if killed:
            if ranks.rank == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(0.2)
        assert isinstance(found["x"], RowsOnDisk)
        for name, array in made().items():
            assert found[name].dtype == array.dtype
            np.testing.assert_array_equal(found[name], array)
        found["y"][:] = ranks.rank  # each one's own
        assert killed or ranks.told(int(found["y"][0])) == [0, 1]

    assert [code for code, _ in together(2, work, tmp_path)] == [-signal.SIGKILL if killed else 0, 0]
    assert [path.name for path in tmp_path.glob("made*")] == ["made by 0"]
    assert not any((tmp_path / "room").iterdir())


@pytest.mark.parametrize("kind", ["no pickle", "not wanted", "no room", "not reached"])
def test_what_cannot_be_handed_on_is_made_by_each(tmp_path, monkeypatch, kind):
    def refused(*given):
        raise OSError("no room")

    if kind == "no room":
        monkeypatch.setattr("interp.streams.shared.packed", refused)
    if kind == "not reached":
        monkeypatch.setattr(Nameless, "opened", refused)

    def work():
        rank = current().rank
        make = (lambda: lambda: rank) if kind == "no pickle" else lambda: rank
        found = once(current(), make, lambda made: kind != "not wanted")
        assert (found() if kind == "no pickle" else found) == rank

    assert together(2, work, tmp_path) == [(0, "")] * 2
