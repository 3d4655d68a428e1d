"""Pages of the stages up to one: they open, say what was left out, and claim nothing of it."""

import json
from pathlib import Path

import pytest
import quick
from jsonschema import Draft202012Validator
from run.planted import WORDS, planted_data, planted_network, planted_run

import interp
from interp.cli.main import main
from interp.errors import UsageError
from interp.run.find import needed, not_run
from interp.run.stages import STAGES

pytestmark = pytest.mark.usefixtures("few_draws", "blank_figures")

SCHEMA = json.loads((Path(interp.__file__).parent / "report" / "schema.json").read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("until")
    planted_data(found / "data.npz")
    planted_network(found / "net.pt")
    return found


def reported(folder, *words):
    """Make a page in a folder, and give its exit code with what report.json holds."""
    words = ("net.pt", "--data", "data.npz", *WORDS, "--quick", *words, "--out", "out")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        code = main(["report", *words])
    found = json.loads((folder / "out" / "report.json").read_text()) if code == 0 else {}
    return code, found


@pytest.fixture(scope="module")
def until_boundaries(folder):
    with quick.few_draws(), quick.blank_figures():
        code, found = reported(folder, "--until", "boundaries")
    assert code == 0
    return found, (folder / "out" / "report.html").read_text(), {path.name for path in (folder / "out").iterdir()}


def test_only_the_stages_up_to_it_are_run(until_boundaries):
    found, _, files = until_boundaries
    assert [stage["stage"] for stage in found["stages"]] == ["record", "fit", "boundaries"]
    pages = {"report.html", "report.json", "timings.json"}
    assert files == {"activations.h5", "gaussians.h5", "boundaries.h5", *pages}


def test_its_document_is_one_of_the_schema(until_boundaries):
    Draft202012Validator(SCHEMA).validate(until_boundaries[0])


def test_the_page_says_what_was_left_out(until_boundaries):
    found, page, _ = until_boundaries
    first = found["limits"][0]
    assert (first["what"], first["looked_at"], first["of"]) == ("stages of the analysis", 3, len(STAGES))
    assert "not run: screen, prototypes, clusters, intervene, attribute, read" in first["rule"]
    assert found["sections"]["reading"]["text"] == ["Not looked at: the stage “read” was not run."]
    assert found["sections"]["boundaries"]["text"] != ["Not looked at: the stage “boundaries” was not run."]
    (limited,) = (alert for alert in found["alerts"] if alert["name"] == "limited")
    assert "3 of 9 stages of the analysis" in limited["evidence"]
    assert "Not looked at: the stage “read” was not run." in page


def test_nothing_is_counted_of_a_stage_that_was_left_out(until_boundaries):
    words = " ".join(limit["what"] for limit in until_boundaries[0]["limits"])
    assert not any(said in words for said in ("k-means is", "interventions", "clamp", "swept", "layers are read"))


def test_results_of_the_stages_that_ran_are_told(until_boundaries):
    found, _, _ = until_boundaries
    assert any("dead" in said.lower() for said in found["verdict"]["findings"])
    assert found["nodes"][3]["kind"] == "dead"


def test_a_command_for_another_page_ends_with_the_same_stage(until_boundaries):
    commands = [alert["command"] for alert in until_boundaries[0]["alerts"] if alert["command"]]
    pages = [one for one in commands if one.startswith("interp report") and "--everything" not in one]
    assert pages
    assert all("--until boundaries" in one for one in pages)
    assert all("--until" not in one for one in commands if "--everything" in one)


def test_a_later_end_goes_on_from_the_earlier_one(folder, until_boundaries, capsys):
    code, found = reported(folder, "--until", "prototypes")
    assert code == 0
    told = capsys.readouterr().err
    assert "unchanged in boundaries.h5" in told
    assert "unchanged in prototypes.h5" not in told
    assert found["prototypes"]
    assert found["sections"]["clusters"]["text"] == ["Not looked at: the stage “clusters” was not run."]


@pytest.mark.parametrize("last", ["record", "fit"])
def test_no_kind_is_told_of_nodes_whose_boundaries_were_not_looked_at(tmp_path, last):
    found = interp.analyse(*planted(tmp_path), until=last, quick=True)
    assert not any("dead" in said.lower() for said in found.verdict.findings)
    assert all(answer.question != "What its nodes are" for answer in found.verdict.answers)
    assert found.save(tmp_path / "page").name == "report.html"
    Draft202012Validator(SCHEMA).validate(json.loads((tmp_path / "page" / "report.json").read_text()))


def planted(folder):
    return planted_network(folder / "net.pt"), str(planted_data(folder / "data.npz"))


def test_which_outputs_decide_is_not_answered(until_boundaries):
    answers = {one["question"]: one["answer"] for one in until_boundaries[0]["verdict"]["answers"]}
    assert answers["Which outputs decide"] == "Not looked at: the stage “read”, which tells, was not run."
    assert "no hidden layer" not in until_boundaries[0]["verdict"]["headline"]


def test_an_unknown_stage_is_one_line(folder, capsys):
    assert reported(folder, "--until", "boundary")[0] == 2
    line = capsys.readouterr().err.strip()
    assert line.count("\n") == 0
    assert "found 'boundary'" in line
    assert "did you mean boundaries" in line


def test_a_last_stage_and_named_stages_are_not_both_taken(tmp_path):
    with pytest.raises(UsageError, match="until= beside stages="):
        interp.analyse(*planted(tmp_path), stages=["fit"], until="fit")


def test_stages_of_the_users_own_are_run_too(tmp_path, monkeypatch):
    code = (
        "import numpy as np\n"
        "from interp.run.stage import Stage\n"
        "STAGE = Stage('own', 'Own.', 'own.h5', np.ndarray, ('clusters',), dict, lambda found: ['own'])\n"
    )
    (tmp_path / "a_users_last.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    run = planted_run(tmp_path, until="fit", stages=["a_users_last:STAGE"])
    assert needed(run) == ["record", "fit", "boundaries", "prototypes", "clusters", "own"]
    assert not_run(run) == ("screen", "intervene", "attribute", "read")


def test_several_networks_are_not_tested_over_where_the_sweeps_are_left_out(tmp_path):
    other = planted_network(tmp_path / "other.pt", dead=1.0)
    run = planted_run(tmp_path, until="read", others=[other])
    assert not_run(run) == ("runs",)
