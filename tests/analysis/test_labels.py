"""A label is right where it is claimed, and undecided where the data do not allow one."""

import numpy as np
import pytest

from interp.analysis.boundaries import classify_boundaries
from interp.analysis.components.halves import halves
from interp.analysis.gaussians import GaussianOptions, fit_gaussians
from interp.types import Thresholds

ROWS, NODES = 2000, 6


def two(sigma, at, rows=ROWS, nodes=NODES, seed=0):
    """Two clusters `sigma` apart with z = 0 at `at` from the first, and which one each row is of."""
    rng = np.random.default_rng(seed)
    second = rng.random(rows) < 0.5
    return rng.normal(size=(rows, nodes)) + (sigma * second)[:, None] - at, second.astype(int)


def kinds(z, labels=None, **thresholds):
    return set(classify_boundaries(fit_gaussians(z, labels), Thresholds(**thresholds)).kind.tolist())


def moved(z, places):
    """Give the nodes anew for each place, with z = 0 there: one fit for all."""
    return np.concatenate([z - at for at in places], axis=1)


def at_each(kinds, places):
    return dict(zip(places, map(set, kinds.reshape(len(places), -1).tolist()), strict=True))


@pytest.mark.parametrize("labelled", [False, True])
def test_separate_clusters_have_labels_and_they_are_right(labelled):
    places = {0.0: {"coherent"}, 3.5: {"adhoc"}, -1.6: {"adhoc"}}
    z, labels = two(7, 0.0, nodes=3)
    found = classify_boundaries(fit_gaussians(moved(z, places), labels if labelled else None))
    assert at_each(found.kind, places) == places


def test_two_clusters_a_sigma_apart_look_like_one_and_have_no_label():
    """The middle of both looks like a mean and is half a sigma from each: a label would be the wrong way round."""
    z, labels = two(1, 0.0, nodes=3)
    three = moved(z, (0.0, 0.5, 1.0))
    fit = fit_gaussians(three)
    assert set(classify_boundaries(fit).kind) == {"undecided"}
    assert kinds(three, labels) == {"undecided"}
    careless = classify_boundaries(fit, Thresholds(reliability=0)).kind
    assert "coherent" in at_each(careless, (0.0, 0.5, 1.0))[0.5]


def test_few_samples_have_fewer_labels():
    shares = [
        np.mean(classify_boundaries(fit_gaussians(two(5, 0.0, rows, 12)[0])).kind == "coherent")
        for rows in (100, 400, 2000)
    ]
    assert shares[0] < 0.2
    assert shares[0] <= shares[1] <= shares[2]
    assert shares[2] > 0.8


def test_a_boundary_near_the_threshold_is_undecided_and_its_reliability_low():
    found = classify_boundaries(fit_gaussians(moved(two(7, 0.0, nodes=3)[0], (0.25, 3.5))))
    assert (found.kind[:3] == "undecided").all()
    assert (found.reliability[:3] < 0.99).all()
    assert (found.reliability[3:] > 0.999).all()


def test_classes_that_say_otherwise_take_the_label_away():
    """A cluster of two classes, whose means lie half a sigma on either side of its own."""
    z, second = two(7, 0.0, nodes=3)
    labels = np.where(second, 2, np.random.default_rng(1).integers(0, 2, ROWS))
    apart = z + np.where(labels == 0, -0.5, np.where(labels == 1, 0.5, 0.0))[:, None]
    assert kinds(z, labels) == {"coherent"}
    assert kinds(apart, labels) == {"undecided"}


def test_halves_are_of_samples_not_of_rows():
    second = halves(10, np.repeat(np.arange(10), 7), 70).reshape(10, 7)
    assert (second.all(axis=1) == second.any(axis=1)).all()
    assert second[:, 0].sum() == 5
    assert halves(9, None, 9).sum() == 4


def test_each_half_is_measured_on_the_other():
    """Rows of the first half are moved by 1: what is found on it and measured on the other half stays."""
    z, _ = two(9, 0.0, 2000, 3)
    second = halves(2000, None, 2000)
    fit = fit_gaussians(z + np.where(second, 0.0, 1.0)[:, None])
    assert fit.crossed_mean[0, :, 0] == pytest.approx(0, abs=0.15)  # found on the first half, measured on the second
    assert fit.crossed_mean[1, :, 0] == pytest.approx(1, abs=0.15)


def test_too_few_rows_for_halves_leave_every_node_undecided():
    fit = fit_gaussians(two(9, 0.0, 15, 3)[0])
    assert fit.crossed_mean is None
    found = classify_boundaries(fit)
    assert not {"coherent", "adhoc"} & set(found.kind)
    assert np.isnan(found.reliability).all()


@pytest.mark.parametrize("components", [1, 3])
def test_a_node_whose_output_never_changes_leaves_the_others_as_they_are(components):
    options, (z, _) = GaussianOptions(components=components), two(9, 0.0)
    stands = np.concatenate([np.full((ROWS, 1), 3.0), z], axis=1)
    found = classify_boundaries(fit_gaussians(stands, options=options)).kind.tolist()
    assert found[1:] == classify_boundaries(fit_gaussians(z, options=options)).kind.tolist()
    assert found[0] not in ("coherent", "adhoc")


def by_class(z, labels, **options):
    return classify_boundaries(fit_gaussians(z, labels), **options).by_class.kind


def test_the_means_of_classes_decide_where_clusters_overlap():
    """Two classes a sigma apart are one cluster to see, but each class's mean is known."""
    places = {0.0: {"coherent"}, 0.25: {"undecided"}, 0.5: {"adhoc"}, -1.0: {"adhoc"}}
    z, labels = two(1, 0.0, rows=20_000, nodes=2)
    assert at_each(by_class(moved(z, places), labels), places) == places


def test_rows_of_one_sample_count_as_one_where_classes_decide():
    z, labels = two(1, 0.0, rows=600, nodes=3)
    many, same = np.repeat(z, 30, axis=0), np.repeat(labels, 30)
    assert (by_class(many, same) == "coherent").mean() >= 0.9  # 18,000 rows, if each were a sample
    once, again = by_class(z, labels), by_class(many, same, samples=600)
    assert (once == again).mean() >= 0.9


def test_labels_by_class_have_other_kinds_too():
    z, labels = two(4, 0.0, rows=2000, nodes=3)
    z[:, 1], z[:, 2] = np.abs(z[:, 1]) + 1, 0.0
    assert by_class(z, labels).tolist() == ["coherent", "one-sided", "dead"]
