"""The first screen: every answer leads to its place, alerts to theirs, and layers stand under questions."""

import re
from dataclasses import replace

import pytest
from tiny_runs import colours, mlp, one_node, unlabelled

from interp.report import SECTIONS
from interp.report.html.first_screen import LEADS, LEADS_OF, MOST_ALERTS, MOST_NODES, MOST_STEPS, alerts, answers
from interp.report.html.render import render
from interp.report.sections.questions import MEANINGS, MOST, layer_questions
from interp.types import Alert, Answer
from interp.verdict.alerts import ALERTS
from interp.verdict.answers import DISTRUST, NODES, ORDER, READS
from interp.verdict.answers.reads import of_layers
from interp.verdict.commands import FILLED_IN

from .planted import nothing_analysed

ALERT = Alert(
    "dead", "warning", "9 of 10 nodes are dead.", "Prune them.", "nodes", tuple(f"fc1:{i}" for i in range(11))
)


def made(results):
    return {key: maker(results) for key, maker in SECTIONS.items() if key in ("verdict", "reading", "model", "nodes")}


def no_figures(results):
    return {key: replace(section, figures=()) for key, section in made(results).items()}


def test_every_answer_leads_to_a_place_of_the_page():
    results = mlp()
    places = ("reading", "all-nodes", "fc1:2", "clusters", "fc9:1", "")
    given = tuple(Answer("What", f"{i}", place) for i, place in enumerate(places))
    results = replace(results, verdict=replace(results.verdict, answers=given))
    found = [answer["link"] for answer in answers(results, made(results))["What"]]
    read, nodes = ("#reading", "curves of every layer"), ("#all-nodes", "table of all nodes")
    expected = [read, nodes, ("#fc1:2", "fc1:2"), ("", ""), ("", ""), ("", "")]
    assert found == expected, "what is not on the page is no link"


def test_links_say_what_they_lead_to():
    """Several lead to one section, where different things stand."""
    results = mlp()
    sections = made(results)
    given = tuple(Answer(question, "It is so.", "model") for question in ("What it is", "How good it is"))
    raised = tuple(replace(ALERT, name=name, place="model") for name in ("limited", "uncertain-reading"))
    results = replace(results, verdict=replace(results.verdict, answers=given, alerts=raised))
    answered = [one for found in answers(results, sections).values() for one in found]
    said = [one["link"][1] for one in (*answered, *alerts(results, sections))]
    assert said == ["how the file was read", "scores", "what was left out", "how the file was read"]
    assert set(LEADS) <= {*SECTIONS, "all-nodes"}
    assert set(LEADS_OF) <= {*ALERTS, *ORDER}


def test_a_layer_that_was_read_has_its_profile_beside_it():
    results = mlp()
    found = answers(results, made(results))[READS]
    drawn = [(name, str(drawing)) for answer in found for name, drawing in answer["drawings"]]
    assert sorted(name for name, _ in drawn) == ["fc1", "fc2"]
    assert all(text.startswith("<svg") and ">10%</text>" in text and ">0%</text>" in text for _, text in drawn)
    leads = [answer["lead"] for answer in found if answer["drawings"]]
    assert all(lead.startswith("Layer") and lead.endswith(").") for lead in leads)
    assert all(answer["drawings"] == [] for answer in answers(results, {})[READS])


def test_a_step_has_its_command():
    results = mlp()
    step = Answer("What to do next", "Compare.", command="interp compare a.pt PRUNED --data 'my <data>.npz'")
    results = replace(results, verdict=replace(results.verdict, answers=(step,)))
    (found,) = answers(results, {})["What to do next"]
    assert (found["lead"], found["text"], found["command"]) == ("Compare.", "", step.command)
    assert found["to_fill_in"] == {"PRUNED": FILLED_IN["PRUNED"]}


def test_what_is_long_is_folded_away_and_what_is_short_is_not():
    results = mlp()
    long = "Words that say how. " * 10
    steps = tuple(Answer("What to do next", f"Do it. {rest}", command="interp x") for rest in ("So.", long))
    raised = tuple(replace(ALERT, evidence=f"Seen: 9 of 10. {rest}") for rest in ("So.", long))
    results = replace(results, verdict=replace(results.verdict, answers=steps, alerts=raised))
    short, folded = answers(results, {})["What to do next"]
    assert (short["text"], short["folded"]) == ("So.", "")
    assert (folded["lead"], folded["text"], folded["folded"]) == ("Do it.", "", long)
    assert [(one["lead"], one["text"]) for one in alerts(results, {})] == [
        ("Seen:", "9 of 10. So."),
        ("Seen:", "9 of 10."),
    ]
    page = render(results, no_figures(results), {})
    assert page.count(f'<details class="fold"><summary>how</summary><p>{long}</p>') == 1, "as it is, without scripts"


def test_rows_stand_in_their_order_on_the_page():
    """What it is, how good, what to distrust and to do, and only then what was found of layers and nodes."""
    results = mlp()
    page = render(results, no_figures(results), {})
    rows = re.findall(r"<dt>(.*?)</dt><dd>", page.partition('<dl class="answers">')[2].partition("</dl>")[0])
    assert rows == [question for question in ORDER if question == DISTRUST or question in answers(results, {})]
    assert rows[:2] == ["What it is", "How good it is"]


@pytest.mark.parametrize("command", ["interp x", ""])
def test_further_steps_and_alerts_are_folded_away(command):
    results = mlp()
    steps = tuple(Answer("What to do next", f"Step {i}.", command=command) for i in range(MOST_STEPS + 2))
    raised = tuple(replace(ALERT, evidence=f"Alert {i}.") for i in range(MOST_ALERTS + 1))
    results = replace(results, verdict=replace(results.verdict, answers=steps, alerts=raised))
    page = render(results, no_figures(results), {})
    shown, fold, rest = page.partition("<summary>2 more</summary>")
    assert f"<b>Step {MOST_STEPS - 1}.</b>" in shown
    assert f'<span class="step">{MOST_STEPS + 1}.</span> <b>Step {MOST_STEPS}.</b>' in rest
    assert fold
    assert "<summary>1 more</summary>" in shown


@pytest.mark.parametrize("make", [mlp, colours])
def test_kinds_are_counted_alike_in_the_text_and_in_both_tables(make):
    """Hidden nodes alone: the last layer's outputs are the answers."""
    results = make()
    said = " ".join(answer.answer for answer in results.verdict.answers if answer.question == NODES)
    table = next(table for table in SECTIONS["verdict"](results).tables if "kind" in table.frame.columns).frame
    of_kind = {cell.text: count.value for cell, count in zip(table["kind"], table["nodes"], strict=True)}
    in_text = {kind: int(count) for count, kind in re.findall(r"(\d+) (coherent|adhoc|one-sided|dead|undecided)", said)}
    of_all = re.search(r"(\d+) of \d+ hidden nodes undecided", said)
    in_text |= {"undecided": int(of_all[1])} if of_all else {}
    assert in_text == {kind: count for kind, count in of_kind.items() if count and kind != "unsampled"}
    (layers,) = layer_questions(results)
    idle = " ".join(cell.text for cell in layers.frame["idle"])
    for kind in ("dead", "one-sided"):
        assert sum(map(int, re.findall(rf"(\d+) {kind}", idle))) == of_kind[kind]
    counted = {
        name: sum(of.values()) for name, of in ((name, part.counts) for name, part in results.boundaries.items())
    }
    assert sum(of_kind.values()) == sum(counted[layer.name] for layer in results.model.hidden)


@pytest.mark.parametrize(
    ("command", "has_some"),
    [("interp compare a.pt PRUNED", True), ("interp inspect NET.pt --data DIGITS/x.npz", False), ("", False)],
)
def test_words_in_capitals_are_explained_only_where_there_are_any(command, has_some):
    results = mlp()
    step = Answer("What to do next", "Look.", command=command)
    results = replace(results, verdict=replace(results.verdict, answers=(step,)))
    assert ("<code>PRUNED</code>: the file of" in render(results, no_figures(results), {})) == has_some


def test_the_last_layer_and_channels_are_spoken_of_where_layers_were_read():
    results = mlp()
    page = render(results, no_figures(results), {})
    assert "The last layer is not asked: its outputs are the answers." in page
    assert "a convolution's node, a channel, has one at each place of the input" in page


def test_text_and_table_name_what_decides_in_the_same_words():
    """Also where a layer differs from its copies and yet has no preference of its own."""
    results = mlp()
    first, second = results.verdict.layers
    unlike = replace(first, leaning="neither", p_holm=0.04)
    left = replace(
        second, leaning="undecided", p_holm=float("nan"), statistics={}, why="it was not tested: too much work"
    )
    read = {"fc1": results.reading["fc1"], "fc2": replace(results.reading["fc2"], skipped="too much work")}
    results = replace(results, verdict=replace(results.verdict, layers=(unlike, left)), reading=read)
    (table,) = layer_questions(results)
    said = [read.answer for read in of_layers((unlike, left))]
    assert [cell.text for cell in table.frame["which outputs decide"]] == ["no clear preference", "not tested"]
    assert said[0].startswith("Layer fc1: no clear preference (p = 0.04")
    assert said[1] == "Layer fc2: not tested. Too much work."


def test_a_badge_says_from_when_on_an_alert_is_raised():
    results = mlp()
    results = replace(results, verdict=replace(results.verdict, alerts=(ALERT, replace(ALERT, name="of-a-user"))))
    page = render(results, no_figures(results), {})
    assert page.count('title="raised where 10 % or more of the nodes of a hidden layer are dead"') == 1


def test_an_alert_names_some_of_its_nodes_and_counts_the_others():
    results = mlp()
    results = replace(results, verdict=replace(results.verdict, alerts=(ALERT,)))
    (found,) = alerts(results, made(results))
    assert found["link"] == ("#nodes", "list of these nodes")
    assert found["nodes"][0] == ("#fc1:0", "fc1:0")
    assert (len(found["nodes"]), found["more"]) == (MOST_NODES, 11 - MOST_NODES)


def test_layers_stand_under_questions_with_their_own_numbers():
    results = mlp()
    (table,) = layer_questions(results)
    assert [cell.text for cell in table.frame["layer"]] == ["fc1", "fc2"]
    assert set(MEANINGS) <= set(table.frame.columns)
    row = table.frame.iloc[0]
    found = results.boundaries["fc1"]
    assert row["idle"].text == f"{found.counts['dead']} dead, {found.counts['one-sided']} one-sided"
    assert row["boundary near a cluster"].text == f"{100 * found.share[found.at_threshold]:.0f} %"
    tolerance = results.effects.tolerance
    own = tolerance[(tolerance["network"] == "given") & (tolerance["layer"] == "fc1")].iloc[0]
    assert re.fullmatch(r"chance \d+ %, p = [01]\.\d{3}", row["boundary near a cluster"].note)
    assert "The last layer is not among them" in table.caption
    weakened = "none" if own["scale_low"] >= 1 else f"to {own['scale_low']:.2f} times"
    assert row["weakened"].text == weakened


@pytest.mark.parametrize("make", [colours, one_node, unlabelled])
def test_other_networks_have_what_was_found(make):
    (table,) = layer_questions(make())
    assert "idle" in table.frame.columns


def test_nothing_found_is_no_table_and_many_layers_are_thinned():
    bare = nothing_analysed(mlp())
    assert layer_questions(replace(bare, verdict=replace(bare.verdict, layers=()))) == ()
    results = mlp()
    layers = tuple(replace(results.model.layers[0], name=f"l{i}") for i in range(40))
    model = replace(results.model, layers=layers)
    found = {layer.name: results.boundaries["fc1"] for layer in layers}
    (table,) = layer_questions(replace(results, model=model, boundaries=found))
    assert len(table.frame) == MOST
    assert "24 of 39 hidden layers" in table.caption


def test_measured_values_are_not_spoken_of_as_predictions():
    results = mlp()
    measured = replace(results, model=replace(results.model, task="regression"))
    (table,), (classes,) = layer_questions(measured), layer_questions(results)
    assert "99 % of the predictions kept" in classes.meanings["weakened"]
    assert "99 % of the variance of its own outputs explained" in table.meanings["weakened"]
