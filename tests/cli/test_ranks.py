"""Commands that the processes of a job do not divide: one runs them, and all end as it does."""

import pytest
import torch
from run.planted import planted_data
from together import together

from interp.cli.main import main
from interp.errors import UsageError
from interp.ranks import current

GIVEN = ("--data", "data.npz", "--activation", "abs", "--scaling", "raw", "--output", "linear")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Work in a folder with a network and its data."""
    monkeypatch.chdir(tmp_path)
    torch.save({"a.weight": torch.ones(3, 4), "a.bias": torch.zeros(3)}, "net.pt")
    torch.save({"a.weight": -torch.ones(3, 4), "a.bias": torch.zeros(3)}, "other.pt")
    planted_data(tmp_path / "data.npz")
    return tmp_path


def ends(folder, code, *words):
    """Run a command in two processes, and see that it gives both a code."""

    def work():
        assert main(words) == code
        assert current().size == 2

    return together(2, work, folder / "errors")


def test_all_end_as_the_first_does(here):
    assert ends(here, 1, "check", "net.pt", *GIVEN, "--fail-on", "test_score<2") == [(0, "")] * 2
    assert ends(here, 0, "inspect", "net.pt", *GIVEN[:2]) == [(0, "")] * 2


def test_networks_are_compared_by_the_first(here):
    assert ends(here, 0, "compare", "net.pt", "other.pt", *GIVEN, "--brief", "--out", "out") == [(0, "")] * 2
    assert len(list((here / "out").rglob("activations.h5"))) == 2, "each the recording of one process"


@pytest.mark.parametrize("command", ["record", "report"])
def test_the_folder_is_tried_by_the_first_alone(here, monkeypatch, command):
    """Each makes it and removes it again: of two one found it gone."""

    def tried(folder):
        (here / f"tried.{current().rank}").touch()
        raise UsageError(folder, found="no room", expected="room", do="look")

    home = {"record": "stage", "report": "report"}[command]
    monkeypatch.setattr(f"interp.cli.{home}.check_writable", tried)
    ends(here, 2, command, "net.pt", *GIVEN, "--out", "out")
    assert [path.name for path in here.glob("tried.*")] == ["tried.0"]


def test_a_request_for_help_is_no_failure(here):
    def work():
        with pytest.raises(SystemExit, match="0"):
            main(["check", "--help"])

    assert together(2, work, here / "errors") == [(0, "")] * 2
