"""What somebody asks first is answered in the words of the task, with the run's own numbers, and leads somewhere."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tiny_runs import colours, mlp, one_node, unlabelled
from verdict.profiles import COPIES, profile
from verdict.test_verdict import boundaries, evidence

from interp.tasks.simple import Simple, simple_model
from interp.types import Alert, Effects, Inference
from interp.verdict.alerts import ALERTS, alerts, find_rule
from interp.verdict.answers import (
    DISTRUST,
    GOOD,
    IS,
    NEXT,
    NODES,
    ORDER,
    READS,
    answers,
    how_good,
    what_it_is,
    what_next,
)
from interp.verdict.answers.reads import MOST_DRAWN, of_layers
from interp.verdict.answers.steps import MOST_STEPS
from interp.verdict.evidence import Evidence
from interp.verdict.headline import headline
from interp.verdict.layers import layer_verdicts
from interp.verdict.reading.options import MOST_COPIES
from interp.verdict.reading.read import not_read

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
    assert what_it_is(whole(mlp())).startswith(
        "A network of 3 layers for naming the class of an input. 64 inputs, then 8, 6 and 3 nodes, looked at with "
        "images of digits, 8 by 8 pixels."
    )
    assert "2 layers for naming the class of an input. 1 conv2d and 1 linear, with 7 nodes," in what_it_is(
        whole(colours())
    )
    numbered = replace(
        colours().model, layers=tuple(replace(one, name=f"{2 * i}") for i, one in enumerate(colours().model.layers))
    )
    said = what_it_is(replace(whole(colours()), model=numbered))
    assert "1 conv2d and 1 linear, with 7 nodes (called layers 0 and 2, as in the file)" in said
    assert "6 by 6 pixels in 3 channels" in what_it_is(whole(colours()))
    assert "one layer" in what_it_is(whole(one_node()))
    assert "rows of columns, 5 columns each" in what_it_is(whole(one_node()))


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"activation": "uncertain", "input_scaling": "likely"},
         "Read with the activation relu (guessed: the data do not settle it) and the input scaling x/16 (inferred:"
         " the data single it out)."),
        ({"activation": "certain", "input_scaling": "certain"},
         "Read with the activation relu and the input scaling x/16 (both stated by the file or by you)."),
        ({}, "Read with the activation relu."),
    ],
)  # fmt: skip
def test_with_which_activation_and_scaling_it_was_read_is_said_and_how_sure_they_are(facts, said):
    results, values = mlp(), {"activation": "relu", "input_scaling": "x/16"}
    inferred = {name: Inference(values[name], confidence, "") for name, confidence in facts.items()}
    layers = tuple(replace(one, activation="relu") for one in results.model.layers)
    found = replace(whole(results), model=replace(results.model, inferred=inferred, layers=layers))
    assert what_it_is(found).endswith(said)


def test_the_score_stands_beside_that_of_the_best_constant_answer():
    results = mlp()
    said = how_good(whole(results))
    assert said.startswith(
        f"{results.model.scores['test']:.2%} right on 45 test samples, not shown better than a simple "
    )
    assert f"{results.model.scores['train']:.2%} right on 90 training samples" in said
    commonest = np.bincount(results.data.splits["test"].labels).max() / 45
    assert f"the best constant answer gets {commonest:.2%} right on the test samples" in said
    named = "The simple model, on the same test samples: it names the class whose mean training sample is nearest."
    assert said.endswith(named)
    fit = Inference("at chance", "likely", "9.00% right on 90 training rows; nearest class means: 81.00% right")
    judged = replace(whole(results), model=replace(results.model, inferred={"fit": fit}))
    assert how_good(judged).endswith("is nearest. On its training samples it is no better than chance.")
    well = replace(judged, model=replace(results.model, inferred={"fit": replace(fit, value="as expected")}))
    assert "On its training samples" not in how_good(well), "one comparison, on the samples of the score"
    no_test = replace(well, data=replace(results.data, splits={"train": results.data.train}))
    more = "On its training samples it gets more than a quick fit to them (nearest class means: 81.00% right)."
    assert how_good(no_test).endswith(more)


def test_each_model_that_the_network_is_compared_with_is_named():
    """One is scored on test samples, the other on training samples: "no more than a simple model" may be of either."""
    results = mlp()
    fit = Inference("poor for its size", "likely", "79.00% right on 90 training rows; random features: 81.00% right")
    said = how_good(replace(whole(results), model=replace(results.model, inferred={"fit": fit})))
    test, _, train = said.partition("On its training samples")
    assert "a simple model" in test
    assert "it names the class whose mean training sample is nearest." in test
    assert train == " it gets no more than a quick fit to them (random features: 81.00% right)."


def test_test_samples_without_labels_leave_the_score_in_training():
    results = mlp()
    splits = results.data.splits | {"test": replace(results.data.splits["test"], labels=None)}
    model = replace(results.model, scores={"train": results.model.scores["train"]})
    said = how_good(Evidence(model, replace(results.data, splits=splits)))
    commonest = np.bincount(results.data.train.labels).max() / 90
    assert said.startswith(f"{model.scores['train']:.2%} right on 90 training samples. The best constant answer gets ")
    assert f"answer gets {commonest:.2%} right on the training samples" in said, "of the samples of the score"


def test_the_simple_model_is_fitted_to_training_samples_and_scored_on_test_samples():
    results = mlp()
    train, test = results.data.train, results.data.splits["test"]
    found = simple_model("classification", train.inputs, train.labels, test.inputs, test.labels)
    x = np.asarray(train.inputs, float)
    spread = x.std(axis=0) if train.inputs.dtype.kind == "f" else x.std()
    spread = np.where(spread > 0, spread, 1)
    means = np.stack([x[train.labels == label].mean(0) for label in range(3)])
    far = (((test.inputs - means[:, None]) / spread) ** 2).sum(-1)
    assert found.score == (far.argmin(0) == test.labels).mean()
    assert f"a simple model ({found.score:.2%})" in how_good(whole(results))


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_least_squares_finds_what_is_linear_and_no_more(scale):
    draw = np.random.default_rng(0)
    x, weights = scale * draw.normal(size=(300, 4)), draw.normal(size=(4, 2))
    noise = draw.normal(size=(300, 2))
    y = x @ weights + 5 + noise * (x @ weights).std(0)
    found = simple_model("regression", x[:200], y[:200], x[200:], y[200:])
    fit = np.linalg.lstsq(np.c_[x[:200], np.ones(200)], y[:200], rcond=None)[0]
    left = y[200:] - np.c_[x[200:], np.ones(100)] @ fit
    assert found.score == pytest.approx((1 - (left**2).mean(0) / y[200:].var(0)).mean(), abs=1e-4)
    labels = (y > 5).astype(np.uint8)
    several = simple_model("multi-label", x[:200], labels[:200], x[200:], labels[200:])
    assert 0.2 < several.score < 0.9
    assert simple_model("autoencoder", x[:200], x[:200], x[200:], x[200:]) is None


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
    assert said.startswith("R² 0.1700 on 40 test samples")
    assert (
        " R² 0.2500 on 80 training samples; the best constant answer, the mean of the targets, gets R² 0.0000 on the"
        in said
    )
    assert "perfection is R² 1.0000" in said
    assert "right" not in said.partition("perfection")[0]


def test_without_labels_nothing_is_said_of_how_good_it_is():
    assert how_good(whole(unlabelled())).startswith("There are no labels or targets")


def test_layers_of_which_the_same_is_known_share_a_sentence():
    kinds = {"fc0": "distances", "fc1": "intensities", "fc2": "neither", "fc3": "neither"}
    found = list(of_layers(layer_verdicts({name: profile(leaning) for name, leaning in kinds.items()})))
    assert [read.layers for read in found] == [("fc0",), ("fc1",), ("fc2", "fc3")]
    assert found[0].answer.startswith(
        "Layer fc0: small outputs decide more than large ones (strength 0.60 of at most 1; p = "
    )
    assert "look at the inputs that make it smallest" in found[0].answer
    assert found[1].answer.startswith(
        "Layer fc1: large outputs decide more than small ones (strength 0.60 of at most 1; p = "
    )
    assert found[2].answer.startswith("Layers fc2 and fc3: no preference (p = ")
    assert all(", corrected for 4 layers)." in read.answer for read in found)


def test_small_outputs_of_a_relu_are_said_to_be_those_of_nodes_that_are_off():
    layers = layer_verdicts({name: profile("distances") for name in ("fc0", "fc1")})
    relu, smooth = of_layers(layers, {"fc0": "relu", "fc1": "tanh"})
    assert "With relu, the smallest outputs are those of a node that is off." in relu.answer
    assert "is off" not in smooth.answer


@pytest.mark.parametrize("confidence", ["uncertain", "likely"])
def test_what_rests_on_a_guessed_activation_is_said_to(confidence):
    results = mlp()
    facts = {name: Inference(value, confidence, "") for name, value in (("trained", True), ("activation", "tanh"))}
    model = replace(results.model, inferred=facts)
    found = evidence(model=model, reading={"fc1": profile("distances"), "fc2": profile("neither")})
    preferred, none = asked(answers(found), READS)
    assert ("only if the activation, which is a guess, is right" in preferred.answer) == (confidence == "uncertain")
    assert "guess" not in none.answer
    assert headline(found).endswith(" (if tanh, a guess, is its activation).") == (confidence == "uncertain")


def test_p_values_of_few_layers_are_all_named():
    layers = layer_verdicts({f"fc{i}": profile("neither") for i in range(6)})
    few = [replace(one, p_holm=0.1 * (i + 1)) for i, one in enumerate(layers)]
    assert "(p = 0.1, 0.2 and 0.3, corrected for 3 layers)" in next(of_layers(few[:3])).answer
    assert "(p = 0.1 to 0.6, corrected for 6 layers)" in next(of_layers(few)).answer
    assert "(p = 0.1)" in next(of_layers(few[:1])).answer
    same = [replace(one, p_holm=1.0) for one in layers]
    assert "(p = 1, corrected for 2 layers)" in next(of_layers(same[:2])).answer
    assert "(p = 1, corrected for 6 layers)" in next(of_layers(same)).answer


def test_of_an_untrained_network_nothing_else_is_to_be_done():
    untrained = replace(WARNING, name="untrained", severity="error", do="Check the file.")
    steps = asked(answers(evidence(), (untrained, WARNING)), NEXT)
    assert [step.answer for step in steps] == ["Check the file."]
    facts = {"trained": Inference(False, "likely", "as measured")}
    random = evidence(model=replace(mlp().model, inferred=facts), reading={"fc1": profile("distances")})
    (step,) = asked(answers(random, alerts(random)), NEXT)
    assert "trained weights were not loaded before it was saved, or it was saved before training" in step.answer
    (read,) = asked(answers(random), READS)
    assert read.answer.startswith("Nothing that was learned, since its weights look random")
    assert "copies" not in read.answer


def test_a_headline_says_where_a_simple_model_does_as_well():
    """By the interval of the difference, on 45 test samples."""
    results = mlp()
    model = replace(results.model, inferred={"trained": Inference(True, "likely", "")})
    score = whole(results).simple.score
    assert score > 0.9
    near = "not shown better than"
    for own, expected in ((score - 0.4, "worse than"), (score - 0.01, near), (score, near), (score + 0.01, near)):
        found = replace(whole(results), model=replace(model, scores={"train": 1.0, "test": own}))
        assert f" {expected}" in headline(found, alerts(found))
        assert f", {expected} a simple model ({score:.2%})." in how_good(found)
        assert f"a simple model ({score:.2%})" in headline(found, alerts(found))
    worse = replace(whole(results), model=replace(model, scores={"train": 1.0, "test": 0.95}))
    vars(worse)["simple"] = Simple("it guesses", 0.5)
    assert ", better than a simple model (50.00%)" in headline(worse, alerts(worse))
    assert ", better than a simple model (50.00%)." in how_good(worse)


def test_a_headline_says_that_the_network_is_doubtful_before_what_layers_are_read_at():
    results = mlp()
    facts = {name: Inference(value, "likely", "") for name, value in (("trained", True), ("fit", "doubtful"))}
    model = replace(results.model, inferred=facts, scores={"train": 1.0, "test": 0.95})
    found = evidence(model=model, reading={"fc1": profile("distances"), "fc2": profile("neither")})
    vars(found)["simple"] = Simple("it guesses", 0.3)
    score, _, doubt = headline(found, alerts(found)).partition("; it seems not fully trained")
    assert score.startswith("This network gets 95.00% right on test samples")
    assert "; in fc1, small outputs decide" in doubt
    bare = replace(found, model=replace(model, scores={}))
    assert headline(bare, alerts(bare)).startswith("This network seems not fully trained on these data; in fc1")


@pytest.mark.parametrize(("simple", "told"), [(0.3, True), (0.94, False), (1.0, False)])
def test_what_layers_are_read_at_is_no_headline_of_a_network_not_shown_better_than_a_simple_model(simple, told):
    model = replace(
        mlp().model, inferred={"trained": Inference(True, "likely", "")}, scores={"train": 1.0, "test": 0.95}
    )
    found = evidence(model=model, reading={"fc1": profile("distances")})
    vars(found)["simple"] = Simple("it guesses", simple)
    assert ("small outputs decide" in headline(found, alerts(found))) == told
    (read,) = asked(answers(found, alerts(found)), READS)
    assert "small outputs decide" in read.answer


def test_random_weights_are_not_said_to_be_read_by_a_guess():
    facts = {
        name: Inference(value, "uncertain", "") for name, value in (("activation", "relu"), ("input_scaling", "raw"))
    }
    results = mlp()
    said = {
        trained: what_it_is(
            replace(
                whole(results),
                model=replace(results.model, inferred={**facts, "trained": Inference(trained, "likely", "")}),
            )
        )
        for trained in (True, False)
    }
    assert said[True].endswith(" and the input scaling raw (both guessed: the data do not settle them).")
    assert said[False].endswith(" and the input scaling raw, which makes no difference to random weights.")


def test_an_undecided_layer_is_told_with_the_reason():
    (found,) = of_layers(layer_verdicts({"fc0": profile("undecided")}))
    assert found.answer.startswith("Layer fc0: undecided (p = 0.4). Its copies differ so much")


def test_a_difference_that_is_too_small_is_not_called_none():
    (one,) = layer_verdicts({"fc0": profile("neither")})
    (found,) = of_layers([replace(one, p_holm=0.01)])
    assert found.answer.startswith("Layer fc0: no clear preference (p = 0.01). Small and large outputs")
    assert "as they do in copies" not in found.answer
    strong = replace(one.statistics["balance"], value=0.3)
    (mixed,) = of_layers([replace(one, p_holm=0.01, statistics={**one.statistics, "balance": strong})])
    assert "Small outputs decide more, but not more so than with random weights" in mixed.answer
    assert "so that neither end is a rule." in mixed.answer
    copied = dict.fromkeys(COPIES, (0.4, 0.6))
    less = replace(one.statistics["balance"], value=0.3, copies=copied)
    (weak,) = of_layers([replace(one, p_holm=0.01, statistics={**one.statistics, "balance": less})])
    assert "Small outputs decide more, but less so than with random weights, so that" in weak.answer
    (none,) = of_layers([replace(one, p_holm=0.4)])
    assert "as they do in copies" in none.answer


def test_many_layers_are_named_in_part_and_some_of_them_drawn():
    (many,) = of_layers(layer_verdicts({f"fc{i}": profile("neither") for i in range(20)}))
    assert many.answer.startswith("Layers fc0, fc1, fc2, fc3, fc4, fc5 and 14 more: no preference (")
    assert (len(many.layers), many.layers[0], many.layers[-1]) == (MOST_DRAWN, "fc0", "fc19")


def test_layers_that_were_not_tested_are_told_by_reason():
    left = layer_verdicts({"fc0": not_read("too much work"), "fc1": not_read("too few"), "fc2": profile("neither")})
    found = list(of_layers(left))
    assert [read.layers for read in found] == [(), (), ("fc2",)]
    assert found[0].answer == "Layer fc0: not tested. Too much work."
    reads = asked(answers(evidence(reading={})), READS)
    assert [read.answer for read in reads] == ["Which outputs of its layers decide was not looked at."]
    assert "no hidden layer" not in headline(evidence(reading={}))
    alone = evidence(reading={})
    alone = replace(alone, model=replace(alone.model, layers=alone.model.layers[-1:]))
    assert asked(answers(alone), READS)[0].answer == "There is no hidden layer to read."


def test_advice_on_the_simple_model_is_kept_where_another_alert_has_its_command():
    """To use the simple model is another thing to do than to check labels, though both end in a comparison."""
    typed = "interp compare net.pt RETRAINED --data digits"
    raised = [
        Alert(name, "warning", "It is so.", find_rule(ALERTS[name]).do, "model", command=typed)
        for name in ("train-test-gap", "simple-model")
    ]
    assert [step.do for step in what_next(evidence(), raised)] == [alert.do for alert in raised]


def test_what_to_do_comes_from_alerts_first_and_is_said_once():
    note = replace(WARNING, name="limited", severity="note", do="Look at everything.")
    steps = asked(answers(evidence(), (WARNING, WARNING, note)), NEXT)
    assert [(step.answer, step.place) for step in steps[:2]] == [
        ("Prune them.", "all-nodes"),
        ("Look at everything.", "all-nodes"),
    ]
    many = tuple(replace(WARNING, do=f"Step {i}.") for i in range(9))
    assert len(asked(answers(evidence(), many), NEXT)) == MOST_STEPS


def test_a_note_on_the_score_is_a_step_before_dead_nodes():
    note = replace(WARNING, name="near-simple-model", severity="note", do="Compare.")
    error = replace(WARNING, name="an-alert-of-a-user", severity="error", do="Mend it.")
    own = replace(note, name="a-note-of-a-user", do="Look.")
    steps = asked(answers(evidence(), (error, WARNING, own, note)), NEXT)
    assert [step.answer for step in steps] == ["Mend it.", "Compare.", "Prune them.", "Look."]


def test_facts_to_look_up_are_one_step_with_all_their_options():
    commands = [f"interp report 'my net.pt' --data digits{more}" for more in (" --activation A", " --axis B", "")]
    guesses = tuple(replace(WARNING, name="uncertain-reading", do="Look it up.", command=one) for one in commands)
    (step,) = asked(answers(evidence(), guesses), NEXT)
    assert (step.answer, step.command) == ("Look it up.", f"{commands[0]} --axis B")


def test_undecided_layers_are_read_again():
    few = profile(copied_balance={kind: np.linspace(-0.1, 0.1, 9) for kind in COPIES})
    found = evidence(boundaries={"fc1": boundaries(True), "fc2": boundaries(True)}, reading={"fc1": few})
    steps = asked(answers(found), NEXT)
    assert any("Read layer fc1 again with more copies" in step.answer and step.place == "reading" for step in steps)


def with_kinds(*kinds):
    part = boundaries(True)
    return replace(evidence(), boundaries={"fc1": replace(part, kind=np.array(kinds))})


BELOW = "The table of kinds, below, says what each word means."
UNTOLD = f"Conclude nothing from where an undecided node crosses zero. {BELOW}"


def test_of_how_many_nodes_the_kind_could_not_be_told_is_said_first():
    kinds = ["undecided"] * 39 + ["adhoc"] * 2 + ["one-sided"] * 6 + ["dead"] * 1
    (said,) = asked(answers(with_kinds(*kinds)), NODES)
    result = "39 of 48 hidden nodes undecided, 2 adhoc, 6 one-sided, 1 dead: little to build on."
    assert said.answer == f"{result} {UNTOLD}"
    assert said.place == "layers"


def test_where_all_nodes_are_undecided_nothing_is_said_of_the_rest():
    (said,) = asked(answers(with_kinds("undecided", "undecided")), NODES)
    assert said.answer == f"2 of 2 hidden nodes undecided: little to build on. {UNTOLD}"


@pytest.mark.parametrize("kind", ["undecided", "adhoc"])
def test_one_node_is_one_node(kind):
    (said,) = asked(answers(with_kinds(kind)), NODES)
    assert "1 hidden node " in said.answer
    assert "1 hidden nodes" not in said.answer


def test_coherent_nodes_stand_beside_chance_and_nodes_that_were_not_drawn_are_counted():
    found = with_kinds("coherent", "coherent", "adhoc", "one-sided", "unsampled", "unsampled")
    p_values = np.array([0.1, 0.2, 0.3, np.nan, np.nan, np.nan])
    found = replace(found, boundaries={"fc1": replace(found.boundaries["fc1"], p_value=p_values)})
    (said,) = asked(answers(found), NODES)
    assert said.answer == (
        "Of the 4 hidden nodes looked at (of 6) 2 coherent, 1 adhoc and 1 one-sided. 3 nodes of 6 were drawn at random,"
        " and clusters looked for in their values; 1 more is counted, since a dead or one-sided node is known without"
        f" clusters. Nodes that learned nothing can be coherent too: compare their share with that of chance. {BELOW}"
    )
    assert asked(answers(evidence(boundaries={})), NODES) == []


def test_nodes_of_the_last_layer_are_not_counted():
    """Its outputs are the answers; the table of layers has hidden ones alone, with the same numbers."""
    part = replace(boundaries(True), kind=np.array(["adhoc"] * 3))
    (said,) = asked(answers(replace(evidence(), boundaries=dict.fromkeys(("fc1", "fc3"), part))), NODES)
    assert said.answer.startswith("Of 3 hidden nodes 3 adhoc. ")


def test_what_one_page_answers_is_one_step():
    """Two alerts that ask for more samples, and a guess that a command before it states too."""
    more, read = "interp report n.pt --data MORE_SAMPLES", "interp report n.pt --data d --activation ACTIVATION"
    commands = [more, more, f"{read} --scaling SCALING", read]
    given = tuple(replace(WARNING, do=f"Step {i}.", command=one) for i, one in enumerate(commands))
    assert [step.answer for step in asked(answers(evidence(), given), NEXT)] == ["Step 0.", "Step 2."]


def test_rows_come_in_one_order():
    """What it is, how good, what to distrust and to do; then what was found of layers and nodes."""
    found = answers(evidence(reading={"fc1": profile("neither")}), (WARNING,))
    asked_for = list(dict.fromkeys(answer.question for answer in found))
    assert asked_for == [question for question in ORDER if question != DISTRUST]
    assert ORDER.index(DISTRUST) + 1 == ORDER.index(NEXT) < ORDER.index(READS)


def test_the_first_sentence_of_every_answer_is_short():
    """It is the result, which the page sets in bold."""
    for make in (mlp, colours, one_node, unlabelled):
        for answer in answers(whole(make())):
            assert len(answer.answer.partition(". ")[0].split()) <= 20, answer


@pytest.mark.parametrize(("drawn", "asked_for"), [((9, 9), "200"), ((99, 999), "3996"), ((9, 60_000), "100000")])
def test_undecided_layers_are_read_again_with_more_copies_than_were_drawn(drawn, asked_for):
    """Most copies may have no balance, and one layer may have had more of them than another."""
    reading = {
        f"fc{i}": profile(copied_balance={kind: few_known(count) for kind in COPIES}) for i, count in enumerate(drawn)
    }
    found = replace(evidence(reading=reading), said={"checkpoint": "net.pt", "data": "digits"})
    (step,) = [step for step in asked(answers(found), NEXT) if step.place == "reading"]
    assert "Read layers fc0 and fc1 again with more copies" in step.answer
    assert step.command.endswith(f"--read-copies {asked_for}")


def test_more_copies_than_can_be_asked_for_are_not_suggested():
    reading = {"fc0": profile(copied_balance={kind: few_known(MOST_COPIES) for kind in COPIES})}
    assert not [step for step in asked(answers(evidence(reading=reading)), NEXT) if step.place == "reading"]


def few_known(count):
    """Make the balances of copies of which nine have one."""
    return np.where(np.arange(count) < 9, np.linspace(-0.1, 0.1, count), np.nan)


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
