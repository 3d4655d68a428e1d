"""Finished stages are not run again, unless something that they depend on has changed; an interrupt costs one stage."""

import shutil
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import quick
from run.planted import GIVEN, SMALL, planted_run

from interp.run import parts
from interp.run.find import needed
from interp.run.fingerprint import code_digest, stage_provenance
from interp.run.pipeline import run_all, run_stage, run_stages
from interp.run.resumption import resume
from interp.run.run import start
from interp.run.stages import STAGES
from interp.store.blocks import CheckedRows
from interp.store.checks import sound
from interp.types import Thresholds

pytestmark = pytest.mark.usefixtures("few_draws")

AFTER_FIT = ["fit", "boundaries", "prototypes", "clusters"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Run all stages once, and keep the results; count how often each file is digested."""
    folder, digested, plain = tmp_path_factory.mktemp("whole"), Counter(), sound._digest

    def counted(file, nodes):
        digested.update([Path(file.filename).name])
        return plain(file, nodes)

    with quick.few_draws(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sound, "_digest", counted)
        patch.setattr(parts, "LEAST_SECONDS", float("inf"))  # on a busy machine a layer takes long enough to be kept
        return folder, run_all(planted_run(folder, SMALL)), digested


@pytest.fixture
def folder(whole, tmp_path):
    """Give a copy of the folder of a finished run."""
    shutil.copytree(whole[0], tmp_path, dirs_exist_ok=True)
    return tmp_path


def run_again(run):
    """Run all stages; gives the names of those that were not reused, and the results."""
    told = []
    results = run_all(run, told.append)
    return not_reused(run, told), results


def anew(run):
    """Run all stages without a verdict; gives the names of those that were not reused."""
    told = []
    run_stages(run, told=told.append)
    return not_reused(run, told)


def not_reused(run, told):
    assert [done.stage.name for done in told] == list(run.stages)
    return [done.stage.name for done in told if not done.is_reused]


def test_nothing_is_run_twice(folder, whole):
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "out").iterdir()}
    ran, results = run_again(planted_run(folder, SMALL))
    assert ran == []
    assert {path.name: path.stat().st_mtime_ns for path in (folder / "out").iterdir()} == before
    assert results.effects.table.equals(whole[1].effects.table)
    assert results.made == whole[1].made


def test_a_file_is_digested_when_it_is_written_and_the_recording_when_a_stage_reads_it(whole):
    run, digested = planted_run(whole[0], SMALL), whole[2]
    needs = Counter(need for stage in run.stages.values() for need in stage.needs)
    read = {name: sum(count for file, count in digested.items() if run.stages[name].file in file) for name in needs}
    again = 5  # when written, and under its name; clusters and alerts read the test split
    assert read == {name: needs["record"] + again if name == "record" else 0 for name in needs}
    assert digested.total() - sum(read.values()) == len(run.stages) - 1, "the others are written in memory"


CHANGES = {
    "epsilon": (replace(SMALL, thresholds=Thresholds(epsilon=0.1)), ["boundaries", "prototypes", "clusters"]),
    "directions": (replace(SMALL, directions=3), ["boundaries", "prototypes", "clusters"]),
    "bins": (replace(SMALL, gaussians=replace(SMALL.gaussians, bins=40)), AFTER_FIT),
    "exemplars": (replace(SMALL, prototypes=replace(SMALL.prototypes, exemplars=2)), ["prototypes", "clusters"]),
    "repetitions": (replace(SMALL, clusters=replace(SMALL.clusters, repetitions=3)), ["clusters"]),
    "levels": (replace(SMALL, interventions=replace(SMALL.interventions, levels=9)), ["intervene"]),
    "steps": (replace(SMALL, attribution=replace(SMALL.attribution, steps=5)), ["attribute"]),
    "drawn nodes": (replace(SMALL, limits=replace(SMALL.limits, nodes_per_layer=2)), AFTER_FIT),
    "seed": (replace(SMALL, seed=1), ["record", *(name for name in STAGES if name != "record")]),
}


def outdated(run):
    """Give the stages whose files are of other options, inputs or code, and those that need them; none is run."""
    found = []
    for name, stage in run.stages.items():
        is_other = run.provenance_of(name).fingerprint != stage_provenance(run, stage).fingerprint
        if is_other or set(stage.needs) & set(found):
            found.append(name)
    return found


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_option_outdates_what_depends_on_it_and_no_more(change, whole):
    options, expected = CHANGES[change]
    assert outdated(planted_run(whole[0], options)) == expected


def test_what_is_outdated_is_run_and_as_from_the_start_whatever_was_there_before(folder, whole):
    run_bins = planted_run(folder, CHANGES["bins"][0])
    assert anew(run_bins) == AFTER_FIT
    assert run_bins.read("fit")["a"].histogram.shape[1] == 40
    ran, mixed = run_again(planted_run(folder, SMALL))
    assert ran == AFTER_FIT
    fresh = whole[1]
    assert mixed.effects.table.equals(fresh.effects.table)
    assert [made.fingerprint for made in mixed.made] == [made.fingerprint for made in fresh.made]
    for layer, found in fresh.clusters.items():
        np.testing.assert_array_equal(mixed.clusters[layer][0].centroids, found[0].centroids)


def test_the_same_network_elsewhere_is_the_same(folder, tmp_path_factory):
    elsewhere = shutil.copy(folder / "net.pt", tmp_path_factory.mktemp("elsewhere") / "copy.pt")
    run = start(elsewhere, folder / "out", str(folder / "data.npz"), GIVEN, options=SMALL)
    assert outdated(run) == []
    assert outdated(resume(folder / "out", SMALL)) == []


def test_another_interpretation_of_the_file_is_not_the_same(whole):
    given = replace(GIVEN, activation="relu")
    run = start(whole[0] / "net.pt", whole[0] / "out", str(whole[0] / "data.npz"), given, options=SMALL)
    assert outdated(run) == list(STAGES)


def test_other_code_outdates_everything(whole, monkeypatch):
    monkeypatch.setattr("interp.run.fingerprint.code_digest", lambda: "other")
    assert outdated(planted_run(whole[0], SMALL)) == list(STAGES)


def test_the_code_that_only_shows_results_is_not_among_that_code(tmp_path, monkeypatch):
    for name in ("analysis/fits.py", "report/page.py", "cli/main.py", "api/front_door.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
    monkeypatch.setattr("interp.run.fingerprint.PACKAGE", tmp_path)
    digests = []
    for name in ("report/page.py", "cli/main.py", "api/front_door.py", "analysis/fits.py"):
        (tmp_path / name).write_text("2")
        code_digest.cache_clear()
        digests.append(code_digest())
    code_digest.cache_clear()
    assert digests[0] == digests[1] == digests[2] != digests[3]


def test_a_changed_intervention_of_the_users_is_run_again(folder, monkeypatch):
    code = "from interp.interventions import Edit\ndef half(level, ranges):\n    return Edit(before=lambda z: z * {})\n"
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    options = replace(SMALL, interventions=replace(SMALL.interventions, interventions=("own_edits:half",)))
    found = []
    for factor in (0.5, 0.5, 0.1):
        Path("own_edits.py").write_text(code.format(factor))
        sys.modules.pop("own_edits", None)
        run = planted_run(folder, options)
        told = []
        run_stages(run, ["intervene"], told.append)
        found.append([done.stage.name for done in told if not done.is_reused])
    sys.modules.pop("own_edits", None)
    assert found == [["intervene"], [], ["intervene"]]


@pytest.mark.parametrize("names", [list(STAGES)[::2], list(STAGES)[1::2]], ids=["even", "odd"])
def test_damaged_files_are_made_anew_and_no_others(names, folder):
    run = planted_run(folder, SMALL)
    for name in names:
        content = bytearray(run.path(name).read_bytes())
        content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
        run.path(name).write_bytes(content)
    assert anew(run) == names


# --------------------------------------------------------------------------- interrupts

WORK = {
    "record": "interp.recording.record._output_statistics",
    "fit": "interp.run.stages.fit.fit_values",
    "boundaries": "interp.run.stages.boundaries.classify_boundaries",
    "screen": "interp.run.stages.screen.find_alike",
    "prototypes": "interp.run.stages.prototypes.find_prototypes",
    "clusters": "interp.run.stages.clusters.match_all",
    "intervene": "interp.interventions.sweep.levels",
    "attribute": "interp.verdict.attribution.target.as_tensor",
    "read": "interp.run.stages.read.read_layers",
}
"""Stage -> a function that it calls for each layer, or once."""


def test_an_interrupt_in_any_stage_costs_that_stage_and_no_other(folder, monkeypatch, whole):
    assert list(WORK) == list(STAGES)
    run, files = planted_run(folder, SMALL), {path.name for path in (folder / "out").glob("*.h5")}
    for name, function in WORK.items():
        told, path = [], run.path(name)
        aside = path.rename(folder / path.name)
        with monkeypatch.context() as patch:

            def interrupted(*_, **__):
                raise KeyboardInterrupt

            patch.setattr(function, interrupted)
            kept = "and what is done of this one are kept" if name == "record" else "are kept, .* begins this one again"
            with pytest.raises(KeyboardInterrupt, match=f"in {name}; finished stages {kept}"):
                run_stages(run, [name], told.append)
        assert {path.name for path in run.out.glob("*.h5") if not path.name.startswith(".")} == files - {path.name}
        assert [done.stage.name for done in told] == needed(run, [name])[:-1]
        assert all(done.is_reused for done in told)
        if name not in ("record", "read"):  # for others `test_parts` sees that they go on
            aside.rename(path)
        elif name == "record":
            run_stages(run, ["record"])
    ran, results = run_again(run)
    assert ran == ["read"]
    assert results.effects.table.equals(whole[1].effects.table)


def test_what_a_killed_run_had_begun_is_removed_when_its_stage_is_run(tmp_path):
    run = planted_run(tmp_path, SMALL)
    run_stages(run, ["record"])
    begun = run.out / ".gaussians.h5.0a1b2c3d.partial"
    begun.write_bytes(b"half")
    run_stage(run, run.stage("fit"))
    assert not begun.exists()


def test_values_are_read_back_where_they_are_used_again_and_not_where_they_were_just_written(tmp_path, monkeypatch):
    """What was just written need not be read: later stages compare each block with its checksum when they read it."""
    plain, read = CheckedRows.check, []
    monkeypatch.setattr(CheckedRows, "check", lambda self, *count: (read.append(self), plain(self, *count)))
    run = planted_run(tmp_path, SMALL)
    run_stage(run, run.stage("record"))
    assert not read
    run_stage(run, run.stage("record"))
    assert read
