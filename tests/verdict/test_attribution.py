"""Captum's scores beside ours: equal where they measure the same, complete where theory says so."""

import numpy as np
import pytest
import torch
from scipy import stats
from small_networks import Hidden, convolutional, data, loaded, mlp
from torch import nn

from interp.network.tracing.calls import place_of
from interp.verdict.attribution import AttributionOptions, attribute
from interp.verdict.attribution.agreement import bootstrap, spearman
from interp.verdict.attribution.attribute import conductances

OPTIONS = AttributionOptions(samples=60, repetitions=50)
NETWORKS = {
    "relu": (lambda: mlp("relu"), (64,)),
    "abs": (lambda: mlp("abs"), (64,)),
    "tanh": (lambda: mlp("tanh"), (64,)),
    "conv": (lambda: convolutional("relu"), (1, 8, 8)),
}


def scores(name, hidden=False, layer=0, options=OPTIONS):
    make, shape = NETWORKS[name]
    chain, plain = make()
    model = loaded(Hidden(chain) if hidden else chain, shape)
    return attribute(model, model.layers[layer], data(), options), plain


@pytest.mark.parametrize("hidden", [False, True], ids=["chain", "hooks"])
@pytest.mark.parametrize("name", NETWORKS)
def test_our_ablation_equals_captums(name, hidden):
    found, _ = scores(name, hidden)
    assert np.isfinite(found.captum_ablation).all()
    assert np.allclose(found.ablation, found.captum_ablation, atol=1e-5)
    assert found.ablation.max() > 0.01


def test_our_ablation_equals_a_plain_loop():
    found, plain = scores("tanh")
    rows = np.sort(np.random.default_rng(0).permutation(300)[:60])
    x = torch.from_numpy(data().inputs[rows])
    base = plain.outputs(x)
    target = base.argmax(1)[:, None]

    def silence(a, node):
        a = a.clone()
        a[:, node] = 0
        return a

    for node in (0, 7, 23):
        out = plain.outputs(x, layer=0, after=lambda a, node=node: silence(a, node))
        change = (base.gather(1, target) - out.gather(1, target)).abs().mean()
        assert found.ablation[node] == pytest.approx(float(change), abs=1e-5)


def test_conductance_of_all_nodes_sums_to_the_change_from_the_zero_input():
    """Completeness (Sundararajan et al. 2017): exact for a network that is linear along the path."""
    torch.manual_seed(0)
    linear = nn.Sequential(nn.Linear(64, 12, bias=False), nn.Linear(12, 5, bias=False))
    with torch.no_grad():
        for part in linear:
            part.weight.abs_()  # with positive inputs every contribution is positive, so |.| keeps the sum
    model = loaded(linear)
    split = data()
    split = type(split)(np.abs(split.inputs), split.labels)
    found = attribute(model, model.layers[0], split, OPTIONS)
    rows = np.sort(np.random.default_rng(0).permutation(300)[:60])
    outputs = linear(torch.from_numpy(split.inputs[rows])).detach()
    assert found.conductance.sum() == pytest.approx(float(outputs.amax(1).mean()), rel=1e-4)


def test_rank_correlation_is_scipys():
    found, _ = scores("relu")
    expected = stats.spearmanr(found.conductance, found.ablation)
    assert found.rank_correlation == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert -1 <= found.low <= found.rank_correlation <= found.high <= 1


def test_where_nodes_add_up_both_scores_rank_alike():
    """With positive weights, both are the node's mean contribution.

    All but conductance's first of 20 steps: at the zero input every z is 0, where ReLU has no slope.
    """
    torch.manual_seed(0)
    chain = nn.Sequential(nn.Linear(64, 12, bias=False), nn.ReLU(), nn.Linear(12, 5, bias=False))
    with torch.no_grad():
        chain[0].weight.abs_()
        chain[2].weight.abs_()
    model = loaded(chain)
    split = data()
    found = attribute(model, model.layers[0], type(split)(np.abs(split.inputs), None), OPTIONS)
    assert np.allclose(found.conductance, found.ablation * 19 / 20, rtol=1e-3)
    assert found.rank_correlation == pytest.approx(1, abs=0.01)


def test_too_few_nodes_have_no_correlation():
    chain, _ = mlp("relu", widths=(64, 2, 5))
    model = loaded(chain)
    found = attribute(model, model.layers[0], data(), OPTIONS)
    assert np.isnan([found.rank_correlation, found.low, found.high, found.p_value]).all()


def test_captum_is_not_asked_where_zero_is_not_silence():
    torch.manual_seed(0)
    chain = nn.Sequential(nn.Linear(64, 8), nn.Sigmoid(), nn.Linear(8, 5))
    model = loaded(chain)
    assert np.isnan(attribute(model, model.layers[0], data(), OPTIONS).captum_ablation).all()


def test_captum_is_not_asked_where_there_are_too_many_nodes():
    found, _ = scores("relu", options=AttributionOptions(samples=20, repetitions=5, captum_nodes=10))
    assert np.isnan(found.captum_ablation).all()
    assert np.isfinite(found.ablation).all()


def test_the_same_seed_gives_the_same_scores():
    first, second = scores("relu")[0], scores("relu")[0]
    for field in ("conductance", "ablation", "captum_ablation", "rank_correlation", "low", "high"):
        assert np.array_equal(getattr(first, field), getattr(second, field)), field


def state(module):
    return [
        (part.training, getattr(part, "inplace", None), len(part._forward_hooks), len(part._forward_pre_hooks))
        for part in module.modules()
    ]


def test_in_place_activations_and_the_module_are_left_as_they_were():
    usual, _ = mlp("relu")
    inplace, _ = mlp("relu", module=lambda: nn.ReLU(inplace=True))
    model = loaded(inplace)
    before = state(inplace)
    found = attribute(model, model.layers[0], data(), OPTIONS)
    assert state(inplace) == before
    reference = loaded(usual)
    expected = attribute(reference, reference.layers[0], data(), OPTIONS)
    assert np.allclose(found.conductance, expected.conductance)
    assert np.allclose(found.captum_ablation, expected.captum_ablation)


def test_an_error_on_the_path_leaves_the_module_as_it_was(monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("cannot go on")

    chain, _ = mlp("relu", module=lambda: nn.ReLU(inplace=True))
    model = loaded(chain)
    before = state(chain)
    monkeypatch.setattr(torch.autograd, "grad", fail)
    with pytest.raises(RuntimeError, match="cannot go on"):
        attribute(model, model.layers[0], data(), OPTIONS)
    assert state(chain) == before


@pytest.mark.parametrize("seed", range(2))
def test_the_interval_of_a_rank_correlation_is_as_wide_as_theory_has_it(seed):
    """Of normal pairs Fisher's z of Spearman's rho has the variance 1.06 / (n - 3) (Fieller et al. 1957).

    The ends are quantiles of 300 draws, known to 0.15 standard errors each; an 80 % interval has 0.65 of the width.
    """
    rng, n = np.random.default_rng(seed), 300
    first = rng.normal(size=n)
    second = 0.5 * first + rng.normal(size=n)
    rho, _ = spearman(first, second)
    low, high = bootstrap(first, second, 300, seed)
    width = np.arctanh(high) - np.arctanh(low)
    assert width == pytest.approx(2 * 1.96 * np.sqrt(1.06 / (n - 3)), rel=0.2)
    assert low < rho < high


@pytest.mark.parametrize("name", ["relu", "conv"])
def test_conductance_of_all_layers_at_once_is_captums_of_each(name):
    """To the last bit: the same sums in the same order."""
    from captum.attr import LayerConductance

    make, shape = NETWORKS[name]
    model = loaded(Hidden(make()[0]), shape)
    found = conductances(model, model.layers[:-1], data(), OPTIONS)
    rows = np.sort(np.random.default_rng(0).permutation(300)[:60])
    x = torch.from_numpy(data().inputs[rows]).reshape(60, *shape)
    for layer in model.layers[:-1]:
        method = LayerConductance(model.module, place_of(model.module, layer.tap))
        scores = method.attribute(
            x,
            baselines=0,
            target=model.module(x).argmax(1),
            n_steps=20,
            method="riemann_trapezoid",
            internal_batch_size=240,
        )
        expected = scores.detach().abs().flatten(2).sum(2) if scores.dim() > 2 else scores.detach().abs()
        np.testing.assert_allclose(found[layer.name], expected.mean(0).double(), rtol=1e-6, atol=1e-9)
        np.testing.assert_array_equal(
            found[layer.name], attribute(model, layer, data(), OPTIONS).conductance, err_msg="alone and together"
        )


def test_layers_that_do_not_fit_into_memory_together_are_attributed_apart(monkeypatch):
    model = loaded(Hidden(mlp("relu", widths=(64, 9, 8, 5))[0]))
    together = conductances(model, model.layers, data(), OPTIONS)
    monkeypatch.setattr("interp.verdict.attribution.conductance.MOST_VALUES", 60 * 4 * 10)
    apart = conductances(model, model.layers, data(), OPTIONS)
    assert all(np.array_equal(together[name], apart[name]) for name in together)
