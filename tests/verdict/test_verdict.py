"""What a run says in words: figures are those of its tables, and claims follow what its null, sweeps and copies allow.

All rests on the results of a real run (`tiny_runs.mlp`: hidden layers fc1 and fc2); what a sentence hangs on is then
set in its tables, at the levels, layers and splits that the run has.
"""

from dataclasses import replace

import numpy as np
import pytest
from tiny_runs import DEAD, ONE_SIDED, mlp
from verdict.profiles import profile

from interp.analysis.boundaries import classify_boundaries
from interp.analysis.gaussians import GaussianOptions, fit_gaussians
from interp.tasks.simple import Simple
from interp.types import Inference
from interp.verdict.coherence import NULLS, called
from interp.verdict.evidence import Evidence
from interp.verdict.judge import judge
from interp.verdict.reading.read import not_read
from interp.verdict.sensitivity import harmless_ranges

HIDDEN = ("fc1", "fc2")
NEAR = "not shown better than a simple model (91.11%)"  # 41 of its 45 test samples


def evidence(**changes):
    """Give what the run found, changed where told."""
    found = mlp()
    parts = {"boundaries": found.boundaries, "effects": found.effects, "attribution": found.attribution}
    return Evidence(**{"model": found.model, "data": found.data, **parts, **changes})


def boundaries(coherent, nodes=40, dead=0):
    """Classify boundaries through one of two clusters far apart, or through random data points."""
    rng = np.random.default_rng(0)
    z = np.where(rng.random((1500, nodes)) < 0.5, rng.normal(-5, 1, (1500, nodes)), rng.normal(5, 1, (1500, nodes)))
    z = z + 5 if coherent else z - z[rng.integers(0, 1500, nodes), np.arange(nodes)]
    z[:, :dead] = 0
    return classify_boundaries(fit_gaussians(z, None, GaussianOptions(components=2)))


def sweeps(**ranges):
    """Let sweeps of hidden layers on the training split cost nothing from level to level, and 30 points beyond."""
    found, table = mlp().effects, mlp().effects.whole_layers.copy()
    for kind, (low, high) in ranges.items():
        rows = (table["intervention"] == kind) & table["layer"].isin(HIDDEN) & (table["split"] == "train")
        table.loc[rows, "difference"] = np.where(table.loc[rows, "level"].between(low, high), 0.0, -0.3)
    return replace(found, whole_layers=table)


def has_more(found):
    """Whether a layer alone has more boundaries at cluster means than any null gives."""
    return "more" in called({"": found}).values()


# --------------------------------------------------------------------------- the run as it is


def test_the_headline_of_a_run():
    assert not any(has_more(mlp().boundaries[name]) for name in HIDDEN)
    test, train = (mlp().model.scores[split] for split in ("test", "train"))
    score = f"This network gets {test:.2%} right on test samples ({train:.2%} in training)"
    assert mlp().verdict.headline == f"{score}, {NEAR}.", "with so few copies nothing is found of a layer"


def test_findings_carry_the_numbers_of_their_tables():
    found = mlp()
    said = iter(judge(evidence()).findings)
    for name in HIDDEN:
        shown = found.boundaries[name]
        at = np.searchsorted(shown.epsilons, 0.25)
        share = np.mean(shown.distance[shown.kind != "dead"] <= 0.25)
        worst = max(shown.null_p_value, key=lambda null: shown.null_p_value[null][at])
        sentence = next(said)
        live = (shown.kind != "dead").sum()
        few = live < 26
        assert sentence.startswith(f"{name}: {f'{share * live:.0f}' if few else f'{share:.0%}'} of {live} live nodes")
        assert ("of a cluster mean (" in sentence) != few, "of few nodes their number, without an interval"
        assert f"{NULLS[worst]} would in {shown.null_share[worst][at]:.0%} (p = " in sentence
        by_class = f"{shown.by_class.share[at] * live:.0f}" if few else f"{shown.by_class.share[at]:.0%}"
        assert f"; {by_class} have it as close to a class's mean" in sentence
        assert sentence.endswith("no more than chance.")
    for name in HIDDEN:
        scale, offset = (harmless(name, kind) for kind in ("scale", "offset"))
        sentence = next(said)
        scaled = f"from {scale[0]:.3g} to {scale[1]:.3g} times the activations"
        if scale[0] == scale[1]:
            scaled = "at no other scale of the activations that was tried"
        assert sentence.startswith(f"{name}: accuracy stays within one point {scaled}, ")
        assert f"moved by {offset[0]:+.1%} to {offset[1]:+.1%}" in sentence
    for name in HIDDEN:
        assert next(said).startswith(f"{name}: scaling z by 0.1 and more costs at most")
    for name in HIDDEN:
        own = found.effects.tolerance.query("layer == @name and network == 'given'").iloc[0]
        assert f"{name}: 99% of its own predictions survive {own['scale_low']:.2g} to {own['scale_high']:.2g}" in next(
            said
        )
    sided = [f"{(found.boundaries[name].kind == 'one-sided').sum()} in {name}" for name in ("fc1",)]
    dead = [f"{count} in {name}" for name in HIDDEN if (count := (found.boundaries[name].kind == "dead").sum())]
    assert next(said) == f"Dead nodes: {', '.join(dead)}; one-sided nodes: {', '.join(sided)}."
    for name in HIDDEN:
        one = found.attribution[name]
        assert f"{name}: node importance by Captum's" in (sentence := next(said))
        assert np.isnan([one.low, one.high]).all(), "so few nodes have no interval"
        assert sentence.endswith(f"rank correlation {one.rank_correlation:.2f}.")
    assert next(said).startswith(f"With {len(found.data.splits['test'])} samples that test it")
    assert next(said, None) is None


def harmless(name, kind):
    """Walk out from the no-op over the levels that cost less than a point of accuracy on the training split."""
    rows = mlp().effects.whole_layers.query("layer == @name and intervention == @kind and split == 'train'")
    whole = float(rows.loc[rows["no_op"], "score"].iloc[0])
    costly = rows.loc[whole - rows["score"] >= 0.01, "level"]
    centre = float(rows.loc[rows["no_op"], "level"].iloc[0])
    low, high = costly[costly < centre].max(), costly[costly > centre].min()
    kept = rows.loc[~(rows["level"] <= low) & ~(rows["level"] >= high), "level"]
    return kept.min(), kept.max()


def test_the_planted_nodes_are_among_the_dead_and_the_one_sided():
    kinds = mlp().boundaries["fc1"].kind
    assert (kinds[DEAD], kinds[ONE_SIDED]) == ("dead", "one-sided")


def test_what_is_not_known_is_left_out():
    found = mlp()
    undefined = replace(found.attribution["fc1"], rank_correlation=float("nan"))
    said = judge(evidence(attribution={**found.attribution, "fc1": undefined})).findings
    assert [line.split(":")[0] for line in said if "Captum" in line] == ["fc2"]
    assert len(said) == len(judge(evidence()).findings) - 1


# --------------------------------------------------------------------------- coherence


def test_coherent_layers_beat_their_null_and_random_ones_do_not():
    assert has_more(boundaries(True))
    assert not has_more(boundaries(False))


def test_one_null_that_does_as_well_is_enough_to_say_nothing():
    found = boundaries(True)
    as_well = {**found.null_p_value, "permuted bias": np.full(len(found.epsilons), 0.03)}
    assert not has_more(
        replace(found, null_p_value=as_well, null_share={**found.null_share, "permuted bias": found.share})
    )


def test_many_layers_are_summed_up():
    names = [f"Block.{i}" for i in range(14)]
    found = {name: boundaries(i < 3, dead=12) for i, name in enumerate(names)}
    layers = tuple(replace(mlp().model.layers[0], name=name) for name in (*names, "fc3"))
    said = judge(evidence(model=replace(mlp().model, layers=layers), boundaries=found)).findings
    assert said[0].startswith("3 of 14 hidden layers (Block.0, Block.1, Block.2) have more coherent nodes than chance")
    assert "Dead nodes: 168 in 14 layers, most in Block.0 (12)." in said


# --------------------------------------------------------------------------- sweeps


def test_harmless_ranges_are_connected_and_of_the_whole_layer_on_training_data():
    found = harmless_ranges(sweeps(scale=(0.25, 1), offset=(-0.25, 0.1)), "fc1")
    assert found == {"scale": (0.25, 1), "offset": (-0.25, 0.1)}
    gap = sweeps(scale=(0.25, 1))
    rows = gap.whole_layers
    rows.loc[(rows["intervention"] == "scale") & (rows["level"] == 0.01), "difference"] = (
        0.0  # beyond a harmful stretch
    )
    assert harmless_ranges(gap, "fc1")["scale"] == (0.25, 1)
    rows.loc[rows["split"] == "test", "difference"] = -1.0
    rows.loc[rows["layer"] == "fc2", "difference"] = -1.0
    assert harmless_ranges(gap, "fc1")["scale"] == (0.25, 1)
    assert harmless_ranges(gap, "none") == {}


def headline(trained=True, **leanings):
    found = mlp()
    facts = {**found.model.inferred, "trained": Inference(trained, "likely", "100.00% right, by chance 34.44%")}
    reading = {name: profile(leaning) for name, leaning in leanings.items()}
    given = evidence(model=replace(found.model, inferred=facts), reading=reading)
    vars(given)["simple"] = Simple("it guesses", 0.3)
    return judge(given).headline


def test_headlines_say_what_is_read_where_the_network_was_trained():
    assert "; in fc1 and fc2, small outputs decide" in headline(fc1="distances", fc2="distances")
    both = headline(fc1="intensities", fc2="distances")
    assert "; in fc2, small outputs decide" in both
    assert "; in fc1, large outputs decide" in both
    only = headline(fc1="neither", fc2="distances")
    assert "; in fc2, small outputs decide" in only
    assert "fc1" not in only, "what was not found is said further down"
    assert headline(fc1="neither", fc2="undecided").endswith("in training), better than a simple model (30.00%).")
    assert "untrained" in headline(trained=False, fc1="distances")
    assert "could not be established" in headline(trained=None, fc1="distances")


def test_where_no_layer_was_read_the_headline_is_the_score():
    found = mlp()
    reading = {"fc1": not_read("too much work"), "fc2": not_read("too much work")}
    said = judge(evidence(reading=reading)).headline
    scores = found.model.scores
    score = f"{scores['test']:.2%} right on test samples ({scores['train']:.2%} in training)"
    assert said == f"This network gets {score}, {NEAR}."


PUBLISHED = {  # raw-pixel networks of use-DM, 60,000 training images: change of accuracy at its levels
    "abs": {("scale", 0.01): -0.036, ("scale", 0.1): -0.00002, ("scale", 10.0): 0, ("offset", -0.05): -0.0416,
            ("offset", 0.05): -0.0537},
    "relu": {("scale", 0.01): -0.1216, ("scale", 0.1): -0.0012, ("scale", 10.0): 0.0001, ("offset", -0.05): -0.0068,
             ("offset", 0.05): -0.0088},
}  # fmt: skip


def pattern(changes, q=1e-9):
    """Give the sentence about fc1 where its sweeps have these changes, and no other levels."""
    table = mlp().effects.whole_layers.query("layer == 'fc1' and split == 'train'")
    keys = list(zip(table["intervention"], table["level"], strict=True))
    table = table.assign(difference=[changes.get(key, np.nan) for key in keys], q_value=q, samples=60_000)
    effects = replace(mlp().effects, whole_layers=table[table["difference"].notna()])
    assert len(effects.whole_layers) == len(changes)
    return next((line for line in judge(evidence(effects=effects)).findings if "published" in line), "")


def test_the_published_pattern_is_stated_with_its_numbers():
    assert pattern(PUBLISHED["abs"]) == (
        "fc1: scaling z by 0.1 and more costs at most 0.00 points; shifting boundaries by 5% of the range changes"
        " accuracy by -4.16 (down) and -5.37 (up): as in the published MNIST networks, which are flat under scaling"
        " and fall under small shifts."
    )
    assert (
        "0.12 points; shifting boundaries by 5% of the range changes accuracy by -0.68 (down) and -0.88 (up): as in"
        in (pattern(PUBLISHED["relu"]))
    )


def test_another_pattern_is_called_so():
    usual = PUBLISHED["abs"]
    assert "unlike" in pattern(usual | {("scale", 0.1): -0.02})
    assert "unlike" in pattern(usual | {("offset", -0.05): 0.001})
    assert "unlike" in pattern(usual, q=0.5)
    assert pattern({key: usual[key] for key in usual if key[0] == "scale"}) == ""


# --------------------------------------------------------------------------- copies with shuffled weights


def beside(own, others, **ranges):
    """Give headline and sentence where fc1 has this ratio, and its copies have these."""
    table = mlp().effects.tolerance
    given, copies = (table[(table["layer"] == "fc1") & (table["network"] == kind)] for kind in ("given", "shuffled"))
    assert len(copies) >= len(others)
    rows = given.assign(ratio=own, scale_low=0.1, scale_high=10.0,
                        offset_low=-0.1, offset_high=0.05)  # fmt: skip
    copied = copies.iloc[: len(others)].assign(ratio=others)
    swept = sweeps(**{"scale": (0.25, 10), "offset": (-0.1, 0.1), **ranges})
    tolerance = type(table)([*rows.to_dict("records"), *copied.to_dict("records")])
    found = judge(evidence(effects=replace(swept, tolerance=tolerance)))
    return found.headline, next(line for line in found.findings if "shuffled" in line)


def test_the_control_stands_beside_with_its_numbers_and_says_no_more():
    headline, line = beside(9.0, [2.0, 7.5])
    assert "ratio" not in headline
    assert line == (
        "fc1: 99% of its own predictions survive 0.1 to 10 times the activations and shifts from -10.0% to +5.0%. "
        "Tolerated weakening over tolerated shift is 9, against 2 to 7.5 in 2 copies with "
        "shuffled weights; factors on z of a ReLU or Abs layer only scale what follows, so that tolerating them is "
        "algebra."
    )
    assert "against 7.5 in a copy with shuffled weights" in beside(9.0, [7.5])[1]


@pytest.mark.parametrize(("own", "others"), [(np.nan, [2.0]), (9.0, [np.nan, np.nan])])
def test_a_control_that_bears_nothing_is_undefined(own, others):
    _, line = beside(own, others)
    assert "undefined" in line
    assert "undefined to" not in line


def test_a_gap_between_training_and_test_stands_in_the_headline():
    found = mlp()
    for test in (0.4, 0.6):
        model = replace(found.model, scores={"train": 0.99, "test": test})
        said = judge(evidence(model=model)).headline
        assert said.startswith(f"This network gets {test:.2%} right on test samples, well below the 99.00% in training")
