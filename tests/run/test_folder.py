"""A folder holds one network's results and has one writer; what is removed is what a run wrote."""

import fcntl
import json
import os
import signal
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from forked import forked
from run.planted import WORDS, planted_data, planted_network, planted_run

from interp.cli.main import main
from interp.errors import UsageError
from interp.report.sections import SECTIONS
from interp.run.folder import locked, page_figures, provenances, remove_run
from interp.run.pipeline import run_stages
from interp.store import write_text

pytestmark = pytest.mark.usefixtures("few_draws", "blank_figures")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Work in a folder with two networks and two data sets."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate("ab"):
        planted_data(tmp_path / f"{name}.npz", seed=number)
        planted_network(tmp_path / f"{name}.pt", dead=-float(number))
    return tmp_path


@pytest.fixture
def few_sections(monkeypatch):
    """Draw two sections of the page: the others take seconds."""
    few = {name: SECTIONS[name] for name in ("distributions", "reproduce")}
    monkeypatch.setattr("interp.cli.report.SECTIONS", few)


def report(*words):
    return main(["report", *words, *WORDS, "--out", "out"])


def content():
    return {str(path): path.read_bytes() for path in sorted(Path("out").rglob("*")) if path.is_file()}


def one_line(capsys):
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: ")
    return line


def test_another_networks_report_is_refused_and_replaces_nothing_unless_told(here, few_sections, capsys):
    assert report("a.pt", "--data", "a.npz") == 0
    before = content()
    Path("out/figures/notes.txt").write_text("the user's own")
    Path("out/own.h5").write_text("the user's own")
    capsys.readouterr()
    for words, said in (
        (("b.pt", "--data", "a.npz"), r"out: found results of another model"),
        (("a.pt", "--data", "b.npz"), r"out: found results of another data"),
    ):
        assert report(*words) == 2
        line = one_line(capsys)
        assert said in line
        assert "--overwrite" in line
    assert {**before, "out/figures/notes.txt": b"the user's own", "out/own.h5": b"the user's own"} == content()
    for path in Path("out").glob("*.h5"):  # the page alone tells whose it is
        if path.name != "own.h5":
            path.unlink()
    assert report("b.pt", "--data", "a.npz") == 2
    old = {name for name in before if name.startswith("out/figures")}
    assert report("b.pt", "--data", "a.npz", "--overwrite") == 0
    after = content()
    assert after["out/own.h5"] == after["out/figures/notes.txt"] == b"the user's own"
    shown = {f"out/{name}" for name in page_figures(Path("out"))}
    assert shown <= set(after)
    assert {name for name in old if name in after} <= shown, "figures of the first network that the second has not"
    assert all(after[name] != before[name] for name in before if name.endswith(".h5"))


@pytest.mark.parametrize("name", ["gaussians.h5", "report.html", "figures"])
def test_what_lies_in_the_way_is_found_before_the_work(name, here, capsys):
    """A folder in the place of the page was found after all stages had run, and called a full disk."""
    path = Path("out", name)
    path.parent.mkdir()
    if name == "figures":
        path.write_text("the user's own")
    else:
        path.mkdir()
    assert report("a.pt", "--data", "a.npz") == 2
    kind = "a file" if name == "figures" else "a folder"
    assert one_line(capsys).startswith(f"error: {path}: found {kind};")
    assert [found.name for found in Path("out").iterdir()] == [name]


def test_record_of_another_network_is_refused_too(here, capsys):
    words = (*WORDS[:6], "--data", "a.npz", "--out", "out")
    assert main(["record", "a.pt", *words]) == 0
    assert main(["record", "b.pt", *words]) == 2
    assert "results of another model" in one_line(capsys)
    assert main(["record", "b.pt", *words, "--overwrite"]) == 0
    assert {path.name for path in Path("out").iterdir()} == {"activations.h5", "timings.json"}


def test_overwriting_removes_stages_that_the_new_run_has_not_made(here):
    run_stages(planted_run(here), ["fit"])
    (here / "out" / ".effects.h5.0a1b2c3d.partial").touch()
    (here / "out" / ".activations.h5.partial").touch()
    remove_run(here / "out", ["activations.h5", "effects.h5"])
    assert list((here / "out").iterdir()) == []


def test_a_folder_of_somebody_elses_files_is_left_alone(here):
    Path("out/figures").mkdir(parents=True)
    for name in ("report.json", "mine.h5", "figures/a.png"):
        Path("out", name).write_text("[]")
    remove_run(Path("out"), [])
    assert {path.name for path in Path("out").rglob("*")} == {"mine.h5", "figures", "a.png"}


NAMES = [
    "figures/..", "figures/notes.txt", "figures/../notes.png", "notes.png", "figures/a\0.png", "figures/\ud800.png",
    f"figures/{'x' * 5000}.png", "figures/b.png", "/etc/hostname", None, 5,
]  # fmt: skip


def test_a_page_names_pictures_and_nothing_else_that_is_removed(tmp_path):
    """Names that lead elsewhere, that no file can have, or that a folder has; also deeper than can be followed."""
    for folder in ("figures", "figures/b.png", "gaussians.h5"):
        (tmp_path / folder).mkdir()
    for name in ("notes.png", "figures/notes.txt", "figures/a.png"):
        (tmp_path / name).write_text("")
    figures = [{"file": name} for name in (*NAMES, "figures/a.png")]
    (tmp_path / "report.json").write_text(json.dumps({"sections": {"a": {"figures": figures}}}))
    assert page_figures(tmp_path) == ["figures/a.png"]
    remove_run(tmp_path, ["gaussians.h5"])
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert left == {"figures", "figures/b.png", "figures/notes.txt", "gaussians.h5", "notes.png"}
    (tmp_path / "report.json").write_text("[" * 100_000)
    assert page_figures(tmp_path) == []


def test_pictures_behind_a_link_are_somebody_elses(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.png").write_text("")
    (tmp_path / "figures").symlink_to(tmp_path / "mine")
    (tmp_path / "report.json").write_text(json.dumps({"sections": {"a": {"figures": [{"file": "figures/a.png"}]}}}))
    remove_run(tmp_path, [])
    assert (tmp_path / "mine" / "a.png").exists()


@pytest.mark.parametrize(
    "said", [[], None, {"model_digest": "a"}, {"model_digest": "a", "data_digest": "b", "settings": []}]
)
def test_a_page_without_provenance_says_nothing_of_whose_it_is(tmp_path, said):
    (tmp_path / "report.json").write_text(json.dumps({"provenance": said}))
    assert list(provenances(tmp_path)) == []


def test_other_architectures_are_refused_before_anything_is_written(here, capsys):
    torch.save({"a.weight": torch.randn(3, 4), "a.bias": torch.zeros(3)}, "small.pt")
    assert report("a.pt", "small.pt", "--data", "a.npz") == 2
    assert "small.pt: found layers" in one_line(capsys)
    assert not Path("out").exists()


# --------------------------------------------------------------------------- one writer


def test_a_second_run_is_told_of_the_first(here, capsys):
    Path("out").mkdir()
    other = os.open("out", os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    words = ("--data", "a.npz", "--out", "out", *WORDS[:6])
    for command in ("record", "report"):
        assert main([command, "a.pt", *words]) == 2
        assert "out: found another run that is writing into it; expected one at a time; wait" in one_line(capsys)
    assert list(Path("out").iterdir()) == []
    os.close(other)
    assert main(["record", "a.pt", *words]) == 0


def test_a_killed_run_lets_go_of_its_folder(tmp_path):
    told, tell = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which the child has none of and needs none
        holder = os.fork()
    if holder == 0:
        try:
            with locked(tmp_path / "out"):
                os.write(tell, b"held")
                time.sleep(600)
        finally:
            os._exit(1)
    os.close(tell)
    try:
        assert os.read(told, 4) == b"held"
        with pytest.raises(UsageError, match="another run that is writing"), locked(tmp_path / "out"):
            pass
    finally:
        os.kill(holder, signal.SIGKILL)
        os.waitpid(holder, 0)
        os.close(told)
    with locked(tmp_path / "out"):
        assert (tmp_path / "out").exists()


def test_a_folder_in_which_nothing_was_written_is_not_left(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "new" / "out"):
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []
    with locked(tmp_path), locked(tmp_path):
        (tmp_path / "file").touch()
    assert (tmp_path / "file").exists()


def test_a_file_system_without_locks_is_used_all_the_same(tmp_path, monkeypatch):
    def unknown(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("interp.run.folder.fcntl.flock", unknown)
    with locked(tmp_path):
        np.save(tmp_path / "a.npy", np.zeros(1))


def hold_with_a_copy(folder):
    """Hold a folder, with a copy of the process that goes on for long."""
    with locked(folder):
        copy = os.fork()
        if copy:
            write_text(folder / "copy", str(copy))
        time.sleep(60)
        os._exit(0)


def test_a_copy_of_a_killed_process_does_not_hold_its_folder(tmp_path):
    """Layers are worked on in copies, and loaders of data have some: whoever kills the program does not kill those."""
    holder = forked(hold_with_a_copy, tmp_path)
    while not (tmp_path / "copy").exists():
        time.sleep(0.01)
    copy = int((tmp_path / "copy").read_text())
    with pytest.raises(UsageError, match="another run that is writing into it"), locked(tmp_path):
        pass
    holder.kill()
    holder.join()
    with locked(tmp_path):
        pass
    os.kill(copy, signal.SIGKILL)
