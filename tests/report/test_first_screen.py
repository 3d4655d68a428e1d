"""The first screen: every answer leads to its place, alerts to theirs, and layers stand under questions."""

import re
from dataclasses import replace

import pytest
from tiny_runs import colours, mlp, one_node, unlabelled

from interp.report import SECTIONS
from interp.report.html.first_screen import MOST_NODES, alerts, answers
from interp.report.html.render import render
from interp.report.sections.questions import MEANINGS, MOST, layer_questions
from interp.types import Alert, Answer

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
    found = [(answer["place"], answer["words"]) for answer in answers(results, made(results))["What"]]
    read = made(results)["reading"].title
    expected = [("#reading", read), ("#all-nodes", "Look up a node"), ("#fc1:2", "fc1:2"), ("", ""), ("", ""), ("", "")]
    assert found == expected, "what is not on the page is no link"


def test_a_layer_that_was_read_has_its_profile_beside_it():
    results = mlp()
    found = answers(results, made(results))["What it reads"]
    drawn = [(name, str(drawing)) for answer in found for name, drawing in answer["drawings"]]
    assert sorted(name for name, _ in drawn) == ["fc1", "fc2"]
    assert all(text.startswith("<svg") and ">10%</text>" in text and ">0%</text>" in text for _, text in drawn)
    leads = [answer["lead"] for answer in found if answer["drawings"]]
    assert all(lead.startswith("Layer") and lead.endswith(". ") for lead in leads)
    assert all(answer["drawings"] == [] for answer in answers(results, {})["What it reads"])


def test_a_step_has_its_command():
    results = mlp()
    step = Answer("What to do next", "Compare.", command="interp compare a.pt PRUNED --data 'my <data>.npz'")
    results = replace(results, verdict=replace(results.verdict, answers=(step,)))
    (found,) = answers(results, {})["What to do next"]
    assert (found["lead"], found["text"], found["command"]) == ("", "Compare.", step.command)


@pytest.mark.parametrize(
    ("command", "has_some"),
    [("interp compare a.pt PRUNED", True), ("interp inspect NET.pt --data DIGITS/x.npz", False), ("", False)],
)
def test_words_in_capitals_are_spoken_of_only_where_there_are_any(command, has_some):
    results = mlp()
    step = Answer("What to do next", "Look.", command=command)
    results = replace(results, verdict=replace(results.verdict, answers=(step,)))
    assert ("Words in capitals" in render(results, no_figures(results), {})) == has_some


def test_the_last_layer_and_channels_are_spoken_of_where_layers_were_read():
    results = mlp()
    page = render(results, no_figures(results), {})
    assert "The last layer is not asked: its outputs are the answers." in page
    assert "Each node (in a convolution: each channel)" in page


def test_an_alert_names_some_of_its_nodes_and_counts_the_others():
    results = mlp()
    results = replace(results, verdict=replace(results.verdict, alerts=(ALERT,)))
    (found,) = alerts(results, made(results))
    assert found["place"] == ("#nodes", made(results)["nodes"].title)
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
    assert re.fullmatch(r"by chance \d+ %; p of as many or more [01]\.\d{3}", row["boundary near a cluster"].note)
    assert "The last layer is not among them" in table.caption
    weakened = "no weakening" if own["scale_low"] >= 1 else f"to {own['scale_low']:.2f} times"
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
