"""What a reader must know first: one alert for each thing that is so, none for what is not."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from tiny_runs import mlp, unlabelled

from interp.analysis import share_interval
from interp.checkpoints.inference.weighing.explain import SHARES
from interp.report.sections import SECTIONS
from interp.tasks.simple import Simple
from interp.types import SEVERITIES, Inference, Limit, Screening, Split
from interp.verdict.alerts import ALERTS, alerts, find_rule, table
from interp.verdict.alerts.nodes import dead, spare_nodes
from interp.verdict.alerts.scores import Score
from interp.verdict.alerts.simple import difference
from interp.verdict.evidence import Evidence

ROOT = Path(__file__).parents[2]
FEW = "small-sample"  # 90 training and 45 test samples
CANNOT_TELL = "We cannot tell whether the network does better than a simple model"
SIMPLE, NEAR = "simple-model", "near-simple-model"  # class means tell three digits apart


def names(found):
    return [alert.name for alert in alerts(found) if alert.name not in (FEW, SIMPLE, NEAR)]


def evidence(dead=0.0, facts=None, confusion=None, screening=None, **changes):
    """Give the results of a run, with `dead` nodes in each layer and nothing else to alert to."""
    found = mlp()
    facts = {"trained": Inference(True, "likely", "accuracy 90 %, by chance 10 %"), **(facts or {})}
    model = replace(found.model, **{"inferred": facts, "scores": {"train": 0.95, "test": 0.95}, **changes})
    kinds = {name: (np.arange(20) < 20 * dead) for name in found.boundaries}
    boundaries = {
        name: replace(part, kind=np.where(kinds[name], "dead", "adhoc")) for name, part in found.boundaries.items()
    }
    return Evidence(
        model,
        found.data,
        boundaries,
        found.effects,
        found.attribution,
        screening=screening or {},
        confusion=confusion or {},
    )


def test_nothing_is_said_where_there_is_nothing_to_say():
    assert names(evidence()) == []


def test_a_doubt_that_changes_no_prediction_is_no_alert():
    unseen = Inference("linear", "uncertain", "a final softmax cannot be seen", harmless=True)
    assert names(evidence(facts={"output": unseen})) == []
    assert names(evidence(facts={"output": replace(unseen, harmless=False)})) == ["uncertain-reading"]


def test_a_doubt_that_has_an_alert_of_its_own_is_not_told_again():
    why = "raw 60%; but the network is doubtful under the best candidate"
    facts = {
        "fit": Inference("doubtful", "likely", "as measured"),
        "input_scaling": Inference("raw", "uncertain", f"{why} (as measured)"),
    }
    said = {alert.name: alert.evidence for alert in alerts(evidence(facts=facts))}
    assert said["doubtful-fit"].endswith(": as measured.")
    assert said["uncertain-reading"].endswith(f"Evidence (--scaling states it): {why}.")


def test_of_many_limits_the_first_are_told():
    many = tuple(Limit(f"things {i}", i, 10, "evenly", "--layers") for i in range(5))
    (said,) = alerts(replace(evidence(), limits=many))[-1:]
    assert said.evidence.endswith(
        "0 of 10 things 0, and 4 others like it. Also 1 of 10 things 1; 2 of 10 things 2; and 2 more that “The"
        " network” lists. What shows only in the rest is not on this page."
    )


def test_of_random_weights_nothing_else_is_said_of_the_file():
    facts = {"trained": False, "fit": "at chance", "activation": "relu"}
    found = evidence(facts={name: Inference(value, "uncertain", "as measured") for name, value in facts.items()})
    assert names(found) == ["untrained"]


def fact(name, value, confidence="likely"):
    return lambda: evidence(facts={name: Inference(value, confidence, "as measured")})


def with_scores(train, test):
    return lambda: evidence(scores={"train": train, "test": test})


def counts(order, samples=30):
    """Count predictions where label i is always output order[i]."""
    found = np.zeros((len(order), len(order)), int)
    found[np.arange(len(order)), order] = samples
    return found


def screened(rows=200, **changes):
    """Give a function for results in which nodes were compared, on as many training samples."""
    known = {"twin": np.arange(20)[::-1], "correlation": np.full(20, 0.5), "saturated": np.full(20, 0.1), **changes}

    def found():
        splits = {name: split.take(np.arange(rows) % len(split)) for name, split in mlp().data.splits.items()}
        return replace(evidence(screening={"fc1": Screening(rows, **known)}), data=bare(splits))

    return found


def bare(splits):
    return replace(mlp().data, splits=splits)


@pytest.mark.parametrize(
    ("found", "name", "words"),
    [
        (fact("trained", False), "untrained", "looks untrained. As measured"),
        (fact("trained", None, "uncertain"), "training-unknown", "is not known. As measured"),
        (fact("fit", "at chance"), "at-chance", "no better than chance. As measured"),
        (fact("fit", "poor for its size"), "poor-fit", "poor for its size. As measured"),
        (fact("fit", "doubtful"), "doubtful-fit", "What shows it: as measured"),
        (
            fact("input_scaling", "raw", "uncertain"),
            "uncertain-reading",
            "input scaling is a guess that the data do not settle: raw. ",
        ),
        (with_scores(1.0, 0.35), "memorising", "100.00% right"),
        (with_scores(1.0, 0.6), "train-test-gap", "falls from 100.00% in training to 60.00% on 45 test samples"),
        (
            lambda: evidence(confusion={"test": counts([0, 1, 1])}),
            "never-predicted",
            "Never predicted on the test split: 2, which 30 samples are of.",
        ),
        (lambda: evidence(dead=0.1), "dead", "2 of 20 nodes of fc1 (10%) are dead"),
        (
            screened(correlation=np.where(np.arange(20) % 19 < 2, -0.995, 0.5)),
            "duplicate",
            "2 of 20 nodes of fc1 (10%) repeat another node",
        ),
        (screened(saturated=np.where(np.arange(20) < 6, 0.95, 0.5)), "saturated", "6 of 20 nodes of fc1"),
        (
            lambda: replace(evidence(), data=bare(dict.fromkeys(("train", "test"), unlabelled().data.train))),
            "no-labels",
            "There are no labels",
        ),
        (lambda: replace(evidence(), data=bare({"train": mlp().data.train})), "no-test-split", "no test split"),
        (
            lambda: replace(evidence(), limits=(Limit("layers swept", 6, 1_000, "evenly", "--layers"),)),
            "limited",
            "in part only: 6 of 1,000 layers swept",
        ),
        (
            lambda: evidence(skipped={"rnn": "GRU is no linear map"}),
            "not-covered",
            "Not covered: rnn (GRU is no linear map).",
        ),
        (
            lambda: evidence(layers=(replace(mlp().model.layers[0], activation="custom"),)),
            "unknown-activation",
            "fc1: an activation of its own making follows",
        ),
    ],
)
def test_each_alert_is_raised_alone(found, name, words):
    found = found()
    raised = [alert for alert in alerts(found) if alert.name not in (FEW, SIMPLE, NEAR)]
    assert set(names(found)) - {"shared-samples"} == {name}
    alert = next(alert for alert in raised if alert.name == name)
    assert words in alert.evidence
    assert (alert.severity, alert.do) == (find_rule(ALERTS[name]).severity, find_rule(ALERTS[name]).do)


@pytest.mark.parametrize(
    ("rows", "stored", "said"),
    [(199, None, None), (200, None, "or more)."), (900, 199, None), (900, 201, "or more over 201 stored training")],
)
def test_nodes_are_not_called_the_same_over_few_samples(rows, stored, said):
    alike = screened(rows, correlation=np.where(np.arange(20) % 19 < 2, -0.995, 0.5))
    raised = [alert.evidence for alert in alerts(replace(alike(), stored=stored)) if alert.name == "duplicate"]
    assert len(raised) == (said is not None)
    assert all(said in one for one in raised)


def test_of_stored_samples_their_number_counts():
    found = evidence()
    sided = {name: replace(part, kind=np.repeat("one-sided", 20)) for name, part in found.boundaries.items()}
    large = screened(900)()
    said = {alert.name: alert.evidence for alert in alerts(replace(large, boundaries=sided, stored=60))}
    assert said["one-sided"].endswith("over 60 stored training samples.")
    assert said[FEW].startswith("Activations of 60 of 900 training samples are stored (--store); kinds of nodes")
    assert FEW not in {alert.name for alert in alerts(replace(large, boundaries=sided, stored=200))}


def test_of_samples_that_are_held_each_alert_counts_its_own():
    """Fits and kinds of nodes are of all samples of a stream; what single values say is of those that are held."""
    twins = np.where(np.arange(20) % 19 < 2, 0.995, 0.5)
    some, few = screened(900, correlation=twins)(), screened(150, correlation=twins)()
    said = {alert.name: alert.evidence for alert in alerts(replace(some, samples=6000))}
    assert FEW not in said
    assert "over 900 training samples that are held" in said["duplicate"]
    said = {alert.name: alert.evidence for alert in alerts(replace(few, samples=6000))}
    assert said[FEW].startswith("Of 6,000 training samples 150 are held (--no-store); nodes that repeat others")
    assert "duplicate" not in said


@pytest.mark.parametrize(
    ("given", "ending"),
    [
        ({}, "on 90% of the rows."),
        ({"stored": 300}, "on 90% of the rows of 300 stored training samples."),
        ({"samples": 6000}, "on 90% of the rows of 900 training samples that are held."),
    ],
)
def test_saturated_nodes_are_said_to_be_so_on_the_rows_that_were_looked_at(given, ending):
    found = screened(900, saturated=np.ones(20))()
    (raised,) = [alert for alert in alerts(replace(found, **given)) if alert.name == "saturated"]
    assert raised.evidence.endswith(ending)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "1 of 8 nodes of a (12%) is dead: its output does not vary over the training samples."),
        (2, "2 of 8 nodes of a (25%) are dead: their outputs do not vary over the training samples."),
    ],
)
def test_one_node_is_and_several_are(count, words):
    kinds = np.where(np.arange(8) < count, "dead", "adhoc")
    found = SimpleNamespace(hidden_boundaries={"a": SimpleNamespace(kind=kinds)}, model=SimpleNamespace(inferred={}))
    assert [seen.evidence for seen in dead(found)] == [words]


@pytest.mark.parametrize(("confidence", "said"), [("uncertain", " (if relu, a guess, is right)"), ("likely", "")])
def test_dead_nodes_under_a_guessed_activation_are_said_to_hang_on_it(confidence, said):
    found = evidence(dead=0.05, facts={"activation": Inference("relu", confidence, "")})
    few = [alert.evidence for alert in alerts(found) if alert.name == "few-dead"]
    assert few[0] == f"1 of 20 nodes of fc1 (5%) is dead: its output does not vary over the training samples{said}."


def test_what_was_left_out_stands_in_the_line_that_says_so():
    limits = [Limit(f"things {i}", i + 1, 10, "drawn at random", "--x") for i in range(5)]
    said = {
        count: next(
            alert.evidence for alert in alerts(replace(evidence(), limits=limits[:count])) if alert.name == "limited"
        )
        for count in (1, 2, 5)
    }
    begun, rest = (
        "To save time the network was looked at in part only: 1 of 10 things 0",
        " What shows only in the rest is",
    )
    assert said[1] == f"{begun}.{rest} not on this page."
    assert said[2] == f"{begun}, and 1 other like it. Also 2 of 10 things 1.{rest} not on this page."
    assert said[5].startswith(
        f"{begun}, and 4 others like it. Also 2 of 10 things 1; 3 of 10 things 2; and 2 more that"
    )


def test_a_little_is_not_said():
    assert names(with_scores(0.95, 0.87)()) == []  # 45 test samples: within chance
    assert names(screened(correlation=np.where(np.arange(20) % 19 < 1, 0.995, 0.5))()) == []
    assert names(evidence(confusion={"test": counts([0, 1, 1], samples=10)})) == [], "too few of the class"


def test_a_few_dead_nodes_are_a_note_with_the_same_thing_to_do():
    raised = [alert for alert in alerts(evidence(dead=0.05)) if alert.name not in (FEW, SIMPLE, NEAR)]
    assert [(alert.name, alert.severity, alert.nodes) for alert in raised] == [
        ("few-dead", "note", ("fc1:0",)),
        ("few-dead", "note", ("fc2:0",)),
    ]
    assert (
        raised[0].evidence == "1 of 20 nodes of fc1 (5%) is dead: its output does not vary over the training samples."
    )
    assert raised[0].do == find_rule(ALERTS["dead"]).do
    found = evidence(dead=0.05)
    layers = tuple(replace(found.model.layers[0], name=f"l{i}") for i in range(15))
    deep = replace(found, boundaries={layer.name: found.boundaries["fc1"] for layer in layers})
    (said,) = [one for one in alerts(replace(deep, model=replace(deep.model, layers=layers))) if one.name == "few-dead"]
    assert said.evidence.startswith("A few of the nodes of 14 layers (l0, l1, l2, l3, l4, l5 and 8 more) are dead")


@pytest.mark.parametrize(
    ("own", "name", "said"),
    [
        (0.5, SIMPLE, "The network does worse than a simple model"),
        (0.6, NEAR, CANNOT_TELL),
        (0.58, NEAR, CANNOT_TELL),
        (0.63, NEAR, CANNOT_TELL),
        (0.9, None, ""),
    ],
)
def test_a_simple_model_that_does_as_well_is_named(own, name, said):
    """Within the network's own 95 % interval, or above it: on 1,000 test samples."""
    found = evidence(scores={"train": 0.9, "test": own})
    test = found.data.splits["test"].take(np.arange(1000) % 45)
    found = replace(found, data=replace(found.data, splits={**found.data.splits, "test": test}))
    vars(found)["simple"] = Simple("it names the nearest", 0.6)
    raised = [alert for alert in alerts(found) if alert.name in (SIMPLE, NEAR)]
    assert [alert.name for alert in raised] == ([name] if name else [])
    if name:
        (low, high), (less, more) = share_interval(round(own * 1000), 1000), share_interval(600, 1000)
        ends = own - 0.6 - np.hypot(own - low, more - 0.6), own - 0.6 + np.hypot(high - own, 0.6 - less)
        assert (ends[1] < 0) == (name == SIMPLE)
        assert raised[0].evidence == (
            f"{said} ({own:.2%} against 60.00%). The difference lies between {ends[0]:.2%} and {ends[1]:.2%} (95 %"
            " interval) on the same 1,000 test samples; the simple model: it names the nearest."
        )
        assert raised[0].severity == "warning", "what the headline says is no note"
    known = {"fit": Inference("at chance", "likely", "as measured")}
    lost = replace(found, model=replace(found.model, inferred=known))
    vars(lost)["simple"] = found.simple
    assert not [alert for alert in alerts(lost) if alert.name in (SIMPLE, NEAR)], "every model does better"


@pytest.mark.parametrize(("samples", "accuracy", "alike"), [(133, 0.6, 0.0), (540, 0.9, 0.0), (540, 0.9, 0.5)])
def test_two_that_are_equal_are_rarely_told_apart(samples, accuracy, alike):
    """Two of one accuracy, `alike` of whose outcomes are the same: of 1,000 data sets the rule holds its 5 %."""
    rng, count = np.random.default_rng(0), 1000
    own = rng.random((count, samples)) < accuracy
    same = rng.random((count, samples)) < alike
    other = np.where(same, own, rng.random((count, samples)) < accuracy)
    told = 0
    for a, b in zip(own.sum(1).tolist(), other.sum(1).tolist(), strict=True):
        low, high = difference(Score(a / samples, *map(float, share_interval(a, samples)), samples), b / samples)
        assert low <= (a - b) / samples <= high
        told += low > 0 or high < 0
    assert told / count <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / count)
    assert alike or told / count >= 0.02, "no wider than it has to be where outcomes are independent"


def measured(samples, simple, ends=float("nan")):
    """Give a regression whose R² 0.46 has an interval only if `ends` is said, beside that of a simple model."""
    found = evidence(scores={"train": 0.6, "test": 0.46})
    targets = np.random.default_rng(0).normal(size=(90, 1))
    splits = {
        name: replace(part, labels=None, targets=targets[: len(part)]) for name, part in found.data.splits.items()
    }
    table = pd.DataFrame(
        {"split": ["train", "test"], "no_op": True, "samples": [90, samples], "low": 0.46 - ends, "high": 0.46 + ends}
    )
    found = replace(
        found,
        model=replace(found.model, task="regression"),
        data=replace(found.data, splits=splits, classes=()),
        effects=replace(found.effects, whole_layers=table),
    )
    vars(found)["simple"] = Simple("least squares", simple)
    vars(found)["lead"] = (0.46 - simple - ends, 0.46 - simple + ends)
    return {alert.name: alert.evidence for alert in alerts(found)}


def test_too_few_samples_to_tell_a_network_from_a_simple_model_are_said():
    said = measured(45, 0.44)[NEAR]
    assert said == (
        "We cannot tell whether the network does better than a simple model (0.4600 against 0.4400). The difference has"
        " no interval on the same 45 test samples; the simple model: least squares."
    )
    assert "(0.4600 against 0.4700)" in measured(45, 0.47)[NEAR], "better or worse, by so few"
    assert SIMPLE not in measured(45, 0.47)
    assert "(0.4600 against 0.5200)" in measured(45, 0.52, ends=0.05)[SIMPLE]
    assert NEAR in measured(45, 0.5, ends=0.05)
    assert NEAR not in measured(45, 0.2), "less than half of the way"
    assert NEAR not in measured(20, 0.44), "more samples than were run would have had an interval"
    assert "We cannot tell" in measured(45, 0.44, ends=0.05)[NEAR]
    assert NEAR not in measured(45, 0.4, ends=0.05)


FALL = ", and whether its fall from 0.6000 in training to 0.4600 is chance."


def test_too_few_samples_for_an_interval_of_measured_values_are_said():
    assert measured(45, 0.2)[FEW].startswith("45 test samples are too few to say how exact the R² is" + FALL)
    assert "too few to say" not in measured(20, 0.2).get(FEW, "")


def test_one_sided_nodes_are_only_said_of_activations_with_a_bend_at_zero():
    found = evidence()
    sided = {name: replace(part, kind=np.repeat("one-sided", 20)) for name, part in found.boundaries.items()}
    assert names(replace(found, boundaries=sided)) == ["one-sided", "one-sided"], "fc3 is the output layer"
    smooth = tuple(replace(layer, activation="tanh") for layer in found.model.layers)
    assert names(replace(found, boundaries=sided, model=replace(found.model, layers=smooth))) == []


@pytest.mark.parametrize(
    ("fit", "order", "name"),
    [
        ("at chance", "uncertain", "label-order"),
        ("as expected", "uncertain", "uncertain-reading"),
        ("as expected", "likely", "labels-reordered"),
        ("as expected", "certain", None),
    ],
)
def test_classes_in_another_order_raise_one_alert(fit, order, name):
    facts = {
        "fit": Inference(fit, "likely", "as measured"),
        "label_order": Inference("given", order, "9.0% are right, 95.0% in another order: label 0 is output 1"),
    }
    found = alerts(evidence(facts=facts))
    said = {alert.name: alert.evidence for alert in found if "label 0 is output 1" in alert.evidence}
    assert set(said) == ({name} if name else set())
    if name == "labels-reordered":  # as sure as the fact
        assert all("likely" in text for text in (said[name], find_rule(ALERTS[name]).when))


def test_of_each_pair_of_twins_one_stays():
    twin = np.array([1, 0, 1, 4, 3, np.nan])
    correlation = np.array([1.0, 1.0, 1.0, 0.5, 0.5, np.nan])
    assert spare_nodes(twin, correlation).tolist() == [True, False, True, False, False, False]


def test_few_samples_and_shared_ones_are_counted():
    data = mlp().data
    shared = replace(data, splits={"train": data.train, "test": data.train.take(np.arange(45))})
    said = {alert.name: alert.evidence for alert in alerts(replace(evidence(), data=shared))}
    assert said["shared-samples"] == "45 of 45 test samples (100%) are training samples too."
    assert FEW in said
    rng = np.random.default_rng(0)
    many = {
        name: Split(rng.normal(size=(1000, 64)).astype(np.float32), np.arange(1000) % 3) for name in ("train", "test")
    }
    assert alerts(replace(evidence(), data=replace(data, splits=many))) == ()


def test_nodes_concerned_are_named_by_address_and_places_are_sections():
    raised = [alert for alert in alerts(evidence(dead=0.1)) if alert.name == "dead"]
    assert [alert.nodes for alert in raised] == [("fc1:0", "fc1:1"), ("fc2:0", "fc2:1")], "hidden layers only"
    assert {find_rule(rule).place for rule in ALERTS.values()} <= {*SECTIONS, ""}


def test_the_worst_come_first():
    found = evidence(dead=0.3, facts={"trained": Inference(False, "likely", "small")}, skipped={"rnn": "a GRU"})
    order = [SEVERITIES.index(alert.severity) for alert in alerts(found)]
    assert order == sorted(order)
    assert {0, 1, 2} == set(order)


def test_a_layer_that_is_only_a_number_is_called_one():
    found = evidence(dead=0.3)
    layer = replace(found.model.layers[0], name="2")
    numbered = replace(
        found, boundaries={"2": found.boundaries["fc1"]}, model=replace(found.model, layers=(layer,) * 2)
    )
    (said,) = [alert for alert in alerts(numbered) if alert.name == "dead"]
    assert said.evidence.startswith("6 of 20 nodes of layer 2 (30%) are dead")


def test_many_layers_and_parts_are_summed_up():
    found = evidence(dead=0.3, skipped={f"norm.{i}": "LayerNorm is no linear map" for i in range(9)} | {"rnn": "a GRU"})
    layers = tuple(replace(found.model.layers[0], name=f"Block.{i}") for i in range(15))
    boundaries = {layer.name: found.boundaries["fc1"] for layer in layers}
    deep = replace(found, boundaries=boundaries, model=replace(found.model, layers=layers))
    named = "Block.0, Block.1, Block.2, Block.3, Block.4, Block.5 and 8 more"
    said = {alert.name: alert for alert in alerts(deep)}
    assert said["dead"].evidence.startswith(f"10% or more of the nodes of 14 layers ({named}) are dead")
    assert len(said["dead"].nodes) == 14 * 6
    assert said["not-covered"].evidence == (
        "Not covered: norm.0, norm.1, norm.2, norm.3, norm.4, norm.5 and 3 more (LayerNorm is no linear map);"
        " rnn (a GRU)."
    )


def test_an_alert_from_outside_the_package(tmp_path, monkeypatch):
    own = (
        "from interp.verdict.alerts import AlertRule, Seen\n"
        "def few(found):\n    if len(found.data.train) < 1000:\n        yield Seen(f'only {len(found.data.train)}')\n"
        "RULE = AlertRule('note', 'fewer than 1000', 'Get more.', few)\n"
    )
    (tmp_path / "a_users_alert.py").write_text(own)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(ALERTS, "few samples", "a_users_alert:RULE")
    assert [(alert.evidence, alert.do) for alert in alerts(evidence()) if alert.name == "few samples"] == [
        ("only 90", "Get more.")
    ]


def test_the_documentation_has_the_same_table():
    assert table() in (ROOT / "docs" / "alerts.md").read_text()


def test_a_test_split_too_small_for_an_interval_is_said():
    found = evidence()
    few = replace(found.data, splits={**found.data.splits, "test": found.data.splits["test"].take(np.arange(25))})
    said = [alert.evidence for alert in alerts(replace(found, data=few)) if alert.name == "small-sample"]
    assert any(one.startswith("25 test samples are too few to say how exact the accuracy is. ") for one in said), (
        "no fall"
    )


def test_a_doubtful_fit_says_first_what_it_may_come_from():
    facts = {"fit": "doubtful", "activation": "relu", "input_scaling": "raw"}
    why = "97% right; class means: 80%; slopes; smaller scores"
    left = (
        "Training that was stopped early, or went by another loss, with dropout, changed inputs or other data leaves"
        " traces"
    )
    for confidence, first, last in (
        (
            "likely",
            ", or misread (its activation and scaling are guessed)",
            ", and so does a file that is read with a wrong activation or scaling",
        ),
        ("certain", " on these data", ""),
    ):
        found = evidence(facts={name: Inference(value, confidence, why) for name, value in facts.items()})
        (said,) = [alert.evidence for alert in alerts(found) if alert.name == "doubtful-fit"]
        assert said == (
            f"It seems not fully trained{first}: slopes. {left}{last}. What shows it: slopes; smaller scores; 97%"
            " right; class means: 80%."
        )


def test_what_bears_on_the_score_comes_before_dead_nodes_and_guesses():
    guess = {
        "input_scaling": Inference("raw", "uncertain", "0.587 or 0.585"),
        "fit": Inference("doubtful", "likely", ""),
    }
    found = evidence(dead=0.1, facts=guess, scores={"train": 1.0, "test": 0.6})
    vars(found)["simple"] = Simple("it names the nearest", 0.7)
    raised = list(dict.fromkeys(alert.name for alert in alerts(found)))
    assert raised == ["doubtful-fit", "train-test-gap", NEAR, FEW, "uncertain-reading", "dead"]


@pytest.mark.parametrize(
    ("value", "rival", "score"),
    [
        ("activation, pooling", "pooling, activation", "96.50%"),
        ("padding 0-0, stride 1-1", "padding 0-0, stride 2-1, max pooling 1-2", "95.25% on 1,000 of them"),
        ("raw", "(x/255-0.5)/0.5", "-0.1234"),
    ],
)
def test_another_value_that_does_as_well_is_named_in_full(value, rival, score):
    why = f"96.50% right; best with another value: {rival} {score}; a difference that chance explains"
    found = evidence(facts={"order": Inference(value, "uncertain", why)})
    (alert,) = [alert for alert in alerts(found) if alert.name == "uncertain-reading"]
    assert f"settle: {value}; {rival} may be right too. Evidence" in alert.evidence


@pytest.mark.parametrize(
    ("activation", "scaling", "typed"),
    [
        ("certain", "uncertain", "report net.pt --data digits --activation relu --scaling SCALING"),
        ("certain", "certain", "compare net.pt RETRAINED --data digits --activation relu"),
    ],
)
def test_a_doubtful_fit_asks_for_nothing_that_was_stated(activation, scaling, typed):
    facts = {
        "fit": Inference("doubtful", "likely", "as measured"),
        "activation": Inference("relu", activation, "as given"),
        "input_scaling": Inference("raw", scaling, "as measured"),
    }
    said = {"checkpoint": "net.pt", "data": "digits", "load": {"activation": "relu"}}
    (alert,) = [one for one in alerts(replace(evidence(facts=facts), said=said)) if one.name == "doubtful-fit"]
    assert alert.command == f"interp {typed}"


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        (
            "gelu 60% or relu 40%",
            "relu, taken since most networks have it, with 40% of the evidence; gelu has 60%",
        ),
        ("relu 60% or gelu 40%", "relu; gelu may be right too"),
        ("relu 60% or gelu 36% or relu, gelu 4%", "relu; gelu may be right too"),
        (
            "silu 30% or gelu 30% or relu 20% or mish 20%",
            "relu, taken since most networks have it, with 20% of the evidence; silu has 30% and gelu has 30%",
        ),
    ],
)
def test_why_relu_is_used_is_said_before_the_shares_of_the_evidence(shares, said):
    why = f"97% right; {SHARES}{shares}"
    found = evidence(facts={"activation": Inference("relu", "uncertain", why)})
    (alert,) = [alert for alert in alerts(found) if alert.name == "uncertain-reading"]
    assert alert.evidence == (
        f"The activation is a guess that the data do not settle: {said}. Evidence (--activation states it): 97% right;"
        f" shares of the evidence, by errors, loss and its slope in the weights: {shares}."
    )
