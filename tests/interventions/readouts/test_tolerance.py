"""What a layer bears, and what its control bears, from planted sweeps."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from small_networks import learned, loaded, mlp, ranges_of

from interp.analysis import paired_bootstrap, percentile_interval
from interp.interventions import Ranges, compare_with_control, output_ranges
from interp.interventions.readouts.control import shuffle_weights
from interp.interventions.readouts.tolerance import Tolerance, compared, connected, tolerance, tolerance_row
from interp.types import Effects
from interp.types.annotations.fields import table_columns

LEVELS = {"scale": np.linspace(0, 2, 21).round(2), "offset": np.linspace(-1, 1, 41).round(3)}


def planted(samples=1000, low=0.2, wide=0.1, slope=0.0, rng=None):
    """Every sample is right within the ranges; beyond, fewer the farther."""
    rng = rng or np.random.default_rng(0)
    limit = rng.random(samples)[None]
    out = {"scale": low - LEVELS["scale"], "offset": np.abs(LEVELS["offset"]) - wide}
    return {kind: (beyond[:, None] <= 1e-9) | (limit < 0.5 - slope * beyond[:, None]) for kind, beyond in out.items()}


def test_planted_ranges_are_read_off():
    right = planted()
    found = tolerance(LEVELS, {kind: flags.mean(1) for kind, flags in right.items()})
    assert found == Tolerance((0.2, 2.0), (-0.1, 0.1))
    assert found.ratio == pytest.approx(8)
    row = tolerance_row(LEVELS, right, 0, 50)
    assert (row["scale_low"], row["scale_high"], row["offset_low"], row["offset_high"]) == (0.2, 2, -0.1, 0.1)
    assert row["ratio"] == pytest.approx(8)
    assert (row["scale_low_from"], row["scale_low_to"]) == (0.2, 0.2), "half of the samples fall at once"
    assert np.isnan(tolerance_row(LEVELS, right, 0, 0)["scale_low_from"])


def test_a_stretch_ends_where_it_first_costs_a_point():
    level = np.array([3.0, 0.0, 1.0, 2.0, -1.0])
    cost = np.array([0.0, 0.0, 0.0, 0.01, 0.02])
    assert connected(level, cost, 0.0) == (0.0, 1.0)


def test_nothing_borne_is_an_infinite_ratio():
    assert Tolerance((0.5, 1.0), (0.0, 0.0)).ratio == float("inf")
    assert np.isnan(Tolerance((1.0, 1.0), (0.0, 0.0)).ratio)
    nothing = {"scale": planted()["scale"], "offset": planted(wide=0.0)["offset"]}
    row = tolerance_row(LEVELS, nothing, 0, 20)
    assert row["ratio"] == float("inf")


def survival(scale, shift):
    """Share of predictions that survive: it falls linearly on both sides, through 99 % at 0.4 and at 0.15."""
    return np.minimum(1, 0.99 - 0.2 * (0.4 - scale)), np.minimum(1, 0.99 - 0.2 * (shift - 0.15))


def test_intervals_cover_the_bounds_of_the_whole_population():
    """Where survival is near 99 %, a step changes it by less than a standard error; elsewhere levels are few."""
    near = np.arange(0.07, 0.305, 0.005).round(4)
    levels = {
        "scale": np.r_[np.arange(0.15, 0.65, 0.01).round(3), 0.8, 1],
        "offset": np.r_[-near[::-1], 0, near],
    }
    shares = dict(zip(levels, survival(levels["scale"], np.abs(levels["offset"])), strict=True))
    truth = tolerance(levels, shares)
    assert truth.ratio == pytest.approx(0.6 / 0.15, rel=0.05)
    rng, covered, trials = np.random.default_rng(0), np.zeros(2), 150
    for trial in range(trials):
        limit = {kind: rng.random((1, 1000)) for kind in levels}
        right = {kind: limit[kind] < shares[kind][:, None] for kind in levels}
        row = tolerance_row(levels, right, trial, 200)
        covered += [
            row["scale_low_from"] <= truth.scale[0] <= row["scale_low_to"],
            row["width_from"] - 1e-12 <= truth.width <= row["width_to"] + 1e-12,
        ]
    error = 3 * np.sqrt(0.05 * 0.95 / trials)
    assert (0.95 - error - 0.02 <= covered / trials).all()


def test_the_paired_bootstrap_is_the_law_of_paired_differences():
    right = np.random.default_rng(0).random((2, 800)) < [[0.9], [0.7]]
    draws = paired_bootstrap(right, 6000, 1)
    change = draws[:, 1] - draws[:, 0]
    both = right[1].astype(float) - right[0]
    assert change.mean() == pytest.approx(both.mean(), abs=0.002)
    assert change.std() == pytest.approx(both.std() / np.sqrt(800), rel=0.05)
    assert np.array_equal(paired_bootstrap(right, 5, 3), paired_bootstrap(right, 5, 3))
    identical = paired_bootstrap(np.stack([right[0], right[0]]), 50)
    assert np.array_equal(identical[:, 0], identical[:, 1]), "both see the same samples"
    low, high = percentile_interval(np.array([1.0, 2.0, np.inf, np.inf]))
    assert (low, high) == (1, np.inf)


def test_draws_that_lose_just_1_percent_are_harmful_as_samples_are():
    """1 - 495/500 is above 0.01 in double precision and below in single: bounds held 88 % of data sets for it."""
    right = np.ones((2, 500), bool)
    right[0, :2] = False
    draws = paired_bootstrap(right, 4000, 0)
    assert set(draws[:, 0]) <= {kept / 500 for kept in range(501)}
    harmless = np.mean([connected(np.arange(2), 1 - share, 1)[0] == 0 for share in draws])
    assert harmless == pytest.approx(stats.binom.cdf(4, 500, 0.004), abs=0.012)


def frame(own, others):
    rows = [{"layer": "a", "network": "given", "ratio": own}]
    rows += [{"layer": "a", "network": "shuffled", "copy": i, "ratio": x} for i, x in enumerate(others)]
    return pd.DataFrame(rows, columns=table_columns(Effects, "tolerance"))


def test_a_layer_stands_beside_its_shuffled_copies():
    found = compared(frame(9, [2, 7.9]), "a")
    assert found.given["ratio"] == 9
    assert found.middle("ratio") == pytest.approx(4.95)


def test_no_control_is_no_comparison():
    assert compared(pd.DataFrame(), "a") is None
    assert compared(frame(1, [2]), "b") is None
    assert compared(frame(1, []), "a") is None


def test_every_copy_is_another_shuffle_and_the_network_its_own_control_otherwise():
    chain, plain = mlp("relu")
    split = learned(plain)
    ranges, _ = ranges_of(plain, torch.from_numpy(split.inputs))
    model = loaded(chain)
    named = {layer.name: found for layer, found in zip(model.layers, ranges, strict=True)}
    control, found = compare_with_control(model, split, named, 8, seed=3, shuffles=3)
    assert control.groupby(["network", "copy"], dropna=False).ngroups == 4
    assert found.groupby("layer").size().tolist() == [4, 4, 4]
    assert found["scale_low_from"].notna().sum() == 0, "fewer than 500 samples"
    idle = control[control["level"] == (control["intervention"] == "scale")]
    assert (idle["agreement"] == 1).all()
    weights = [next(shuffle_weights(chain, seed).parameters()) for seed in (3, 4)]
    assert not torch.equal(*weights)


def test_every_parameter_of_a_copy_is_shuffled_and_keeps_its_values():
    chain, _ = mlp("relu", widths=(64, 24, 12, 10))
    names = [name for name, _ in chain.named_parameters()]
    assert len(names) == 6
    shuffled = dict(shuffle_weights(chain, 0).named_parameters())
    for name, value in chain.named_parameters():
        assert torch.equal(shuffled[name].flatten().sort().values, value.flatten().sort().values)
        assert not torch.equal(shuffled[name], value), name


def test_levels_of_a_copy_are_fractions_of_its_own_output_ranges():
    """A copy's rows are those of the copy taken alone, whatever the ranges of the network's own nodes."""
    chain, plain = mlp("relu", widths=(64, 12, 5))
    split = learned(plain, 120)
    x = torch.from_numpy(split.inputs)
    with torch.no_grad():
        ranges, _ = ranges_of(plain, x)
    wide = [Ranges(part.low, part.high * 50) for part in ranges]
    model = loaded(chain)
    copied = loaded(shuffle_weights(chain, 7))
    own = {layer.name: output_ranges(copied, layer, split.inputs) for layer in copied.layers}
    names = [layer.name for layer in model.layers]
    alone, _ = compare_with_control(copied, split, own, 8, seed=0, shuffles=0)
    found = [
        compare_with_control(model, split, dict(zip(names, known, strict=True)), 8, seed=7)[0]
        for known in (ranges, wide)
    ]
    given, shuffled = ([one[one["network"] == which]["agreement"] for one in found] for which in ("given", "shuffled"))
    np.testing.assert_array_equal(shuffled[0], shuffled[1])
    np.testing.assert_array_equal(shuffled[0], alone["agreement"])
    assert not np.array_equal(*given)


def test_few_samples_leave_bounds_without_an_interval():
    row = tolerance_row(LEVELS, planted(samples=100), 0, 50)
    assert np.isnan([row["scale_low_from"], row["scale_low_to"], row["width_from"], row["width_to"]]).all()
    assert np.isfinite(row["ratio"])


def test_what_bears_nothing_at_all_has_no_ratio():
    """About half of the draws lose 1 % at the first step of either sweep: their bounds are the no-op or the next."""
    lost = np.arange(1000) < 10
    right = {kind: np.tile(~lost, (len(level), 1)) for kind, level in LEVELS.items()}
    right["scale"][LEVELS["scale"] >= 1] = True
    right["offset"][LEVELS["offset"] == 0] = True
    row = tolerance_row(LEVELS, right, 0, 200)
    assert np.isnan(row["ratio"])
    assert (row["scale_low"], row["scale_low_to"], row["width_from"]) == (1, 1, 0)
    assert row["scale_low_from"] < 1
    assert row["width_to"] > 0
