"""A disk that is full: one line that says where and what to do, and the same command goes on once there is room."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from run.planted import GIVEN, planted_data, planted_network

from interp.cli import guarded
from interp.run import run_stages, start

pytestmark = pytest.mark.usefixtures("few_draws")
FULL = "; expected a folder with room that can be written; free some space, or choose another with --out; what is"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Work in a folder with a network and its data."""
    monkeypatch.chdir(tmp_path)
    planted_data(tmp_path / "a.npz")
    planted_network(tmp_path / "a.pt")
    return tmp_path


def run(out):
    """Record and fit; gives the exit code."""

    def stages():
        run_stages(start("a.pt", out, "a.npz", GIVEN), ["fit"])

    return guarded(stages)


def contents(out):
    found = {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    return {name: content for name, content in found.items() if name != "timings.json"}


def error_of(capsys):
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith("error: ")] == lines[-1:]
    return lines[-1]


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, "no space left on device"), (errno.EDQUOT, "disk quota exceeded")],
    ids=["full", "quota"],
)
@pytest.mark.parametrize("name", ["activations.h5", "gaussians.h5", "timings.json"])
def test_the_same_command_goes_on_once_there_is_room(here, monkeypatch, capsys, number, said, name):
    run("whole")
    capsys.readouterr()
    with monkeypatch.context() as patched:
        plain = Path.write_bytes, os.posix_fallocate

        def write_bytes(path, content):
            if name in path.name:
                plain[0](path, content[: len(content) // 2])
                raise OSError(number, os.strerror(number))
            return plain[0](path, content)

        def reserved(file, *sizes):
            if name == "activations.h5":
                raise OSError(number, os.strerror(number))
            plain[1](file, *sizes)

        patched.setattr(Path, "write_bytes", write_bytes)
        patched.setattr("os.posix_fallocate", reserved)
        assert run("out") == 2
        assert re.fullmatch(rf"error: out/{name}: found {said}{FULL} finished stays", error_of(capsys))
    assert not [path.name for path in Path("out").glob(".*")]
    assert run("out") == 0
    assert contents(Path("out")) == contents(Path("whole"))


def test_a_part_that_has_no_room_is_told_of_by_the_file_that_was_asked_for(here, monkeypatch, capsys):
    """What is kept of a stage before it is whole lies in a hidden file, whose name means nothing to a user."""

    plain = Path.write_bytes

    def write_bytes(path, content):
        if ".part." in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return plain(path, content)

    monkeypatch.setattr("interp.run.parts.LEAST_SECONDS", 0.0)
    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    assert run("out") == 2
    said = rf"error: out/gaussians\.h5: found no space left on device{FULL} finished stays"
    assert re.fullmatch(said, error_of(capsys))


def test_a_folder_that_cannot_be_written_is_said_in_one_line_before_the_work(here, monkeypatch, capsys):
    def refused(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    assert run("out") == 2
    expected = "error: out: found read-only file system; expected a folder with room that can be written; choose an"
    assert error_of(capsys).startswith(expected)


@pytest.fixture
def small_disk(here):
    """A disk of one megabyte, where the system lets this user have one."""
    folder = here / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="a disk of Linux")
@pytest.mark.parametrize("free", [200_000, 40_000, 6_000])
def test_a_real_disk_that_is_full(small_disk, capsys, free):
    """So little room is left that the recording, a part or the file of a stage does not fit."""
    run("whole")
    capsys.readouterr()
    ballast, room = small_disk / "ballast", os.statvfs(small_disk)
    ballast.write_bytes(b"x" * (room.f_bavail * room.f_frsize - free))
    assert run(small_disk / "out") == 2
    assert re.match(rf"error: {small_disk}/out/\S+: found no space left on device{FULL}", error_of(capsys))
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    assert run(small_disk / "out") == 0
    assert contents(small_disk / "out") == contents(Path("whole"))
