"""What benchmarks/power.py makes, and how it counts."""

import numpy as np
from planting.initialised import COARSE, moved
from planting.plan import FRESH
from planting.power import AXES, BASE, DEALT, FIRST, Job, Setting, jobs_of, work
from power import cell, shares

from interp.analysis import fit_gaussians


def test_every_setting_has_every_family_once_a_repeat_with_seeds_of_its_own():
    jobs = jobs_of(2)
    settings = {BASE.at(axis, value) for axis, values in AXES.items() for value in values}
    assert len(jobs) == 2 * len(settings) * len(DEALT)
    assert len({job.seed for job in jobs}) == len(jobs)
    assert min(job.seed for job in jobs) == FIRST > FRESH
    assert {job.setting for job in jobs[: len(jobs) // 2]} == settings
    assert BASE.at("width", 8) == Setting(width=8)
    assert all(BASE in {BASE.at(axis, value) for value in values} for axis, values in AXES.items())


def test_a_network_is_made_and_read_at_its_setting():
    found = work(Job(Setting(width=8, samples=100), "l1-mahalanobis", FIRST))
    assert not found["weak"]
    assert found["layers"]["hidden1"]["truth"] == "distances"
    assert found["setup"]["setting"] == str(Setting(width=8, samples=100))


def result(truth, leaning, weak=False):
    layers = {} if weak else {"hidden1": {"truth": truth, "leaning": leaning, "balance": 0.0, "corrected": 1.0}}
    return {"family": "x", "key": "k", "weak": weak, "setup": {"setting": str(BASE)}, "layers": layers}


def test_found_are_counted_among_networks_that_decide():
    table = shares(
        [
            result("distances", "distances"),
            result("distances", "neither"),
            result("distances", "", weak=True),
            result("neither", "distances"),
        ]
    )
    assert table.loc[(str(BASE), "distances")].tolist() == [1, 2]
    assert len(table) == 1
    assert cell(1, 2) == "1 of 2 (1% to 99%)"


def test_a_fit_with_other_biases_is_the_fit_of_the_moved_values():
    rng = np.random.default_rng(0)
    z, labels, bias = (
        rng.normal(size=(400, 3)) + 5 * (rng.random((400, 3)) < 0.5),
        rng.integers(0, 2, 400),
        np.arange(3.0),
    )
    apart, whole = moved(fit_gaussians(z, labels, COARSE), bias), fit_gaussians(z + bias, labels, COARSE)
    for name in ("mean", "var", "minimum", "maximum", "class_mean", "class_var", "component_mean", "component_var"):
        np.testing.assert_allclose(getattr(apart, name), getattr(whole, name), rtol=1e-6, atol=1e-9, err_msg=name)
