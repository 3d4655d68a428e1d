from dataclasses import dataclass, replace

import numpy as np
import pytest

from interp.analysis.boundaries import classify_boundaries, preset
from interp.analysis.gaussians import fit_gaussians
from interp.analysis.prototypes import (
    PrototypeOptions,
    distance_of,
    find_prototypes,
    principal_coordinates,
    strength_of,
)
from interp.network.activations import ACTIVATIONS, SEEN_ONLY
from interp.types import Boundaries, GaussianFit, LayerRows

D, N, S = 6, 5, 3000


@dataclass
class Layer:
    """Two planted clusters of inputs, and linear nodes of which the last is dead."""

    x: np.ndarray
    network: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    z: np.ndarray
    fit: GaussianFit
    boundaries: Boundaries

    def prototypes(self, activation="abs", size=1000, options=PrototypeOptions(), same=False):
        parts = []
        for start in range(0, len(self.x), size):
            rows = slice(start, start + size)
            read = self.x[rows]
            parts.append(LayerRows(self.z[rows], read, read if same else self.network[rows]))
        row_sample = np.arange(len(self.x))
        affine = self.weight, self.bias
        return find_prototypes(parts, self.z, row_sample, self.fit, self.boundaries, activation, affine, options)


def planted(seed=0, offset=0.0, gaussian=False):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(D, D)) / 2
    x = rng.normal(size=(S, D)) @ root + offset
    if not gaussian:
        x[: S // 3] += rng.normal(0, 4, D)
    x = x.astype(np.float32)
    weight = rng.normal(size=(N, D))
    bias = -(weight @ x.mean(axis=0).astype(float)) + rng.normal(size=N)
    weight[-1], bias[-1] = 0, 0.5
    z = (x @ weight.T + bias).astype(np.float32)
    fit = fit_gaussians(z)
    network = rng.normal(size=(S, 4)).astype(np.float32) + x[:, :4]
    return Layer(x, network, weight, bias, z, fit, classify_boundaries(fit))


@pytest.fixture(scope="module")
def layer():
    return planted()


def test_conditional_prototype_of_a_gaussian_is_the_closed_form():
    """E[x | w.x + b = 0] = mu - Sigma w (w.mu + b) / w' Sigma w, from the sample's own mu and Sigma."""
    layer = planted(gaussian=True)
    mu, sigma = layer.x.mean(axis=0, dtype=float), np.cov(layer.x.T.astype(float), bias=True)
    found = layer.prototypes().layer_input["conditional"]
    for node in range(N - 1):
        w, b = layer.weight[node], layer.bias[node]
        expected = mu - sigma @ w * (w @ mu + b) / (w @ sigma @ w)
        np.testing.assert_allclose(found[node], expected, atol=2e-5)
        assert w @ found[node] + b == pytest.approx(0, abs=2e-5)


def test_conditional_prototype_is_what_inputs_near_the_boundary_average_to():
    layer = planted(gaussian=True)
    found = layer.prototypes(options=PrototypeOptions(share=0.1))
    error = np.sqrt(np.diag(np.cov(layer.x.T)) / found.effective_count["nearest"][0])
    gap = np.abs(found.layer_input["conditional"] - found.layer_input["nearest"])
    amid = np.flatnonzero(layer.boundaries.distance < 1)  # elsewhere the nearest inputs lie on one side
    assert len(amid) >= 2
    assert (gap[amid] < 5 * error).all()


def responsibilities(layer, node):
    """P(component | z) of one node by Bayes' rule, (S, K)."""
    fit, z = layer.fit, layer.z[:, node].astype(float)
    k = fit.components[node]
    w, m, v = (part[node, :k] for part in (fit.weight, fit.component_mean, fit.component_var))
    density = w * np.exp(-((z[:, None] - m) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v)
    return density / density.sum(axis=1, keepdims=True)


def test_component_prototype_is_the_mean_by_responsibility(layer):
    found = layer.prototypes()
    for node in range(N - 1):
        weight = responsibilities(layer, node)[:, int(layer.boundaries.component[node])]
        for name, x in (("layer_input", layer.x), ("network_input", layer.network)):
            expected = weight @ x.astype(float) / weight.sum()
            np.testing.assert_allclose(getattr(found, name)["component"][node], expected, atol=1e-5)
        assert found.effective_count["component"][node] == pytest.approx(
            weight.sum() ** 2 / (weight**2).sum(), rel=1e-4
        )


@pytest.mark.parametrize("activation", ["abs", "relu", "tanh"])
def test_nearest_and_strongest_are_means_of_the_sorted_rows(layer, activation):
    options = PrototypeOptions(share=0.02, exemplars=7)
    found = layer.prototypes(activation, options=options)
    for node in range(N - 1):
        z = layer.z[:, node]
        output = {"abs": np.abs(z), "relu": np.maximum(z, 0), "tanh": z}[activation]
        near = z <= 0 if activation == "relu" else np.argsort(np.abs(z))[:60]
        strong = np.argsort(-output, kind="stable")[:60]
        for kind, rows in (("nearest", near), ("strongest", strong)):
            np.testing.assert_allclose(found.layer_input[kind][node], layer.x[rows].mean(axis=0), atol=2e-5)
            np.testing.assert_allclose(found.network_input[kind][node], layer.network[rows].mean(axis=0), atol=2e-5)
            assert found.effective_count[kind][node] == len(layer.x[rows])
        assert found.exemplars["strongest"][node].tolist() == strong[:7].tolist()
        assert found.exemplars["nearest"][node].tolist() == np.argsort(np.abs(z))[:7].tolist()


def test_few_rows_are_rounded_up_to_the_least(layer):
    found = layer.prototypes(options=PrototypeOptions(share=1e-6, least=25))
    assert (found.effective_count["strongest"][: N - 1] == 25).all()


def test_what_is_near_and_what_is_strong():
    z = np.array([-2.0, 0.0, 3.0])
    assert distance_of(z, "relu").tolist() == [0, 0, 3]
    assert distance_of(z, "abs").tolist() == [2, 0, 3]
    assert strength_of(z, "abs").tolist() == [2, 0, 3]
    assert strength_of(z, "relu").tolist() == [-2, 0, 3]


def test_projection_of_the_mean_lies_on_the_boundary_and_along_w(layer):
    found = layer.prototypes()
    mu = layer.x.mean(axis=0, dtype=float)
    for node in range(N - 1):
        assert layer.weight[node] @ found.projection[node] + layer.bias[node] == pytest.approx(0, abs=1e-5)
        step = found.projection[node] - mu
        cosine = step @ layer.weight[node] / np.linalg.norm(step) / np.linalg.norm(layer.weight[node])
        assert abs(cosine) == pytest.approx(1, abs=1e-6)


def test_projection_by_hand(layer):
    known = {"input_mean": np.array([3.0, 4.0]), "weight": np.array([[0.0, 2.0]]), "z_mean": np.array([6.0])}
    np.testing.assert_allclose(replace(layer.prototypes(), **known).projection, [[3, 1]])  # 2 y - 2 = 0 from (3, 4)


@pytest.mark.parametrize("repeats", [1, 4])
def test_means_of_few_samples_follow_from_their_shares(repeats):
    """Also where each sample has several rows, one node never changes, and samples come in two parts."""
    rng = np.random.default_rng(0)
    x, network = rng.normal(size=(40 * repeats, 6)).astype(np.float32), rng.normal(2, 1, (40, 90)).astype(np.float32)
    z = x @ rng.normal(size=(6, 3)).astype(np.float32) + 1
    z[:, 2] = 3
    row_sample = np.arange(40).repeat(repeats)
    fit = fit_gaussians(z)
    cuts = (slice(0, 10), slice(10, 40))
    rows = [slice(part.start * repeats, part.stop * repeats) for part in cuts]
    parts = [LayerRows(z[own], x[own], network[part]) for own, part in zip(rows, cuts, strict=True)]
    found = find_prototypes(parts, z, row_sample, fit, classify_boundaries(fit), "relu")
    for kind, share in found.network_share.items():
        known = np.isfinite(found.network_input[kind]).all(axis=1)
        assert (np.isfinite(share).all(axis=1) == known).all()
        np.testing.assert_allclose(share[known].sum(axis=1), 1, rtol=1e-5)
        np.testing.assert_allclose((share @ network)[known], found.network_input[kind][known], rtol=1e-4, atol=1e-4)
    assert set(found.network_share) == set(found.network_input)


def test_many_samples_have_no_shares(layer):
    assert not layer.prototypes().network_share


def test_squared_principal_coordinates_add_up_to_the_variance_of_z():
    """alpha_i = sqrt(lambda_i) v_i.w, so that their squares add up to w Sigma w' = var(z)."""
    layer = planted()
    layer.weight = np.concatenate([layer.weight, layer.weight[:1] + layer.weight[1:2], 2 * layer.weight[:1]])
    sigma = np.cov(layer.x.T.astype(float), bias=True)
    alpha, whitening = principal_coordinates(layer.weight, sigma)
    assert alpha.shape == (7, 6)
    np.testing.assert_allclose((alpha**2).sum(axis=1), whitening, rtol=1e-10)
    np.testing.assert_allclose(whitening, np.diag(layer.weight @ sigma @ layer.weight.T), rtol=1e-12)
    spread = (alpha[:-2] ** 2).sum(axis=1)
    np.testing.assert_allclose(spread[: N - 1], layer.fit.var[: N - 1], rtol=1e-5)
    values, vectors = np.linalg.eigh(sigma)
    np.testing.assert_allclose(np.abs(alpha[:, 0]), np.abs(layer.weight @ vectors[:, -1]) * np.sqrt(values[-1]))


def test_whitening_is_measured_on_the_inputs(layer):
    found = layer.prototypes()
    np.testing.assert_allclose(found.whitening[: N - 1], layer.fit.var[: N - 1], rtol=1e-4)
    assert found.principal_coordinates.shape == (N, min(D, N))
    whitened = layer.weight[0] / np.sqrt(layer.fit.var[0])
    assert principal_coordinates(whitened[None], np.cov(layer.x.T, bias=True))[1] == pytest.approx(1, rel=1e-4)


def test_nodes_that_are_not_linear_have_no_projection(layer):
    parts = [LayerRows(layer.z, layer.x, layer.network)]
    found = find_prototypes(parts, layer.z, np.arange(S), layer.fit, layer.boundaries, "identity", None)
    assert np.isnan(found.projection).all()
    assert np.isnan(found.whitening).all()
    assert found.principal_coordinates.shape == (N, 0)
    assert np.isfinite(found.layer_input["nearest"]).all()


def test_dead_nodes_have_no_prototype(layer):
    found = layer.prototypes()
    assert layer.boundaries.kind[-1] == "dead"
    for kind in ("conditional", "component"):
        assert np.isnan(found.layer_input[kind][-1]).all()
        assert np.isnan(found.network_input[kind][-1]).all()
        assert found.effective_count[kind][-1] == 0


def test_without_a_nearest_component_there_is_no_component_prototype(layer):
    """The rule of the mean compares with no component; all had that of the mixture's first."""
    of_mean = replace(layer, boundaries=classify_boundaries(layer.fit, preset("as-nn")))
    found, usual = of_mean.prototypes(), layer.prototypes()
    assert np.isnan(found.layer_input["component"]).all()
    assert (found.effective_count["component"] == 0).all()
    np.testing.assert_array_equal(found.layer_input["nearest"], usual.layer_input["nearest"])


@pytest.mark.parametrize("size", [1, 37, 3000])
def test_block_size_changes_nothing(layer, size):
    if size == 1:
        layer = Layer(
            layer.x[:200], layer.network[:200], layer.weight, layer.bias, layer.z[:200], *fitted(layer.z[:200])
        )
    found, other = layer.prototypes(size=100), layer.prototypes(size=size)
    for kind in found.layer_input:
        np.testing.assert_allclose(other.layer_input[kind], found.layer_input[kind], atol=2e-5, err_msg=kind)
        np.testing.assert_allclose(other.network_input[kind], found.network_input[kind], atol=2e-5, err_msg=kind)
        np.testing.assert_allclose(other.effective_count[kind], found.effective_count[kind], rtol=1e-6)
    np.testing.assert_allclose(other.whitening, found.whitening, rtol=1e-4, atol=1e-12)


def fitted(z):
    fit = fit_gaussians(z)
    return fit, classify_boundaries(fit)


def test_inputs_far_from_zero_lose_no_digits():
    near, far = planted(gaussian=True), planted(gaussian=True, offset=1000.0)
    for kind, means in near.prototypes().layer_input.items():
        moved = far.prototypes().layer_input[kind][: N - 1] - 1000
        np.testing.assert_allclose(moved, means[: N - 1], atol=0.02, err_msg=kind)


def test_a_first_layer_reads_the_network_input_itself(layer):
    found = layer.prototypes(same=True)
    apart = layer.prototypes()
    for kind, means in found.layer_input.items():
        np.testing.assert_array_equal(means, apart.layer_input[kind])
        np.testing.assert_array_equal(found.network_input[kind], means)
    np.testing.assert_array_equal(found.network_mean, found.input_mean)
    np.testing.assert_allclose(apart.network_mean, layer.network.mean(axis=0, dtype=float), atol=1e-6)


def test_rows_of_one_input_share_it(layer):
    """Three positions an input: the same means whether the input stands there three times or once."""
    inputs = layer.network[::3]
    often = Layer(**{**vars(layer), "network": inputs.repeat(3, axis=0)}).prototypes()
    parts = [
        LayerRows(layer.z[rows], layer.x[rows], inputs[rows.start // 3 : rows.stop // 3])
        for rows in (slice(start, start + 600) for start in range(0, S, 600))
    ]
    affine = layer.weight, layer.bias
    once = find_prototypes(parts, layer.z, np.arange(S), layer.fit, layer.boundaries, "abs", affine)
    for kind, means in often.network_input.items():
        np.testing.assert_allclose(once.network_input[kind], means, atol=2e-5, err_msg=kind)
    np.testing.assert_allclose(once.network_mean, often.network_mean, atol=1e-7)


def test_node_order_permutes_prototypes(layer):
    order = [3, 0, 4, 1, 2]
    moved = Layer(
        layer.x, layer.network, layer.weight[order], layer.bias[order], layer.z[:, order], *fitted(layer.z[:, order])
    )
    found, other = layer.prototypes(), moved.prototypes()
    for kind in found.layer_input:
        np.testing.assert_allclose(other.layer_input[kind], found.layer_input[kind][order], atol=1e-5, err_msg=kind)
    np.testing.assert_array_equal(
        other.exemplars["strongest"][[0, 1, 3, 4]], found.exemplars["strongest"][[3, 0, 1, 2]]
    )


def test_rows_of_a_convolution_name_the_input_they_came_from(layer):
    row_sample = np.arange(S) // 10
    parts = [LayerRows(layer.z, layer.x, layer.network)]
    found = find_prototypes(parts, layer.z, row_sample, layer.fit, layer.boundaries, "abs", (layer.weight, layer.bias))
    best = np.abs(layer.z[:, :-1]).argmin(axis=0)
    np.testing.assert_array_equal(found.exemplars["nearest"][:-1, 0], best // 10)


def test_prototypes_of_drawn_nodes_are_those_of_all(layer):
    drawn = np.array([0, 2, 4])
    fit = fit_gaussians(layer.z, sampled=drawn)
    part = Layer(**{**vars(layer), "fit": fit, "boundaries": classify_boundaries(fit)}).prototypes()
    whole = layer.prototypes()
    assert part.nodes.tolist() == drawn.tolist()
    assert whole.nodes.tolist() == list(range(N))
    for name in ("layer_input", "network_input", "effective_count", "exemplars"):
        for kind, found in getattr(part, name).items():
            np.testing.assert_allclose(found, getattr(whole, name)[kind][drawn], atol=1e-6, err_msg=f"{name} {kind}")
    for name in ("projection", "weight", "whitening"):  # weights are kept in float32 where nodes are drawn
        np.testing.assert_allclose(getattr(part, name), getattr(whole, name)[drawn], rtol=1e-5, atol=1e-5, err_msg=name)


ONE_SIDED = ("relu", "leaky_relu", "gelu", "silu", "elu", "softplus", "relu6", "selu", "celu", "mish")


@pytest.mark.parametrize("activation", [*ACTIVATIONS, *SEEN_ONLY, "prelu", "custom"])
def test_all_that_rectify_are_near_on_a_whole_half_space_and_no_others(activation):
    z = np.array([-2.0, -0.5, 0.0, 3.0])
    expected = [0, 0, 0, 3] if activation in ONE_SIDED else [2, 0.5, 0, 3]
    assert distance_of(z, activation).tolist() == expected


@pytest.mark.parametrize("activation", ["gelu", "leaky_relu", "softplus"])
def test_the_nearest_inputs_of_a_smooth_relative_of_relu_are_all_of_those_below_zero(layer, activation):
    found = layer.prototypes(activation)
    for node in range(N - 1):
        near = layer.z[:, node] <= 0
        assert found.effective_count["nearest"][node] == near.sum()
        np.testing.assert_allclose(found.layer_input["nearest"][node], layer.x[near].mean(axis=0), atol=2e-5)
