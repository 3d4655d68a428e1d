"""Several runs: every figure as scipy gives it, from planted sweeps and from checkpoints on the command line."""

import re
from dataclasses import replace

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from small_networks import data, dataset, loaded, mlp, ranges_of

from interp.analysis import mean_interval
from interp.cli.main import main
from interp.errors import UsageError
from interp.interventions import InterventionOptions, intervene, over_runs, same_architecture
from interp.store import read_results
from interp.store.elements import VERSION
from interp.types import Effects, RunEffects

PLAIN = InterventionOptions(levels=1, ablation=False, curve_levels=0, control_samples=0)


def planted(accuracy, baseline):
    """One network's sweep: (layer, level) -> accuracy."""
    rows = [("a", "scale", x, x == 1, "train", 500, value, value - baseline) for x, value in accuracy.items()]
    columns = ["layer", "intervention", "level", "no_op", "split", "samples", "score", "difference"]
    return Effects(pd.DataFrame(rows, columns=columns), pd.DataFrame(), {"train": baseline}, {})


def models(count):
    return [replace(loaded(mlp(seed=seed)[0]), digest=str(seed), path=f"{seed}.pt") for seed in range(count)]


def test_intervals_tests_and_effect_sizes_are_scipys():
    rng = np.random.default_rng(0)
    baseline = rng.normal(0.9, 0.02, 5)
    levels = {0.1: rng.normal(0.8, 0.05, 5), 0.5: rng.normal(0.89, 0.02, 5), 1.0: baseline}
    swept = [planted({level: found[i] for level, found in levels.items()}, baseline[i]) for i in range(5)]
    found = over_runs(models(5), swept)
    table = found.table.set_index("level")
    for level in (0.1, 0.5):
        row, values = table.loc[level], levels[level]
        paired = stats.ttest_rel(values, baseline)
        assert row["runs"] == 5
        assert row["score"] == pytest.approx(values.mean())
        assert (row["score"], row["low"], row["high"]) == pytest.approx(mean_interval(values))
        assert (row["difference_low"], row["difference_high"]) == pytest.approx(paired.confidence_interval())
        assert (row["t"], row["p_value"]) == pytest.approx((paired.statistic, paired.pvalue))
        change = values - baseline
        assert row["effect_size"] == pytest.approx(change.mean() / change.std(ddof=1))
    assert table.loc[1.0, "difference"] == 0
    assert np.isnan(table.loc[1.0, ["t", "p_value", "q_value", "effect_size"]].to_numpy(float)).all()
    two = table.loc[[0.1, 0.5]]
    assert two["q_value"].to_numpy() == pytest.approx(stats.false_discovery_control(two["p_value"]))
    assert len(found.single) == 15
    assert found.networks["checkpoint"].tolist() == [f"{i}.pt" for i in range(5)]
    assert found.networks["score"].to_numpy() == pytest.approx(baseline)


def test_mean_intervals_cover_and_one_run_has_none():
    for runs in (5, 6, 8):
        drawn = np.random.default_rng(1).normal(0.9, 0.02, (4000, runs))
        ends = np.array([mean_interval(one)[1:] for one in drawn])
        covered = np.mean((ends[:, 0] <= 0.9) & (ends[:, 1] >= 0.9))
        assert 0.94 <= covered <= 0.97
    assert np.isnan(mean_interval(np.array([0.5]))[1:]).all()


def test_sweeps_of_networks_are_what_each_gives_alone():
    split, swept = data(400), []
    networks = models(3)
    for seed, model in enumerate(networks):
        ranges, means = ranges_of(mlp(seed=seed)[1], torch.from_numpy(split.inputs))
        names = [layer.name for layer in model.layers]
        known, mean = dict(zip(names, ranges, strict=True)), dict(zip(names, means, strict=True))
        swept.append(intervene(model, dataset(train=split), known, mean, PLAIN))
    found = over_runs(networks, swept)
    clipped = found.table[found.table["intervention"] == "clip"]
    assert (clipped["level"].isna() == clipped["no_op"]).all(), "no cap is no level"
    assert clipped["no_op"].sum() == found.table["layer"].nunique()
    assert (found.table["runs"] == 3).all()
    for run, effects in enumerate(swept):
        own = found.single[found.single["run"] == run]["score"].to_numpy()
        assert np.array_equal(own, effects.whole_layers["score"].to_numpy())


def test_other_architectures_and_the_same_file_twice_are_refused():
    first, second = models(2)
    same_architecture([first], second)
    with pytest.raises(UsageError, match=r"1\.pt: found the same bytes as in 0\.pt; expected another run"):
        same_architecture([first], replace(second, digest="0"))
    other = replace(loaded(mlp(widths=(64, 24, 10, 5))[0]), digest="x", path="x.pt")
    with pytest.raises(UsageError, match=r"x\.pt: found layers .*64 to 24, relu.*expected those of 0\.pt: "):
        same_architecture([first], other)


def checkpoint(path, seed, hidden=6):
    torch.manual_seed(seed)
    state = {"a.weight": torch.randn(hidden, 4), "a.bias": torch.randn(hidden)}
    torch.save(state | {"b.weight": torch.randn(3, hidden), "b.bias": torch.randn(3)}, path)
    return str(path)


def call(*words):
    return main([*map(str, words)])


STATED = ("--activation", "relu", "--scaling", "raw", "--output", "linear", "--levels", 1)


def test_several_checkpoints_on_the_command_line(tmp_path, capsys):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "d.npz", x=rng.normal(size=(120, 4)).astype(np.float32), y=rng.integers(0, 3, 120))
    files = [checkpoint(tmp_path / f"{seed}.pt", seed) for seed in range(3)]
    given = ("--data", tmp_path / "d.npz", "--out", tmp_path / "out", *STATED)
    assert call("intervene", *files, *given) == 0
    shown = capsys.readouterr().out.splitlines()
    assert re.match(r"a, scale, train: 3 runs, most harmful level \S+: [+-].*, d = .*, q = ", shown[0])
    assert shown[-1] == str(tmp_path / "out" / "runs.h5")
    found, provenance = read_results(tmp_path / "out" / "runs.h5", RunEffects, "")
    assert provenance.settings["checkpoint"] == files[0]
    networks = found["all"].networks
    assert networks["run"].nunique() == 3
    assert networks["checkpoint"].drop_duplicates().tolist() == files
    with h5py.File(tmp_path / "out" / "runs.h5") as file:
        assert file.attrs["encoding-version"] == VERSION
    wide = checkpoint(tmp_path / "wide.pt", 9, hidden=7)
    for others, message in (([wide], "4 to 7, relu"), ([files[0]], "the same bytes"), (["none.pt"], "none.pt")):
        assert call("intervene", files[0], *others, *given) == 2
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1


def test_q_values_over_runs_are_corrected_within_each_layer():
    """Two layers of three levels each; NaN, where all runs are unchanged, counts as no test."""
    rng = np.random.default_rng(0)
    baseline = rng.normal(0.9, 0.02, 5)
    swept = [[], []]
    for part, cost in zip(swept, (0.1, 0.01), strict=True):
        levels = {level: baseline - cost + rng.normal(0, 0.02, 5) for level in (0.1, 0.25, 0.5)} | {1.0: baseline}
        part += [planted({level: one[i] for level, one in levels.items()}, baseline[i]).whole_layers for i in range(5)]
    both = [
        pd.concat([first, second.assign(layer="b")], ignore_index=True) for first, second in zip(*swept, strict=True)
    ]
    effects = [Effects(table, pd.DataFrame(), {"train": one}, {}) for table, one in zip(both, baseline, strict=True)]
    table = over_runs(models(5), effects).table
    for _, part in table.groupby("layer"):
        tested = part[part["level"] != 1]
        assert tested["q_value"].to_numpy() == pytest.approx(stats.false_discovery_control(tested["p_value"]))
        assert part[part["level"] == 1]["q_value"].isna().all()
