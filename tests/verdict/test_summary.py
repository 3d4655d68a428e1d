"""What somebody asks first is answered in the words of the task, with the run's own numbers, and leads somewhere."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tiny_runs import colours, mlp, one_node, unlabelled
from verdict.profiles import COPIES, profile
from verdict.test_verdict import boundaries, evidence

from interp.types import Alert, Effects, Inference
from interp.verdict.evidence import Evidence
from interp.verdict.layers import layer_verdicts
from interp.verdict.reading.read import not_read
from interp.verdict.summary import (
    GOOD,
    IS,
    MOST_LAYERS,
    MOST_STEPS,
    NEXT,
    READS,
    answers,
    how_good,
    what_it_is,
    what_it_reads,
)

WARNING = Alert("dead", "warning", "3 of 8 nodes are dead.", "Prune them.", "all-nodes")


def whole(results):
    return Evidence(results.model, results.data, results.boundaries, results.effects, reading=results.reading)


def asked(found, question):
    return [answer for answer in found if answer.question == question]


@pytest.mark.parametrize("make", [mlp, colours, one_node, unlabelled])
def test_every_network_is_told_what_it_is_how_good_and_what_it_reads(make):
    found = answers(whole(make()))
    assert {IS, GOOD, READS} <= {answer.question for answer in found}
    assert not any(word in answer.answer for answer in found for word in ("nan", "None", "  "))


def test_a_chain_is_described_by_its_widths_and_others_by_their_layers():
    assert what_it_is(whole(mlp())) == (
        "A network of 3 layers (64 inputs, then 8, 6 and 3 nodes) for naming the class of an input, looked at with "
        "images of digits, 8 by 8 pixels."
    )
    assert "2 layers (1 conv2d, 1 linear; 7 nodes)" in what_it_is(whole(colours()))
    assert "6 by 6 pixels in 3 channels" in what_it_is(whole(colours()))
    assert "one layer" in what_it_is(whole(one_node()))
    assert "rows of columns, 5 columns each" in what_it_is(whole(one_node()))


def test_the_score_stands_beside_that_of_the_best_constant_answer():
    results = mlp()
    said = how_good(whole(results))
    assert f"{results.model.scores['test']:.2%} right on 45 test samples" in said
    assert f"{results.model.scores['train']:.2%} right on 90 training samples" in said
    commonest = np.bincount(results.data.splits["test"].labels).max() / 45
    assert f"the best constant answer gets {commonest:.2%} right" in said
    fit = Inference("as expected", "likely", "95.00% right on 90 training rows; nearest class means: 81.00% right")
    judged = replace(results.model, inferred={"fit": fit})
    held = "On its training samples that is more than a simple model gets (nearest class means: 81.00% right)."
    assert how_good(replace(whole(results), model=judged)).endswith(held)


def test_measured_values_are_spoken_of_as_such():
    results = one_node()
    values = np.linspace(0.0, 1.0, 120)[:, None]
    splits = {
        name: replace(split, labels=None, targets=values[: len(split)]) for name, split in results.data.splits.items()
    }
    model = replace(results.model, task="regression", scores={"train": 0.25, "test": 0.17})
    found = Evidence(model, replace(results.data, splits=splits, classes=()))
    assert "for predicting measured values" in what_it_is(found)
    said = how_good(found)
    assert said.startswith("R² 0.1700 on 40 test samples, R² 0.2500 on 80 training samples; the best constant answer ")
    assert "perfection is R² 1.0000" in said
    assert "right" not in said.partition("perfection")[0]


def test_without_labels_nothing_is_said_of_how_good_it_is():
    assert how_good(whole(unlabelled())).startswith("There are no labels or targets")


def test_every_layer_has_a_sentence_and_many_are_counted():
    few = layer_verdicts({f"fc{i}": profile(leaning) for i, leaning in enumerate(("distances", "intensities"))})
    assert [answer.layer for answer in what_it_reads(few)] == ["fc0", "fc1"]
    many = list(what_it_reads(layer_verdicts({f"fc{i}": profile("neither") for i in range(20)})))
    assert many[0].answer == "What is read of 20 layers, how many of each: neither 20."
    assert len(many) == MOST_LAYERS + 1
    assert (many[1].layer, many[-1].layer) == ("fc0", "fc19")
    left = layer_verdicts({f"fc{i}": not_read("too much work") for i in range(20)})
    some = "fc0, fc1, fc2, fc3, fc4, fc5 and 14 more: not read, since too much work."
    assert [answer.answer for answer in what_it_reads(left)][1:] == [some], "those with one reason together"
    part = layer_verdicts({f"fc{i}": profile("neither") if i == 7 else not_read("too much work") for i in range(20)})
    assert [answer.layer for answer in what_it_reads(part)] == ["", "fc7", ""]
    few = layer_verdicts(
        {"fc0": not_read("too much work"), "fc1": not_read("too few samples"), "fc2": profile("neither")}
    )
    assert [answer.layer for answer in what_it_reads(few)] == ["fc2", "", ""]
    assert [answer.answer for answer in what_it_reads(())] == ["There is no hidden layer to read."]


def test_what_to_do_comes_from_alerts_first_and_is_said_once():
    note = replace(WARNING, name="no-test-split", severity="note", do="Give a test split.")
    steps = asked(answers(evidence(), (WARNING, WARNING, note)), NEXT)
    assert [(step.answer, step.place) for step in steps[:2]] == [
        ("Dead: prune them.", "all-nodes"),
        ("No test split: give a test split.", "all-nodes"),
    ]
    many = tuple(replace(WARNING, do=f"Step {i}.") for i in range(9))
    assert len(asked(answers(evidence(), many), NEXT)) == MOST_STEPS


def test_dead_nodes_can_go_and_undecided_layers_are_read_again():
    dead = boundaries(True)
    dead = replace(dead, kind=np.where(np.arange(len(dead.kind)) < 2, "dead", dead.kind))
    few = profile(copied_balance={kind: np.linspace(-0.1, 0.1, 9) for kind in COPIES})
    found = evidence(boundaries={"fc1": dead, "fc2": boundaries(True)}, reading={"fc1": few})
    steps = asked(answers(found), NEXT)
    assert any("2 nodes are dead and can be removed" in step.answer for step in steps)
    assert any("Read fc1 again with more copies" in step.answer and step.place == "reading" for step in steps)
    assert not any("can be removed" in step.answer for step in asked(answers(found, (WARNING,)), NEXT))


def test_where_nothing_is_wrong_the_most_costly_node_is_the_next_thing_to_see():
    results = mlp()
    found = evidence(boundaries={"fc1": boundaries(True)}, reading={"fc1": profile("distances")})
    (step,) = asked(answers(found), NEXT)
    table = results.effects.training_nodes
    table = table[table["layer"] != "fc3"]
    worst = table.loc[table["difference"].idxmin()]
    assert step.place == f"{worst['layer']}:{worst['node']}"
    nothing = replace(found, effects=Effects(pd.DataFrame(), pd.DataFrame(), {}, {}))
    assert asked(answers(nothing), NEXT) == []
