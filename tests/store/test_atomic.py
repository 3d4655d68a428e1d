"""Nothing half-written under a final name, whoever writes and whatever stops it."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from interp.errors import UsageError
from interp.store import atomic_path, check_writable, write_bytes, write_text
from interp.store.atomic import cannot_write

ROOT = Path(__file__).parents[2]


def stopped(path, error):
    with atomic_path(path) as part:
        part.write_text("half")
        raise error


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with atomic_path(path) as part:
        part.write_text("half")
        assert not path.exists()
        assert [found.name[:7] for found in path.parent.iterdir()] == [".a.txt."]
        part.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_what_goes_wrong_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(error):
        stopped(path, error)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_said_in_one_line(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    message = r"a\.txt: found no space left on device; expected a folder with room .*; free some space, or choose"
    with pytest.raises(UsageError, match=message):
        stopped(path, OSError(28, "No space left on device"))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_file_do_not_mix(tmp_path):
    """Both begin before either ends: under one temporary name the file would hold parts of both."""
    path, begun = tmp_path / "a.txt", threading.Barrier(2)

    def write(letter):
        with atomic_path(path) as part, part.open("w") as file:
            file.write(letter * 1000)
            begun.wait(10)
            file.write(letter * 1000)

    writers = [threading.Thread(target=write, args=(letter,)) for letter in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert path.read_text() in ("a" * 2000, "b" * 2000)
    assert list(tmp_path.iterdir()) == [path]


def test_files_have_the_mode_that_the_user_set(tmp_path):
    command = "import os, sys; os.umask(0o027); from pathlib import Path; from interp.store import write_text;"
    subprocess.run([sys.executable, "-c", f"{command} write_text(Path(sys.argv[1]), 'x')", tmp_path / "a"], check=True)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_bytes_and_text_are_written_as_given(tmp_path):
    write_bytes(tmp_path / "a", memoryview(b"\0\r\n"))
    write_text(tmp_path / "b", "größer\n\udcff")
    assert (tmp_path / "a").read_bytes() == b"\0\r\n"
    assert (tmp_path / "b").read_bytes() == "größer\n?".encode()


def test_whether_a_folder_can_be_written_is_found_out_without_a_trace(tmp_path):
    check_writable(tmp_path / "a" / "b")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"file/in: found a file in the place of a folder above it; expected a folder"):
        check_writable(tmp_path / "file" / "in")


def limited(code, folder, bytes_a_file):
    """Run code where no file may grow beyond some bytes, as on a disk that is full."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes_a_file}, {bytes_a_file}))\n"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", limit + code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


RESULTS = """
from pathlib import Path
from interp.errors import UsageError
from interp.store import RecordingWriter, write_results
from interp.types import NodeLayer, Provenance, Thresholds

made_of = Provenance("ab", "cd", 0, {}, {"long": "x" * 50_000})
layers = (NodeLayer("fc1", "linear", 8, 4, "relu", "fc1"),)
try:
    if WHAT == "results":
        write_results(Path("out", "a.h5"), {"fc1": Thresholds()}, made_of)
    else:
        with RecordingWriter(Path("out", "a.h5"), layers, {"train": 2_000}, {"fc1": 1}, made_of):
            print("begun")
except UsageError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="space is reserved on Linux")
@pytest.mark.parametrize("what", ["results", "recording"])
def test_hdf5_does_not_end_the_program_where_the_disk_is_full(what, tmp_path):
    """It did, with hundreds of lines and a segmentation fault when the file was closed."""
    done = limited(f"WHAT = {what!r}\n{RESULTS}", tmp_path, 30_000)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "out/a.h5: found file too large; expected a folder with room that can be written; free some space, or choose"
        " another with --out; what is finished stays\n"
    )
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (
            errno.EACCES,
            "found permission denied; .* written; allow writing into it, or choose another with --out$",
        ),
        (errno.ENOSPC, "found no space left on device; .*; free some space, or choose another with --out; what is"),
        (errno.EROFS, "found read-only file system; .* written; choose another with --out$"),
        (errno.EEXIST, "found a file; .* written; choose another with --out$"),
        (errno.ENOTDIR, "found a file in the place of a folder above it; .* written; choose another with --out$"),
    ],
)
def test_what_to_do_follows_from_what_was_found(number, said):
    """All were told to free some space."""
    with pytest.raises(UsageError, match=said):
        raise cannot_write(Path("out"), OSError(number, "x"))


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for below, found in (("file", "a file"), ("file/x", "a file in the place of a folder above it")):
        with pytest.raises(UsageError, match=f"{below}: found {found};"):
            check_writable(tmp_path / below)
