"""Options and data that a later command in a folder says again: the same as recorded, or a file that was moved."""

from dataclasses import replace

import pytest
from run.planted import GIVEN, QUICK, planted_data, planted_network

from interp.checkpoints import LoadOptions
from interp.cli.main import main
from interp.data import DataOptions
from interp.errors import MismatchError, UsageError
from interp.run.pipeline import run_stage
from interp.run.resumption import resume
from interp.run.run import start


@pytest.fixture
def run(tmp_path):
    data, network = planted_data(tmp_path / "data.npz"), planted_network(tmp_path / "net.pt")
    run = start(network, tmp_path / "out", str(data), GIVEN, options=QUICK)
    run_stage(run, run.stage("record"))
    return run


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"only": "a"}, "made without --only, and --only a here; .*; leave --only out, or record"),
        ({"heads": 2}, "made without --heads, and --heads 2 here"),
        ({"scaling": "x/2"}, "made with --scaling raw, and --scaling x/2 here"),
    ],
)
def test_other_options_of_the_network_are_refused(given, found, run):
    """They would change nothing: the layers and values are those of the recording."""
    assert resume(run.out, QUICK, GIVEN).model.digest == run.model.digest
    with pytest.raises(UsageError, match=found) as refused:
        resume(run.out, QUICK, replace(LoadOptions(), **given))
    assert "\n" not in str(refused.value)


def test_other_options_of_the_data_are_refused(run):
    with pytest.raises(UsageError, match="made without --target, and --target y here"):
        resume(run.out, QUICK, where=DataOptions(target="y"))
    assert resume(run.out, QUICK, where=DataOptions(offline=True)).data.digest == run.data.digest


@pytest.mark.parametrize(("words", "is_refused"), [(["--categories", "one-hot"], True), ([], False)])
def test_a_default_that_is_said_is_held_against_the_recording_too(words, is_refused, tmp_path, capsys):
    data, network = planted_data(tmp_path / "data.npz"), planted_network(tmp_path / "net.pt")
    run = start(network, tmp_path / "out", str(data), GIVEN, DataOptions(categories="codes"), QUICK)
    run_stage(run, run.stage("record"))
    problem = "made with --categories codes, and --categories one-hot here; expected the same on this command"
    assert main(["fit", "--out", str(run.out), *words]) == (2 if is_refused else 0)
    assert (problem in capsys.readouterr().err) is is_refused


def test_data_that_were_moved_are_taken_from_where_they_are_now(run, tmp_path):
    moved = (tmp_path / "data.npz").rename(tmp_path / "moved.npz")
    with pytest.raises(UsageError, match=r"results of the data .*data\.npz, which is not there; .*; give --data"):
        resume(run.out, QUICK)
    assert resume(run.out, QUICK, data=str(moved)).data.digest == run.data.digest


def test_other_data_are_refused(run, tmp_path):
    with pytest.raises(MismatchError, match="results of another data"):
        resume(run.out, QUICK, data=str(planted_data(tmp_path / "other.npz", seed=1)))


def test_a_network_that_was_moved_is_asked_for(run, tmp_path):
    (tmp_path / "net.pt").rename(tmp_path / "moved.pt")
    with pytest.raises(UsageError, match=r"results of the network .*net\.pt, which is not there; .*; give the network"):
        resume(run.out, QUICK)
