"""Networks that are not what they seem are reported as such: in the facts, the JSON and the verdict."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import NearestCentroid

from checkpoints.planted import DIGITS, inputs, planted
from interp.checkpoints import LoadOptions, load_model
from interp.checkpoints.inference.attention.infer import FACTS as OF_ATTENTION
from interp.checkpoints.inference.expected import Expected, expected
from interp.checkpoints.inference.fit import POOR, doubt_of, doubted
from interp.checkpoints.inference.recurrent.infer import FACTS as OF_RECURRENCE
from interp.checkpoints.inspection import inspection
from interp.network.activations import ACTIVATIONS
from interp.tasks.stand_ins import SHARE
from interp.types import Effects, Inference, Split
from interp.verdict.evidence import Evidence
from interp.verdict.judge import judge

GUESSED = ("activation", "input_scaling", "output")
NOTHING = Effects(pd.DataFrame(), pd.DataFrame(), {}, {})
CUSTOM = {"quadratic": lambda z: z * z / 8 + z / 2, "bump": lambda z: torch.exp(-z * z), "cube": lambda z: z**3}


def looked_at(module, data, tmp_path, **said):
    torch.save(module.state_dict(), tmp_path / "net.pt")
    model, data = load_model(tmp_path / "net.pt", data, LoadOptions(**said))
    return inspection(model), judge(Evidence(model, data, {}, NOTHING, {})), model


def custom(name, monkeypatch):
    """Train one under an activation that is none of the candidates."""
    with monkeypatch.context() as patch:
        patch.setitem(ACTIVATIONS, name, CUSTOM[name])
        return planted(activation=name)


@pytest.mark.parametrize("name", CUSTOM)
def test_custom_activation_is_poor_for_its_size(name, tmp_path, monkeypatch):
    found, verdict, model = looked_at(custom(name, monkeypatch), DIGITS, tmp_path)
    assert found["inferred"]["fit"]["value"] == "poor for its size"
    assert {model.inferred[fact].confidence for fact in GUESSED} == {"uncertain"}
    assert "worse on digits than one of its size should under any candidate that was tried" in verdict.headline
    assert "poor-fit" in [alert.name for alert in verdict.alerts]


@pytest.mark.parametrize(("name", "function"), [("sine", torch.sin), ("negated", lambda z: -torch.relu(z))])
def test_close_to_a_candidate_is_doubted(name, function, tmp_path, monkeypatch):
    """Most predictions are right under tanh, or under none; what training would have removed gives them away."""
    monkeypatch.setitem(CUSTOM, name, function)
    found, verdict, model = looked_at(custom(name, monkeypatch), DIGITS, tmp_path)
    assert found["score"]["train"] > 0.94
    assert found["inferred"]["fit"]["value"] == "doubtful"
    assert {model.inferred[fact].confidence for fact in GUESSED} == {"uncertain"}
    assert any("which training would" in alert.evidence for alert in verdict.alerts)


def test_never_trained(tmp_path):
    found, verdict, _ = looked_at(planted(steps=0), DIGITS, tmp_path)
    assert found["trained"] is False
    assert found["inferred"]["fit"]["value"] == "at chance"
    assert "untrained" in verdict.headline
    (said,) = [alert.evidence for alert in verdict.alerts if alert.name == "untrained"]
    assert "Every weight lies where PyTorch draws new ones from (the largest is " in said
    assert "; the best constant answer, in training: " in said


def test_trained_on_other_data(tmp_path):
    """Digits of another order of pixels, such as another data set's: the weights moved, but know nothing of these."""
    shuffled = np.random.default_rng(0).permutation(64)
    other = replace(DIGITS, splits={"train": replace(DIGITS.train, inputs=DIGITS.train.inputs[:, shuffled])})
    found, verdict, _ = looked_at(planted(), other, tmp_path)
    assert found["trained"] is None
    assert found["inferred"]["fit"]["value"] in ("at chance", "poor for its size")
    assert "other data" in verdict.headline


def test_other_labels(tmp_path):
    other = replace(DIGITS, splits={"train": Split(DIGITS.train.inputs, (DIGITS.train.labels * 7 + 3) % 10)})
    found, verdict, _ = looked_at(planted(), other, tmp_path, label_order="given")
    assert found["inferred"]["fit"]["value"] in ("at chance", "poor for its size")
    assert "under any candidate" in verdict.headline
    assert "other data" in verdict.headline
    found, verdict, _ = looked_at(planted(), other, tmp_path)
    assert found["inferred"]["fit"]["value"] == "as expected"
    assert "labels-reordered" in [alert.name for alert in verdict.alerts]


def test_a_fact_that_was_given_is_not_blamed(tmp_path, monkeypatch):
    said = {"activation": "relu", "output": "linear"}
    _, verdict, _ = looked_at(custom("quadratic", monkeypatch), DIGITS, tmp_path, **said)
    assert "under any candidate" not in verdict.headline
    assert "hardly trained" in verdict.headline


@pytest.mark.filterwarnings("ignore:self.within_class_std_dev_")  # pixels at the border are always 0
@pytest.mark.parametrize("activation", ["relu", "tanh", "abs", "sigmoid"])
def test_what_is_right_is_not_doubted(activation, tmp_path):
    found, verdict, _ = looked_at(planted(activation=activation), DIGITS, tmp_path)
    said, (x, y) = found["inferred"]["fit"], (DIGITS.train.inputs, DIGITS.train.labels)
    right = (planted(activation=activation)(inputs(part="train", rows=None)).argmax(1).numpy() == y).mean()
    means = NearestCentroid().fit(x, y).score(x, y)
    assert (said["value"], said["confidence"]) == ("as expected", "likely")
    beside = f"nearest class means, in training: {means:.2%} right"
    assert said["evidence"] == f"{right:.2%} right on 1,437 training rows; {beside}"
    assert found["trained"] is True
    assert not any("the network as it was read" in alert.evidence.lower() for alert in verdict.alerts)


# --------------------------------------------------------------------------- the parts


def drawn(scores, seed=0):
    """Labels as likely as the scores say, so that the scores are right by construction."""
    rng = np.random.default_rng(seed)
    return torch.tensor([rng.choice(len(p), p=p) for p in scores.softmax(1).double().numpy()])


SCORES = torch.from_numpy(np.random.default_rng(1).normal(0, 1.5, (5000, 4)))


def test_calibrated_scores_are_not_doubted():
    assert doubt_of("classification", SCORES, drawn(SCORES), "linear") == ""
    assert doubt_of("classification", SCORES.log_softmax(1), drawn(SCORES), "log-softmax") == ""
    assert doubt_of("classification", SCORES.softmax(1), drawn(SCORES), "softmax") == ""
    assert doubt_of("classification", 0.5 * SCORES, drawn(SCORES), "linear") == ""  # stopped early


def test_biased_and_exaggerated_scores_are():
    labels = drawn(SCORES)
    assert "mean probabilities" in doubt_of("classification", SCORES + torch.tensor([1.0, 0, 0, 0]), labels, "linear")
    assert "smaller scores" in doubt_of("classification", 2 * SCORES, labels, "linear")
    assert doubt_of("classification", 2 * SCORES, labels, "distance") == ""  # no probabilities


def test_scores_that_chance_makes_too_large_are_not_doubted():
    scores = 1.1 * SCORES[:1000]  # smaller ones fit as well: of half of all samples a little better
    labels = [drawn(SCORES[:1000], seed) for seed in range(40)]
    gains = [F.cross_entropy(scores, some) - F.cross_entropy(0.8 * scores, some) for some in labels]
    assert sum(gain > 0 for gain in gains) > 10
    assert not any("smaller scores" in doubt_of("classification", scores, some, "linear") for some in labels)


def test_one_score_is_the_log_odds():
    pair = SCORES[:, :2]
    labels = drawn(pair)
    odds = (pair[:, 1] - pair[:, 0])[:, None]
    assert doubt_of("binary", odds, labels, "linear") == ""
    assert doubt_of("binary", torch.sigmoid(odds), labels, "sigmoid") == ""
    assert "smaller scores" in doubt_of("binary", 2 * odds, labels, "linear")


def test_measured_values():
    values = SCORES[:, :2]
    noisy = 0.9 * values + 0.1 * torch.randn(values.shape, generator=torch.Generator().manual_seed(0))
    assert doubt_of("regression", noisy, values, "linear") == ""
    assert "mean error of 0.50" in doubt_of("regression", noisy + 0.5 * values.std(0), values, "linear")
    assert "smaller deviations" in doubt_of("regression", 2 * values, values, "linear")
    far = values + 7 * values.std(0)  # deviations are from the mean, wherever that is
    assert doubt_of("regression", noisy + far - values, far, "linear") == ""
    assert "smaller deviations" in doubt_of("regression", values + far - values.mean(0), far, "linear")


def test_stand_ins_are_those_of_scikit_learn():
    x, labels = DIGITS.train.inputs, DIGITS.train.labels
    alone = expected("classification", x, labels, None)
    assert (alone.by, alone.chance) == ("nearest class means", np.bincount(labels).max() / len(labels))
    means = np.stack([x[labels == label].mean(0) for label in range(10)])
    nearest = ((x[:, None] - means) ** 2).sum(2).argmin(1)
    assert alone.floor == pytest.approx((nearest == labels).mean(), abs=1e-9)
    wide = expected("classification", x, labels, 400)
    assert wide.by == "random features of its width"
    assert wide.floor > 0.97
    values = np.random.default_rng(0).normal(size=(300, 2)) + x[:300, [20, 30]]
    linear = LinearRegression().fit(x[:300], values)
    assert expected("regression", x[:300], values, 9).floor == pytest.approx(
        SHARE * linear.score(x[:300], values), abs=1e-3
    )
    share = PCA(1).fit(x).explained_variance_ratio_[0]
    assert expected("autoencoder", x, x, None).floor == pytest.approx(SHARE * share, rel=0.02)


def test_several_labels_are_held_against_their_commonest_set():
    labels = np.array([[1, 1, 0]] * 6 + [[0, 0, 0]] * 4, np.uint8)
    assert expected("multi-label", DIGITS.train.inputs[:10], labels, 4).chance == 0.6


def test_random_features_tell_apart_what_no_linear_rule_does():
    x = torch.randn(200, 5, generator=torch.Generator().manual_seed(0)).numpy()
    labels = (np.abs(x[:, 0]) > 0.7).astype(np.int64)
    linear = max(
        LogisticRegression().fit(x, labels).score(x, labels), NearestCentroid().fit(x, labels).score(x, labels)
    )
    wide = expected("binary", x, labels, 200)
    assert wide.by == "random features of its width"
    assert linear < 0.7 < 0.95 < wide.floor


@pytest.mark.filterwarnings("error")
def test_inputs_whose_squares_overflow_are_brought_to_one_unit_too():
    rng = np.random.default_rng(0)
    small = rng.normal(size=(200, 4)).astype(np.float32)
    labels = (small[:, 0] > 0).astype(np.int64)
    large = small * np.float32(2.0**120)
    first, second = (expected("classification", x, labels, 8) for x in (small, large))
    assert second.floor == pytest.approx(first.floor, abs=0.02)  # one row of 200 or two at a boundary
    assert second.floor > 0.9


def test_skill_is_the_share_of_the_way_from_chance_to_perfection():
    found = Expected(chance=0.6, floor=0.7, by="nearest class means")
    assert [found.skill(score) for score in (0.6, 0.7, 1.0, 0.4)] == pytest.approx([0, 0.25, 1, -0.5])
    assert Expected(1.0, 1.0, "all of one class").skill(1.0) == 0


# --------------------------------------------------------------------------- outputs, and doubt where it belongs


def autoencoder(output):
    """Train 64-16-64 with a ReLU between and a function behind the outputs."""
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(64, 16), torch.nn.ReLU(), torch.nn.Linear(16, 64))
    x = inputs(part="train", rows=None)
    optimiser = torch.optim.Adam(module.parameters(), lr=0.01)
    for _ in range(300):
        optimiser.zero_grad()
        torch.nn.functional.mse_loss(output(module(x)), x).backward()
        optimiser.step()
    return module


def test_an_autoencoder_with_sigmoid_output_behind_relu(tmp_path):
    data = replace(DIGITS, splits={"train": Split(DIGITS.train.inputs, None), "test": Split(DIGITS.train.inputs, None)})
    found, _, model = looked_at(autoencoder(torch.sigmoid), data, tmp_path)
    assert (found["inferred"]["output"]["value"], found["inferred"]["activation"]["value"]) == ("sigmoid", "relu")
    assert model.output == "sigmoid"
    assert found["score"]["train"] > 0.7
    wrong, _, _ = looked_at(autoencoder(torch.sigmoid), data, tmp_path, output="linear")
    assert wrong["inferred"]["fit"]["value"] in ("poor for its size", "at chance")


def test_an_autoencoder_with_nothing_behind_its_code(tmp_path):
    """One activation behind every layer left it at chance, at R² far below 0."""
    torch.manual_seed(0)
    layers = [torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 8), torch.nn.Linear(8, 32), torch.nn.ReLU()]
    module, x = torch.nn.Sequential(*layers, torch.nn.Linear(32, 64)), inputs(part="train", rows=None)
    optimiser = torch.optim.Adam(module.parameters(), lr=0.01)
    for _ in range(300):
        optimiser.zero_grad()
        torch.nn.functional.mse_loss(torch.sigmoid(module(x)), x).backward()
        optimiser.step()
    data = replace(DIGITS, splits={"train": Split(DIGITS.train.inputs, None)}, classes=())
    found, _, model = looked_at(module, data, tmp_path)
    said = {fact: found["inferred"][fact]["value"] for fact in ("task", "output", "input_scaling", "fit")}
    assert said == {"task": "autoencoder", "output": "sigmoid", "input_scaling": "x/16", "fit": "as expected"}
    assert model.inferred["activation"].value == "relu, identity, relu"
    left = (torch.sigmoid(module(x)) - x).detach().square().sum() / (x - x.mean(0)).square().sum()
    assert found["score"]["train"] == pytest.approx(1 - float(left), abs=1e-4)


@pytest.mark.parametrize("divisor", [1, 16], ids=["as stored", "divided"])
def test_an_autoencoder_whose_targets_are_its_inputs(divisor, tmp_path):
    """Least squares gives back all inputs; held against it as a regression, every autoencoder was poor for its size."""
    x = DIGITS.train.inputs
    data = replace(DIGITS, splits={"train": Split(x, None, x.astype(float) / divisor)}, classes=())
    found, _, _ = looked_at(autoencoder(torch.sigmoid), data, tmp_path)
    said = {fact: found["inferred"][fact]["value"] for fact in ("task", "output", "input_scaling", "fit")}
    assert said == {"task": "autoencoder", "output": "sigmoid", "input_scaling": "x/16", "fit": "as expected"}


@pytest.mark.parametrize("output", ["sigmoid", "softmax", "log-softmax", "tanh", "relu"])
def test_outputs_that_a_user_may_state(output, tmp_path):
    _, _, model = looked_at(planted(), DIGITS, tmp_path, output=output, scaling="x/16", activation="relu")
    function = {"softmax": lambda z: z.softmax(1), "log-softmax": lambda z: z.log_softmax(1)}
    expected = function.get(output) or getattr(torch, output)
    torch.testing.assert_close(model.module(inputs()), expected(planted()(inputs())), atol=1e-6, rtol=1e-5)
    assert model.inferred["output"].confidence == "certain"


def test_activations_stated_for_each_layer(tmp_path):
    _, _, model = looked_at(planted(), DIGITS, tmp_path, activation="relu,identity", scaling="x/16")
    assert [layer.activation for layer in model.layers[:2]] == ["relu", "identity"]
    assert model.inferred["activation"].confidence == "certain"


def test_a_far_fit_of_an_autoencoder_is_below_a_linear_one():
    x = DIGITS.train.inputs
    share = PCA(16).fit(x).explained_variance_ratio_.sum()
    found = expected("autoencoder", x, x, 16)
    assert found.by == "0.5 of a linear autoencoder of 16 nodes"
    assert found.floor == pytest.approx(0.5 * share, rel=0.01)


def test_what_code_says_is_not_doubted_where_it_does_well(tmp_path):
    """Logits ten times as large as training left them: overconfident, but right, and nothing is left to be misread."""
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    x, y = inputs(part="train", rows=None), torch.from_numpy(DIGITS.train.labels)
    optimiser = torch.optim.Adam(module.parameters(), lr=0.01)
    for _ in range(70):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(module(x), y).backward()
        optimiser.step()
    with torch.no_grad():
        module[2].weight *= 10
        module[2].bias *= 10
    module.eval().requires_grad_(False)
    model, _ = load_model(module, DIGITS, LoadOptions(scaling="x/16"))
    values = torch.from_numpy(DIGITS.train.labels)
    assert doubt_of("classification", module(x), values, "linear")
    assert model.scores["test"] > 0.95
    assert model.inferred["fit"].value == "as expected"
    torch.save(module.state_dict(), tmp_path / "net.pt")  # bare weights can be misread
    assert load_model(tmp_path / "net.pt", DIGITS)[0].inferred["fit"].value == "doubtful"


@pytest.mark.parametrize("fact", sorted({*OF_ATTENTION, *OF_RECURRENCE, "convolutions"}))
def test_what_is_tried_on_the_data_is_doubted_where_the_network_does_poorly(fact):
    said = doubted({fact: Inference("this", "likely", "next best")}, Inference(POOR, "likely", "50 % right"))[fact]
    assert (said.value, said.confidence) == ("this", "uncertain")
    assert said.evidence == "next best; but the network is poor for its size under the best candidate (50 % right)"
