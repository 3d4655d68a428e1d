"""What is done of a stage before an interrupt is kept, and the same command goes on from there, to the same results."""

import shutil
import signal
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import quick
import torch
from run.planted import GIVEN, SMALL, planted_data

from interp.cli.main import main
from interp.run.folder import remove_run
from interp.run.parts import Parts, parts_of, remove_parts
from interp.run.pipeline import run_stage, run_stages
from interp.run.run import start
from interp.run.stages import STAGES
from interp.store.checks.sound import SEAL
from interp.types import Provenance, Thresholds

pytestmark = pytest.mark.usefixtures("few_draws")

OPTIONS = replace(SMALL, interventions=replace(SMALL.interventions, control_samples=40, control_shuffles=1))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Run all stages once on a network of three layers."""
    folder = tmp_path_factory.mktemp("whole")
    torch.manual_seed(0)
    widths = {"a": (4, 5), "b": (5, 4), "c": (4, 3)}
    state = {f"{name}.weight": torch.randn(out, read) for name, (read, out) in widths.items()}
    torch.save(state | {f"{name}.bias": torch.randn(out) for name, (_, out) in widths.items()}, folder / "net.pt")
    planted_data(folder / "data.npz")
    with quick.few_draws():
        run_stages(opened(folder / "out"))
    return folder / "out"


@pytest.fixture
def out(whole, tmp_path):
    """Give a copy of the finished run's folder."""
    return Path(shutil.copytree(whole, tmp_path / "out"))


def opened(out, folder=None):
    inputs = folder or out.parent
    return start(inputs / "net.pt", out, str(inputs / "data.npz"), GIVEN, options=OPTIONS)


def seal_of(path):
    """Give the digest of all that a file holds."""
    with h5py.File(path) as file:
        return bytes(file.attrs[SEAL])


def hidden(out):
    return [path.name for path in out.iterdir() if path.name.startswith(".")]


# --------------------------------------------------------------------------- stages

WORK = {
    "fit": ("interp.run.stages.fit.fit_values", 3, 1),
    "boundaries": ("interp.run.stages.boundaries.classify_boundaries", 3, 1),
    "prototypes": ("interp.run.stages.prototypes.find_prototypes", 3, 1),
    "screen": ("interp.run.stages.screen.find_alike", 3, 1),
    "clusters": ("interp.run.stages.clusters._sample", 3, 2),
    "intervene": ("interp.interventions.sweep.tally", 3, 2),
    "attribute": ("interp.run.stages.attribute.attribute", 2, 1),
    "read": (
        "interp.verdict.reading.measure.rank_noise",
        2 * 3,
        1,
    ),  # the network, and two kinds of copies
}
"""Stage -> a function that it calls, for how many layers, and how often for each."""


def calls_of(monkeypatch, function, interrupted_at=None):
    """Follow the calls of a function; one of them is interrupted."""
    module, _, name = function.rpartition(".")
    plain, calls = getattr(sys.modules[module], name), []

    def followed(*given, **named):
        calls.append(name)
        if len(calls) == interrupted_at:
            raise KeyboardInterrupt
        return plain(*given, **named)

    monkeypatch.setattr(function, followed)
    return calls


@pytest.mark.parametrize("name", WORK)
def test_an_interrupt_in_the_last_layer_costs_that_layer(name, out, whole, monkeypatch):
    monkeypatch.setattr("interp.run.parts.LEAST_SECONDS", 0)
    function, layers, calls_each = WORK[name]
    run = opened(out, whole.parent)
    stage = run.stage(name)
    run.path(name).unlink()
    with monkeypatch.context() as patched:
        calls_of(patched, function, interrupted_at=layers * calls_each)
        with pytest.raises(KeyboardInterrupt, match=f" in {name}; finished stages and what is done of this one are"):
            run_stage(run, stage)
    assert not run.path(name).exists()
    assert len(parts_of(run.path(name))) == layers - 1
    calls = calls_of(monkeypatch, function)
    run_stage(run, stage)
    assert len(calls) == calls_each
    assert hidden(out) == []
    assert seal_of(run.path(name)) == seal_of(whole / stage.file)


def test_what_takes_no_time_is_not_kept(out, whole, monkeypatch):
    monkeypatch.setattr("interp.run.parts.LEAST_SECONDS", 1e9)
    run = opened(out, whole.parent)
    run.path("fit").unlink()
    calls_of(monkeypatch, WORK["fit"][0], interrupted_at=3)
    expected = " in fit; finished stages are kept, and the same command begins this one again"
    with pytest.raises(KeyboardInterrupt, match=expected):
        run_stage(run, run.stage("fit"))
    assert hidden(out) == []


def test_every_stage_of_layers_keeps_what_it_has_done():
    by_itself = "record"  # from sample to sample
    assert set(WORK) == set(STAGES) - {by_itself}


def test_a_real_signal_is_answered_with_what_is_kept_and_the_same_command_goes_on(out, monkeypatch, capsys):
    """How a process that a signal meets in its first moments ends is in `tests/cli/test_program.py`."""
    monkeypatch.setattr("interp.run.parts.LEAST_SECONDS", 0)
    words = ["intervene", "--out", str(out), "--levels", "1", "--interventions", "scale,offset"]
    tally = "interp.interventions.sweep.tally"
    calls, plain = [], sys.modules["interp.interventions.sweep"].tally

    def signalled(*given, **named):
        calls.append(1)
        if len(calls) == 5:
            signal.raise_signal(signal.SIGINT)
        return plain(*given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(tally, signalled)
        assert main(words) == 130
    line = (
        "interrupted in intervene; finished stages and what is done of this one are kept, and the same command goes on"
    )
    assert capsys.readouterr().err == f"{line} from there\n"
    calls = calls_of(monkeypatch, tally)
    assert main(words) == 0
    assert len(calls) == 2, "the third layer's two splits"
    assert hidden(out) == []


# --------------------------------------------------------------------------- parts

PROVENANCE = Provenance("ab", "cd", 0, {}, {"fingerprint": "one"})


@pytest.fixture
def parts(tmp_path, monkeypatch):
    monkeypatch.setattr("interp.run.parts.LEAST_SECONDS", 0)
    return Parts(tmp_path / "gaussians.h5", Thresholds, PROVENANCE)


def made_or_kept(parts, name, value, kind=None):
    """Ask for a part; gives it, and whether it was made."""
    calls = []
    return parts(name, lambda: calls.append(name) or value, kind), bool(calls)


def made(parts, name, value, kind=None):
    """Ask for a part as a stage that begins does."""
    return made_or_kept(replace(parts, asked=Counter()), name, value, kind)


def test_a_part_is_made_once(parts):
    first, second = Thresholds(epsilon=0.5), Thresholds(epsilon=0.7)
    assert made(parts, "a", first) == (first, True)
    assert made(parts, "b", second) == (second, True)
    assert made(parts, "a", second) == (first, False)
    assert len(parts_of(parts.path)) == 2
    remove_parts(parts.path)
    assert list(parts.path.parent.iterdir()) == []


def test_two_parts_of_one_name_are_told_apart(parts):
    for is_new in (True, False):
        stage = replace(parts, asked=Counter())
        first, second = (made_or_kept(stage, "fc1", Thresholds(epsilon=value)) for value in (1, 2))
        assert (first[0].epsilon, second[0].epsilon) == (1, 2)
        assert first[1] == second[1] == is_new


def test_a_part_of_other_inputs_or_a_damaged_one_is_made_anew(parts):
    first, second = Thresholds(epsilon=0.5), Thresholds(epsilon=0.7)
    made(parts, "a", first)
    other = replace(parts, provenance=replace(PROVENANCE, settings={"fingerprint": "two"}))
    assert made(other, "a", second) == (second, True)
    assert made(parts, "a", first) == (first, True)
    file = parts_of(parts.path)[0]
    file.write_bytes(file.read_bytes()[:-100])
    assert made(parts, "a", second) == (second, True)


def test_tables_and_several_results_are_kept_as_they_are(parts):
    table = pd.DataFrame({"layer": ["fc1", "fc1"], "score": [0.5, np.nan], "no_op": [True, False]})
    for value in (table, (table, pd.DataFrame())):
        name = str(type(value))
        made(parts, name, value, pd.DataFrame)
        found, again = made(parts, name, None, pd.DataFrame)
        assert not again
        for one, expected in zip(
            found if isinstance(found, tuple) else [found], value if isinstance(value, tuple) else [value], strict=True
        ):
            pd.testing.assert_frame_equal(one, expected, check_column_type=False)


def test_parts_go_with_the_run_that_they_belong_to(parts):
    made(parts, "a", Thresholds())
    (parts.path.parent / ".mine.h5.0a.part").write_bytes(b"the user's own")
    remove_run(parts.path.parent, [parts.path.name])
    assert hidden(parts.path.parent) == [".mine.h5.0a.part"]


def test_what_killed_runs_left_half_written_goes_with_the_next_one(out, whole):
    """A part of a stage that has its file, as a kill between the two leaves it; a recording that was begun stays."""
    left = [".report.html.0a1b2c3d.partial", "figures/.clamps.png.0a1b2c3d.partial", ".gaussians.h5.0a1b2c3d.partial"]
    begun, mine = ".activations.h5.partial", ".mine.h5.0a1b2c3d.partial"
    (out / "figures").mkdir()
    for name in (*left, ".gaussians.h5.0123456789abcdef.part", begun, mine):
        (out / name).write_bytes(b"half")
    run_stages(opened(out, whole.parent), ["fit"])
    assert sorted(hidden(out)) == [begun, mine]
    assert list((out / "figures").iterdir()) == []
