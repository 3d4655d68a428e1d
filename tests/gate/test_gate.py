"""The gate: conditions as they are written, exit codes, files, and a network beside an earlier one."""

import json
import re
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from sklearn.datasets import load_digits
from tiny_runs import mlp
from torch import nn

import interp
from interp.cli.main import main
from interp.errors import MismatchError, UsageError
from interp.gate.against import BEYOND, conditions_against, read_baseline, score_margin, share_margin
from interp.gate.check import Gate, conditions_of
from interp.gate.conditions import METRICS, Outcome, parse_conditions
from interp.gate.facts import Facts, Scored, facts_in, facts_of
from interp.gate.written import junit, summary
from interp.report.document.document import document
from interp.run.stages import STAGES
from interp.types import Alert
from interp.verdict.evidence import Evidence

pytestmark = pytest.mark.usefixtures("few_draws")

ROOT = Path(__file__).parents[2]
UNTRAINED = Alert("untrained", "error", "Every weight is small.", "Train it.")
FEW = Alert("small-sample", "warning", "Only 9.", "Get more.")
COUNTS = {"dead": 4, "one_sided": 2, "coherent": 8, "duplicate": 0, "saturated": 0}
FACTS = Facts("accuracy", True, "d" * 64, {"train": Scored(0.99, 1000), "test": Scored(0.96, 400)}, 40, COUNTS, ())
RAISED = replace(FACTS, alerts=(UNTRAINED, FEW))


@pytest.mark.parametrize(
    ("condition", "facts", "passed", "found"),
    [
        ("dead>5%", FACTS, False, "dead is 10.00%"),
        ("dead > 0.10", FACTS, True, "dead is 0.1"),
        ("dead>=10%", FACTS, False, "dead is 10.00%"),
        ("one-sided<=5%", FACTS, False, "one_sided is 5.00%"),
        ("test_score<0.97", FACTS, False, "test_score is 0.96"),
        ("test_score<96%", FACTS, True, "test_score is 96.00%"),
        ("gap>2e-2", FACTS, False, "gap is 0.03"),
        ("saturated>0", FACTS, True, "saturated is 0"),
        ("saturated>0", replace(FACTS, counts={}), False, "saturated is not known of these data"),
        ("alert:untrained", FACTS, True, "not raised"),
        ("alert:untrained", RAISED, False, "untrained: Every weight is small."),
        ("alert:small sample", RAISED, False, "small-sample: Only 9."),
        ("alert:error", RAISED, False, "untrained: Every weight is small."),
        ("alert:warning", RAISED, False, "untrained: Every weight is small.; small-sample: Only 9."),
        ("alerts>1", RAISED, False, "alerts is 2"),
    ],
)
def test_a_condition_passes_or_fails(condition, facts, passed, found):
    (read,) = parse_conditions(condition)
    outcome = read.outcome(facts)
    assert (outcome.condition, outcome.passed, outcome.found) == (condition, passed, found)
    assert set(read.stages) <= set(STAGES)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dead>", "found 'dead>'; expected METRIC<NUMBER"),
        ("dead=5", "found 'dead=5'"),
        ("dead>1.2.3", "found 'dead>1.2.3'"),
        ("", "expected conditions separated by commas"),
        ("dead>5%,,", "expected conditions separated by commas"),
        ("deda>5%", "did you mean dead"),
        ("alert:untraind", "did you mean untrained"),
    ],
)
def test_a_wrong_condition_is_one_line(text, said):
    with pytest.raises(UsageError, match=re.escape(said)):
        parse_conditions(text)


def test_without_conditions_any_error_turns_it_down():
    assert [one.text for one in conditions_of(None, None)] == ["alert:error"]


# --------------------------------------------------------------------------- beside an earlier run


def failed(now, before=FACTS):
    outcomes = [one.outcome(now) for one in conditions_against(before, "base.json")]
    return [outcome.condition for outcome in outcomes if not outcome.passed]


def with_test(score):
    return replace(FACTS, scores={**FACTS.scores, "test": Scored(score, 400)})


def with_count(**counts):
    return replace(FACTS, counts={**COUNTS, **counts})


@pytest.mark.parametrize(
    ("now", "conditions"),
    [
        (FACTS, []),
        (with_test(0.94), []),
        (with_test(0.90), ["test score does not fall"]),
        (with_test(1.0), []),
        (with_count(dead=8), []),
        (with_count(dead=20), ["no more dead nodes"]),
        (with_count(dead=0, coherent=0), []),
        (with_count(saturated=20, duplicate=20), ["no more duplicate nodes", "no more saturated nodes"]),
        (RAISED, ["no new alert that is an error"]),
        (replace(FACTS, alerts=(FEW,)), []),
        (replace(FACTS, scores={}), ["test score does not fall"]),
    ],
)
def test_what_is_worse_than_the_baseline_fails(now, conditions):
    assert failed(now) == conditions


def test_an_error_that_the_baseline_had_is_not_new():
    assert failed(RAISED, before=RAISED) == []


def test_other_data_are_refused():
    with pytest.raises(MismatchError, match=r"base\.json: found a report on other data"):
        failed(replace(FACTS, data_digest="e" * 64))


def test_margins_are_standard_errors_of_a_difference():
    before, now = Scored(0.9, 10_000), Scored(0.88, 5_000)
    share = (9000 + 4400) / 15_000
    error = (share * (1 - share) * (1 / 10_000 + 1 / 5_000)) ** 0.5
    assert score_margin(before, now) == pytest.approx(BEYOND * error, rel=1e-3)
    assert score_margin(Scored(1.0, 400), Scored(1.0, 400)) > 0
    assert share_margin(0.0, 10**9, 0.0, 10**9) == 0.1


def test_facts_of_a_run_are_those_of_its_report():
    found = mlp()
    parts = {"boundaries": found.boundaries, "screening": found.screening}
    direct = facts_of(Evidence(found.model, found.data, **parts), found.verdict.alerts)
    assert facts_in(json.loads(json.dumps(document(found)))) == direct
    kinds = [kind for name in ("fc1", "fc2") for kind in found.boundaries[name].kind]
    assert direct.counts["dead"] == kinds.count("dead") > 0
    assert direct.nodes == len(kinds) == 14
    assert set(direct.counts) == {name for name, metric in METRICS.items() if metric.stages}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": 2, "alerts": ["old"]}'])
def test_what_is_no_report_is_refused_in_one_line(content, tmp_path):
    (tmp_path / "b.json").write_text(content)
    with pytest.raises(MismatchError, match=r"b\.json: found something else, or an older schema"):
        read_baseline(tmp_path / "b.json")


def report_of(**changed):
    """Give the values of a report that a baseline is read from, some of them changed."""
    own = {"score_name": "accuracy", "task": "classification", "score": {"test": 0.9}, **changed.pop("model", {})}
    data = {"digest": "ab", "splits": {"test": 40}, **changed.pop("data", {})}
    return {"layers": [{"name": "a"}], "nodes": [], "alerts": [], "model": own, "data": data, **changed}


@pytest.mark.parametrize(
    "changed",
    [
        {"model": {"score": {"test": float("nan")}}},
        {"model": {"score": {"test": -0.1}}},
        {"model": {"score": {"test": 2}}},
        {"model": {"task": "regression", "score": {"test": -float("inf")}}},
        {"data": {"splits": {"test": 0}}},
        {"data": {"splits": {"test": float("inf")}}},
        {"nodes": [{"layer": "a", "twin": 10**400, "twin_correlation": 0, "saturated": 0}]},
    ],
)
def test_numbers_that_no_report_has_are_refused(changed, tmp_path):
    (tmp_path / "b.json").write_text(json.dumps(report_of(**changed)))
    with pytest.raises(MismatchError, match=r"b\.json: found something else, or an older schema"):
        read_baseline(tmp_path / "b.json")


def test_a_report_nested_without_end_is_refused(tmp_path):
    (tmp_path / "b.json").write_text("[" * 100_000)
    with pytest.raises(MismatchError, match=r"b\.json: found something else"):
        read_baseline(tmp_path / "b.json")


def test_a_report_does_not_choose_what_is_run(tmp_path, monkeypatch):
    """A task of the user's own is imported where the user names it, not where the earlier report alone does."""
    monkeypatch.syspath_prepend(tmp_path)
    lines = ("from pathlib import Path", "from interp.tasks import REGRESSION as TASK", "Path('ran').touch()")
    (tmp_path / "own_task.py").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.json").write_text(json.dumps(report_of(model={"task": "own_task:TASK"})))
    with pytest.raises(UsageError, match=r"found one of the task own_task:TASK; .* since it runs code"):
        read_baseline(tmp_path / "b.json")
    with pytest.raises(UsageError, match="own_task:TASK"):
        conditions_of(None, tmp_path / "b.json", "other:TASK")
    assert not (tmp_path / "ran").exists()
    assert not read_baseline(tmp_path / "b.json", "own_task:TASK").is_share


# --------------------------------------------------------------------------- files


HOSTILE = "<b>|`x`|</b>\x00]]>"
GATE = Gate(HOSTILE, "digits", (Outcome("dead>5%", False, HOSTILE), Outcome("gap>1%", True, "fine")), 1.5)


def test_junit_has_a_case_a_condition():
    suite = ElementTree.fromstring(junit(GATE))
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "time")} == {
        "tests": "2",
        "failures": "1",
        "errors": "0",
        "time": "1.500",
    }
    first, second = suite.findall("testcase")
    assert first.find("failure").get("message") == HOSTILE.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    assert second.find("failure") is None


def test_the_summary_is_a_table_that_text_cannot_break():
    text = summary(GATE)
    assert text.splitlines()[0] == "## interp check: 1 of 2 conditions failed"
    rows = [line for line in text.splitlines() if "**fail**" in line or "pass |" in line]
    assert len(rows) == 2
    assert "<b>" not in text
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 4 for row in rows)


# --------------------------------------------------------------------------- the command, the call and the fixture


def saved(path, steps):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y)
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    for _ in range(steps):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(x), y).backward()
        optimiser.step()
    torch.save(network.state_dict(), path)
    return network


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    return {name: (folder / f"{name}.pt", saved(folder / f"{name}.pt", steps)) for name, steps in STEPS.items()}


STEPS = {"good": 100, "untrained": 0}
SAID = ("--data", "digits", "--activation", "relu", "--scaling", "x/16", "--output", "linear")


@pytest.mark.parametrize(("name", "code"), [("good", 0), ("untrained", 1)])
def test_the_command_ends_as_conditions_say(networks, tmp_path, capsys, name, code):
    files = ("--junit", str(tmp_path / "j.xml"), "--summary", str(tmp_path / "s.md"))
    conditions = ("--fail-on", "test_score<0.9, alert:untrained")
    assert main(["check", str(networks[name][0]), *SAID, *conditions, *files]) == code
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed] == ["pass" if code == 0 else "FAIL"] * 2
    assert ElementTree.parse(tmp_path / "j.xml").getroot().get("failures") == str(2 * code)
    assert ("passed" in (tmp_path / "s.md").read_text()) == (code == 0)


@pytest.mark.parametrize(
    "words",
    [("--fail-on", "dead>"), ("--against", "missing.json"), ("--junit", "/proc/none/j.xml"), ("--data", "none")],
)
def test_what_cannot_be_checked_ends_in_one_line(networks, capsys, words):
    assert main(["check", str(networks["good"][0]), *SAID, *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_network_is_held_against_an_earlier_report(networks, tmp_path):
    gate = interp.check(networks["good"][1], "digits", scaling="x/16", fail_on="test_score<0.5")
    assert gate.passed
    found = interp.analyse(networks["good"][1], "digits", scaling="x/16", stages=["boundaries", "screen"])
    nodes = found.nodes.reset_index().astype(object)
    report = {
        "layers": [{"name": "0"}, {"name": "2"}],
        "nodes": json.loads(
            nodes[["name", "layer", "kind", "twin", "twin_correlation", "saturated"]].to_json(orient="records")
        ),
        "data": {"digest": found.data.digest, "splits": {name: len(part) for name, part in found.data.splits.items()}},
        "model": {"score_name": "accuracy", "task": "classification", "score": dict(found.model.scores)},
        "alerts": [],
    }
    (tmp_path / "report.json").write_text(json.dumps(report))
    against = {"against": tmp_path / "report.json", "scaling": "x/16"}
    assert interp.check(networks["good"][1], "digits", **against).passed
    worse = interp.check(networks["untrained"][1], "digits", **against)
    assert {one.condition for one in worse.outcomes if not one.passed} == {
        "test score does not fall",
        "no new alert that is an error",
    }


def test_the_fixture_passes_and_fails_tests(networks, pytester):
    pytester.makepyfile(
        f"""
        def test_good(interp_check):
            assert interp_check({str(networks["good"][0])!r}, "digits", activation="relu", scaling="x/16").passed

        def test_untrained(interp_check):
            interp_check({str(networks["untrained"][0])!r}, "digits", activation="relu", fail_on="test_score<0.9")
        """
    )
    is_installed = "interp" in entry_points(group="pytest11").names  # as by any installation since the plugin is there
    plugin = [] if is_installed else ["-p", "interp.gate.plugin"]
    result = pytester.runpytest_inprocess(*plugin, "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*FAIL  test_score<0.9: test_score is 0.*"])


def test_the_plugin_is_an_entry_point_that_imports_next_to_nothing():
    assert 'pytest11]\ninterp = "interp.gate.plugin"' in (ROOT / "pyproject.toml").read_text()
    source = (ROOT / "interp" / "gate" / "plugin.py").read_text()
    assert re.findall(r"^(?:from|import) (\w+)", source, re.M) == [
        "__future__",
        "collections",
        "pathlib",
        "typing",
        "pytest",
    ]


def test_the_documentation_lists_every_metric():
    page = (ROOT / "docs" / "gate.md").read_text()
    assert re.findall(r"^\| `(\w+)` \| (.+) \|$", page, re.M) == [(name, one.words) for name, one in METRICS.items()]
