"""Scores of other tasks under edits: beside a plain loop, scikit-learn and scipy."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import r2_score
from small_networks import Hidden, data, loaded, mlp, ranges_of

from interp.analysis import mcnemar, mean_from_sums
from interp.interventions import INTERVENTIONS, InterventionOptions, Ranges, ablate, intervene, levels, tally
from interp.interventions.engine.measure import _of_scores, counted, measure, measure_together
from interp.interventions.engine.sums import Sums, _add_scores
from interp.network.inputs import outputs_on
from interp.tasks.scorers import each_explained
from interp.types import Dataset, Split

CHAIN, PLAIN = mlp("relu")
INPUTS = data(400).inputs
OUTPUTS = PLAIN.outputs(torch.from_numpy(INPUTS)).numpy().astype(float)
RNG = np.random.default_rng(0)
TARGETS = OUTPUTS + RNG.normal(0, 0.5, OUTPUTS.shape) * OUTPUTS.std(0)
RANGES, MEANS = ranges_of(PLAIN, torch.from_numpy(INPUTS))


def network(task, hidden=False):
    return replace(loaded(Hidden(CHAIN) if hidden else CHAIN), task=task)


def edits(kind, count=9):
    at = levels(kind, count)
    return at, [INTERVENTIONS[kind](level, RANGES[0]) for level in at]


@pytest.mark.parametrize("hidden", [False, True], ids=["chain", "hooks"])
def test_regression_beside_a_plain_loop(hidden):
    model = network("regression", hidden)
    at, chosen = edits("scale")
    found = measure(model, model.layers[0], chosen, Split(INPUTS, None, TARGETS))
    x = torch.from_numpy(INPUTS)
    plain = [PLAIN.outputs(x, 0, change=lambda z, s=s: z * s).numpy() for s in at]
    np.testing.assert_allclose(found.score, [r2_score(TARGETS, each) for each in plain], rtol=1e-6)
    np.testing.assert_allclose(found.loss, [((TARGETS - each) ** 2).mean() for each in plain], rtol=1e-6)
    assert found.baseline == pytest.approx(r2_score(TARGETS, OUTPUTS), abs=1e-6)
    assert found.score[at == 1][0] == found.baseline  # to the last bit
    assert (found.difference[at == 1][0], found.p_value[at == 1][0]) == (0, 1)


def test_intervals_and_tests_are_paired_by_row():
    model = network("regression")
    found = measure(model, model.layers[0], [ablate(3, 0.0)], Split(INPUTS, None, TARGETS))

    def silent(outputs):
        outputs = outputs.clone()
        outputs[:, 3] = 0
        return outputs

    def per_sample(outputs):
        return 1 - (((outputs - TARGETS) ** 2) / TARGETS.var(0)).mean(1)

    first, second = per_sample(OUTPUTS), per_sample(PLAIN.outputs(torch.from_numpy(INPUTS), 0, after=silent).numpy())
    test = stats.ttest_rel(second, first)
    assert found.difference[0] == pytest.approx((second - first).mean(), abs=1e-6)
    assert found.p_value[0] == pytest.approx(test.pvalue, rel=1e-4)


def r2_of_draws(truth, outputs, draws):
    wrong, answers = ((truth - outputs) ** 2)[draws].sum(1), truth[draws]
    return 1 - wrong / ((answers - answers.mean(1, keepdims=True)) ** 2).sum(1)


def test_intervals_of_r2_are_those_of_drawing_samples_anew():
    """Errors and the spread of the answers are drawn together: the spread is not known either."""
    values = (TARGETS.sum(1) + 3 * RNG.normal(size=len(TARGETS)))[:, None]
    outputs, other = values + RNG.normal(0, 3, values.shape), values + RNG.normal(0, 4, values.shape)
    scorer = each_explained(values)
    answers = torch.from_numpy(values)
    first, second = (scorer(torch.from_numpy(each), answers, "linear")[0] for each in (outputs, other))
    rows = _add_scores(first[None], scorer.spread(answers), second[None]).numpy()
    found = _of_scores(Sums(len(values), False, float(first.sum()), 0.0, np.zeros(0), rows, np.zeros(1)))
    draws = np.random.default_rng(0).integers(0, len(values), (4000, len(values)))
    before, after = (r2_of_draws(values[:, 0], each[:, 0], draws) for each in (outputs, other))
    assert before[0] == pytest.approx(r2_score(values[draws[0]], outputs[draws[0]]))
    wide = np.quantile(after, [0.025, 0.975])
    assert (found.low[0], found.high[0]) == pytest.approx(tuple(wide), abs=0.12 * np.ptp(wide))
    change = np.quantile(after - before, [0.025, 0.975])
    assert (found.difference_low[0], found.difference_high[0]) == pytest.approx(
        tuple(change), abs=0.12 * np.ptp(change)
    )


def test_r2_of_few_samples_has_no_interval():
    model = network("regression")
    found = measure(model, model.layers[0], [ablate(3, 0.0)], Split(INPUTS[:99], None, TARGETS[:99]))
    assert np.isfinite([found.score[0], found.difference[0], found.p_value[0]]).all()
    assert np.isnan([found.low[0], found.high[0], found.difference_low[0], found.difference_high[0]]).all()


def test_several_labels_are_counted():
    labels = (TARGETS > 0).astype(np.uint8)
    model = network("multi-label")
    at, chosen = edits("offset", 5)
    found = measure(model, model.layers[0], chosen, Split(INPUTS, None, labels))
    shift = [(RANGES[0].high - RANGES[0].low) * level for level in at]
    factor = [(RANGES[0].high - move) / RANGES[0].high for move in shift]
    x = torch.from_numpy(INPUTS)
    right = ((OUTPUTS > 0) == labels).all(1)
    for number in range(len(at)):
        s, t = (torch.from_numpy(np.asarray(part[number], np.float32)) for part in (factor, shift))
        after = ((PLAIN.outputs(x, 0, change=lambda z, s=s, t=t: z * s + t).numpy() > 0) == labels).all(1)
        assert found.score[number] == after.mean()
        assert found.p_value[number] == mcnemar((after & ~right).sum(), (right & ~after).sum())


@pytest.mark.parametrize("task", ["multi-label", "regression", "autoencoder"])
def test_without_answers_the_network_is_compared_with_itself(task):
    model = network(task)
    at, chosen = edits("scale", 5)
    found = measure(model, model.layers[0], chosen, Split(INPUTS, None), own=True)
    assert found.score[at == 1][0] == found.baseline == 1
    assert np.isnan(found.loss).all()
    assert found.score.min() < 1


def test_classes_take_the_quick_way():
    model, split = network("classification"), data(400)
    _, chosen = edits("scale", 5)
    found, counts = (run(model, model.layers[0], chosen, split) for run in (measure, tally))
    np.testing.assert_array_equal(found.score, counts.hits / counts.samples)
    np.testing.assert_array_equal(found.p_value, counted(counts).p_value)


def test_layers_together():
    model = network("regression")
    halve = INTERVENTIONS["scale"](0.5, RANGES[0])
    one = measure(model, model.layers[0], [halve], Split(INPUTS, None, TARGETS))
    same = measure_together(model, [{model.layers[0].name: halve}], Split(INPUTS, None, TARGETS))
    assert same.score[0] == pytest.approx(one.score[0], abs=1e-9)


def test_whole_sweep_of_a_regression():
    model = network("regression")
    splits = {"train": Split(INPUTS, None, TARGETS), "test": Split(INPUTS[:99], None, TARGETS[:99])}
    ranges = {layer.name: part for layer, part in zip(model.layers, RANGES, strict=True)}
    means = {layer.name: part for layer, part in zip(model.layers, MEANS, strict=True)}
    options = InterventionOptions(levels=8, curve_levels=3, curve_samples=50, control_samples=50)
    found = intervene(model, Dataset("drawn", splits, None, (), (), "d"), ranges, means, options)
    assert found.baseline["test"] == pytest.approx(r2_score(TARGETS[:99], OUTPUTS[:99]), abs=1e-6)
    assert found.classes.empty
    assert found.balance.empty
    kept = found.control[(found.control["network"] == "given") & (found.control["level"] == 1)]
    assert (kept[kept["intervention"] == "scale"]["agreement"] == 1).all()
    assert len(found.curves) == sum(layer.nodes for layer in model.layers) * 6


def test_outputs_that_are_not_numbers_are_told():
    model = network("regression")
    wild = replace(RANGES[0])
    assert isinstance(wild, Ranges)
    found = measure(model, model.layers[0], [INTERVENTIONS["scale"](float("nan"), wild)], Split(INPUTS, None, TARGETS))
    assert np.isnan(found.score[0])
    assert outputs_on(model, INPUTS).shape == OUTPUTS.shape


def test_means_of_sums():
    values = RNG.normal(0.3, 2, (50, 4))
    mean, low, high, p_value = mean_from_sums(values.sum(0), (values**2).sum(0), 50)
    test = stats.ttest_1samp(values, 0)
    np.testing.assert_allclose(mean, values.mean(0))
    np.testing.assert_allclose(p_value, test.pvalue)
    np.testing.assert_allclose([low, high], test.confidence_interval())
    assert [float(x) for x in mean_from_sums(np.array(0.0), np.array(0.0), 5)] == [0, 0, 0, 1]
