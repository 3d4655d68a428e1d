from dataclasses import replace
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from interp.analysis.clusters import (
    ClusterOptions,
    fit_centroids,
    match_all,
    match_clusters,
    match_to_centroids,
    nearest,
)
from interp.analysis.clusters.matching import NULLS, _drawn_rows, _random_means
from interp.analysis.counts import share_interval
from interp.types import LabelledInputs

K, D = 5, 8
CENTRES = np.random.default_rng(0).normal(0, 10, (K, D))
OPTIONS = ClusterOptions(repetitions=10)


def planted(rows=600, seed=0, labels=True):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, K, rows)
    inputs = (CENTRES[truth] + rng.normal(size=(rows, D))).astype(np.float32)
    wrong = rng.random(rows) < 0.1
    return LabelledInputs(inputs, truth if labels else None, np.where(wrong, (truth + 1) % K, truth))


def prototypes(seed=0):
    """Near the planted centres in another order, beside nodes that know nothing; the last is dead."""
    rng = np.random.default_rng(seed)
    good = CENTRES[[3, 1, 4, 0, 2]] + rng.normal(0, 0.1, (K, D))
    return {"nearest": np.concatenate([good, np.full((1, D), np.nan)]), "strongest": rng.normal(0, 10, (K + 1, D))}


@pytest.fixture(scope="module")
def found():
    return match_clusters(planted(), planted(200, 1), prototypes(), counts(), K, OPTIONS)


def counts():
    return {"nearest": np.full(K + 1, 20.0), "strongest": np.full(K + 1, 20.0)}


def test_planted_clusters_are_recovered(found):
    gap = np.linalg.norm(found.centroids[:, None] - CENTRES[None], axis=2)
    assert sorted(gap.argmin(axis=1)) == list(range(K))
    assert gap.min(axis=1).max() < 0.5
    assert found.k == K
    assert found.rows == 600


def test_centroids_are_a_fixed_point_of_lloyds_rule(found):
    x = planted().inputs
    own = nearest(x, found.centroids)
    means = np.stack([x[own == k].mean(axis=0) for k in range(K)])
    np.testing.assert_allclose(found.centroids, means, atol=1e-3)
    theirs = KMeans(K, n_init=5, random_state=1).fit(x)
    inertia = ((x - found.centroids[own]) ** 2).sum()
    assert inertia == pytest.approx(theirs.inertia_, rel=1e-4)


def test_prototypes_are_matched_to_the_centroid_they_were_planted_at(found):
    whose = np.linalg.norm(found.centroids[:, None] - CENTRES[None], axis=2).argmin(axis=1)
    assert whose[found.match["nearest"][:K].astype(int)].tolist() == [3, 1, 4, 0, 2]
    assert np.isnan(found.match["nearest"][K])
    assert np.isnan(found.distance["nearest"][K])
    assert (found.distance["nearest"][:K] < 1).all()


@pytest.mark.parametrize(("points", "centroids"), [(5, 5), (3, 6), (6, 4)])
def test_matching_is_the_best_of_all_permutations(points, centroids):
    rng = np.random.default_rng(points)
    a, b = rng.normal(size=(points, 3)), rng.normal(size=(centroids, 3))
    match, distance = match_to_centroids(a, b)
    cost = np.linalg.norm(a[:, None] - b[None], axis=2)
    if points <= centroids:
        best = min(sum(cost[i, j] for i, j in enumerate(p)) for p in permutations(range(centroids), points))
    else:
        best = min(sum(cost[i, j] for j, i in enumerate(p)) for p in permutations(range(points), centroids))
    assert np.nansum(distance) == pytest.approx(best)
    paired = np.isfinite(match)
    assert paired.sum() == min(points, centroids) == len(set(match[paired]))
    np.testing.assert_allclose(distance[paired], cost[paired, match[paired].astype(int)])
    assert np.isnan(distance[~paired]).all()


def test_permuting_nodes_permutes_matches():
    rng = np.random.default_rng(1)
    points, centroids, order = rng.normal(size=(6, 3)), rng.normal(size=(8, 3)), rng.permutation(6)
    points[2] = np.nan
    match, distance = match_to_centroids(points, centroids)
    moved, moved_distance = match_to_centroids(points[order], centroids)
    np.testing.assert_array_equal(moved, match[order])
    np.testing.assert_allclose(moved_distance, distance[order])
    turned = rng.permutation(8)
    there = match_to_centroids(points, centroids[turned])[0]
    is_known = np.isfinite(match)
    np.testing.assert_array_equal(np.isfinite(there), is_known)
    np.testing.assert_array_equal(turned[there[is_known].astype(int)], match[is_known])


def test_prototypes_that_know_the_clusters_beat_their_nulls_and_others_do_not(found):
    for kind, beats in (("nearest", True), ("strongest", False)):
        mean = np.nanmean(found.distance[kind])
        assert sorted(found.null_distance[kind]) == sorted(NULLS)
        for drawn in found.null_distance[kind].values():
            assert drawn.shape == (10,)
            assert (mean < drawn.min()) == beats


def test_permuted_prototypes_are_the_right_values_in_other_rows():
    """With one node there is nothing to permute, so the null is the match itself."""
    points = {"nearest": CENTRES[:1] + 1}
    found = match_clusters(planted(), planted(50, 1), points, {"nearest": np.ones(1)}, K, OPTIONS)
    np.testing.assert_allclose(found.null_distance["nearest"]["permuted prototypes"], found.distance["nearest"][0])


@pytest.mark.parametrize("count", [1, 7, 32, 500])
def test_random_means_scatter_as_means_of_that_many_rows(count):
    x = np.random.default_rng(0).normal(3, 2, (5000, 4))
    drawn = _drawn_rows(len(x), np.full(2000, float(count)), np.random.default_rng(1))
    means = _random_means(x, x.mean(axis=0), *drawn)
    np.testing.assert_allclose(means.mean(axis=0), x.mean(axis=0), atol=8 / np.sqrt(2000 * count))
    np.testing.assert_allclose(means.std(axis=0), x.std(axis=0) / np.sqrt(count), rtol=0.06)


def test_agreement_is_scikit_learns_beside_a_null_near_zero(found):
    table = found.agreement.set_index("pair")
    sample = planted()
    x, own = sample.inputs, nearest(sample.inputs, found.centroids)
    assert table.loc["k-means / classes", "ari"] == pytest.approx(adjusted_rand_score(sample.labels, own))
    assert table.loc["nearest prototypes / k-means", "ari"] > 0.99
    brute = np.linalg.norm(x[:, None] - prototypes()["strongest"][None], axis=2).argmin(axis=1)
    assert table.loc["strongest prototypes / classes", "ari"] == pytest.approx(
        adjusted_rand_score(sample.labels, brute)
    )
    assert (table[["null_ari", "null_nmi"]].abs() < 0.05).all(axis=None)


def test_classifiers_that_know_distances_solve_planted_clusters(found):
    table = found.accuracy.set_index("classifier")
    test = planted(200, 1)
    assert table.loc["the network", "accuracy"] == (test.predictions == test.labels).mean()
    assert table.loc["the network", "agreement"] == 1
    for name in (
        "nearest class mean",
        "k-means, majority label",
        "k-means, linear read-out",
        "nearest nearest prototype",
    ):
        assert table.loc[name, "accuracy"] > 0.98
        assert table.loc[name, "agreement"] == pytest.approx((test.predictions == test.labels).mean(), abs=0.02)
    for row in table.itertuples():
        ends = share_interval(round(row.accuracy * 200), 200)
        np.testing.assert_allclose([row.low, row.high], ends, rtol=1e-12)
    assert (table["samples"] == 200).all()


def test_labels_need_not_run_from_zero():
    train, test = planted(), planted(200, 1)
    moved = [LabelledInputs(s.inputs, 2 * s.labels + 3, 2 * s.predictions + 3) for s in (train, test)]
    plain = match_clusters(train, test, prototypes(), counts(), K, OPTIONS)
    found = match_clusters(*moved, prototypes(), counts(), K, OPTIONS)
    pd.testing.assert_frame_equal(found.accuracy, plain.accuracy)


def test_without_labels_there_are_no_classes():
    found = match_clusters(planted(labels=False), planted(200, 1), prototypes(), counts(), K, OPTIONS)
    assert not found.agreement["pair"].str.contains("classes").any()
    assert len(found.accuracy) == 0
    assert list(found.accuracy.columns) == ["classifier", "accuracy", "low", "high", "agreement", "samples"]


def test_one_class_alone_is_always_right():
    sample = LabelledInputs(planted().inputs, np.full(600, 2), np.full(600, 2))
    found = match_clusters(sample, sample, prototypes(), counts(), K, OPTIONS)
    assert (found.accuracy["accuracy"] == 1).all()


def test_fewer_rows_than_centroids_give_one_centroid_a_row():
    x = planted(4).inputs
    assert fit_centroids(x, 10, OPTIONS).shape == (4, D)
    doubled = np.repeat(x[:2], 5, axis=0)
    gap = np.linalg.norm(fit_centroids(doubled, 4, OPTIONS)[:, None] - x[None, :2], axis=2).min(axis=1)
    np.testing.assert_allclose(gap, 0, atol=1e-4)  # two rows, each of them a centroid more than once


def test_same_seed_same_numbers():
    once, again = (match_clusters(planted(), planted(50, 1), prototypes(), counts(), K, OPTIONS) for _ in range(2))
    np.testing.assert_array_equal(once.centroids, again.centroids)
    pd.testing.assert_frame_equal(once.agreement, again.agreement)
    for kind in once.null_distance:
        for null in NULLS:
            np.testing.assert_array_equal(once.null_distance[kind][null], again.null_distance[kind][null])


def test_rows_are_drawn_from_all_of_the_data():
    found = match_clusters(
        planted(), planted(50, 1), prototypes(), counts(), K, ClusterOptions(rows=100, repetitions=2)
    )
    assert found.rows == 100
    assert np.linalg.norm(found.centroids[:, None] - CENTRES[None], axis=2).min(axis=0).max() < 1


def test_dead_layers_have_no_match():
    points = {"nearest": np.full((3, D), np.nan)}
    found = match_clusters(planted(), planted(50, 1), points, {"nearest": np.zeros(3)}, K, OPTIONS)
    assert np.isnan(found.match["nearest"]).all()
    assert np.isnan(found.null_distance["nearest"][NULLS[0]]).all()


def test_without_predictions_the_network_has_no_accuracy():
    """It had 0: -1, which stands for no prediction, is equal to no label."""
    test = planted(50, 1)
    unknown = replace(test, predictions=np.full(len(test.inputs), -1))
    table = match_clusters(planted(), unknown, prototypes(), counts(), K, OPTIONS).accuracy.set_index("classifier")
    assert table.loc["the network", ["accuracy", "low", "high"]].isna().all()
    assert table.loc["the network", "samples"] == 0
    assert table["agreement"].isna().all()
    others = table.drop("the network")
    known = match_clusters(planted(), test, prototypes(), counts(), K, OPTIONS).accuracy.set_index("classifier")
    pd.testing.assert_frame_equal(others.drop(columns="agreement"), known.loc[others.index].drop(columns="agreement"))


def test_a_sample_without_prediction_is_wrong_and_agrees_with_nothing():
    test = planted(50, 1)
    some = replace(test, predictions=np.where(np.arange(len(test.inputs)) < 30, -1, test.labels))
    table = match_clusters(planted(), some, prototypes(), counts(), K, OPTIONS).accuracy.set_index("classifier")
    assert table.loc["the network", "accuracy"] == pytest.approx(1 - 30 / len(test.inputs))
    assert table.loc["the network", "agreement"] == 1


def test_several_numbers_of_centroids_at_once_are_what_each_gives_alone():
    arguments = planted(), planted(200, 1), prototypes(), counts()
    for found, k in zip(match_all(*arguments, [K, 2], OPTIONS), (K, 2), strict=True):
        alone = match_clusters(*arguments, k, OPTIONS)
        assert found.k == alone.k
        for name in ("match", "distance"):
            for kind, values in getattr(alone, name).items():
                np.testing.assert_array_equal(getattr(found, name)[kind], values)
        for kind, nulls in alone.null_distance.items():
            assert all((found.null_distance[kind][null] == values).all() for null, values in nulls.items())
        assert found.agreement.equals(alone.agreement)
        assert found.accuracy.equals(alone.accuracy)
