"""One contract for every section, on ordinary and on awkward results."""

import re
import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import quick
from tiny_runs import DEAD, colours, mlp, oblong, one_node, several_mlps, unlabelled

from interp.report.drawing.pictures import draw_all
from interp.report.drawing.style import drawn
from interp.report.html.render import render
from interp.report.sections import SECTIONS
from interp.report.sections.interventions.tolerance import tolerance_text
from interp.report.tables.any_cell import cell_html
from interp.tasks import TASKS
from interp.types import KINDS, Effects, Section, Thresholds

from .planted import nothing_analysed, renamed


def _no_mixture(results):
    """Make every value of a layer's fit NaN."""
    fit = results.fits["fc1"]
    blank = {key: np.full_like(value, np.nan, float) for key, value in vars(fit).items() if np.ndim(value)}
    return replace(results, fits={**results.fits, "fc1": replace(fit, **blank)})


def _all_dead(results):
    found = results.boundaries["fc1"]
    blank = {
        name: np.full_like(getattr(found, name), np.nan, float)
        for name in ("distance", "distance_low", "distance_high", "p_value", "share", "share_low", "share_high")
    }
    dead = replace(found, kind=np.full(len(found.kind), "dead"), **blank)
    prototypes = results.prototypes["fc1"]
    inputs = {kind: np.full_like(means, np.nan) for kind, means in prototypes.layer_input.items()}
    prototypes = replace(prototypes, layer_input=inputs, network_input=inputs)
    return replace(
        results,
        boundaries={**results.boundaries, "fc1": dead},
        prototypes={**results.prototypes, "fc1": prototypes},
    )


def _as_nn(results):
    rule = Thresholds(rule="mean", epsilon=1.0)
    changed = {name: replace(found, thresholds=rule) for name, found in results.boundaries.items()}
    return replace(results, boundaries=changed)


def _shaped(results, shape):
    return replace(results, data=replace(results.data, image_shape=shape))


def _version_1(results):
    found = results.effects
    levels = found.node_levels.assign(above=np.nan, accuracy_above=np.nan, accuracy_below=np.nan)
    known = (found.whole_layers, found.single_nodes, found.baseline, found.skipped, found.curves)
    old = Effects(*known, levels, control=found.control)
    return replace(results, effects=old)


def _awkward(results):
    names = ("_a$b_{<script>alert(1)</script>", "../../\u9577\u3044" + "x" * 300, "<b>$x_1$</b>" * 9)
    results = renamed(results, dict(zip((layer.name for layer in results.model.layers), names, strict=True)))
    groups = results.effects.groups
    more = groups.assign(group="<b>$x_1$</b>" * 9)
    effects = replace(results.effects, groups=pd.concat([groups, more], ignore_index=True))
    return replace(results, effects=effects)


CASES = {
    "several runs": several_mlps,
    "one node of a table": one_node,
    "table": lambda: _shaped(mlp(), None),
    "no labels, no test split": unlabelled,
    "convolution in three channels": colours,
    "two channels": lambda: _shaped(mlp(), (2, 8, 4)),
    "patch that is no square": oblong,
    "nothing analysed": lambda: nothing_analysed(mlp()),
    "all missing": lambda: _no_mixture(mlp()),
    "all dead": lambda: _all_dead(mlp()),
    "as-nn": lambda: _as_nn(mlp()),
    "a file of version 1": lambda: _version_1(mlp()),
    "awkward names": lambda: _awkward(mlp()),
}
TOUCHED = {
    "several runs": (),  # the page that is written once has them all
    "table": ("prototypes",),
    "convolution in three channels": ("prototypes", "nodes"),
    "two channels": ("prototypes",),
    "patch that is no square": ("prototypes",),
    "all missing": ("distributions",),
    "all dead": ("verdict", "distributions", "boundaries", "prototypes", "attribution"),
    "as-nn": ("verdict", "distributions", "boundaries"),
    "a file of version 1": ("interventions", "nodes"),
}
"""Where a case differs from another in a few sections only: those that are drawn, since drawing takes longest."""
LAID_OUT = ("awkward names",)
"""Cases whose figures are laid out too, which takes as long again: those of the page that is written once are."""


def _not_laid_out(figure):
    made = drawn(figure)
    made.set_layout_engine("none")
    return made


@pytest.fixture(scope="module", params=CASES, ids=list(CASES))
def case(request):
    return request.param, CASES[request.param]()


@pytest.fixture(scope="module")
def results(case):
    return case[1]


@pytest.fixture(scope="module")
def made(results):
    """Give a function that makes a section, once."""
    return cache(lambda key: SECTIONS[key](results))


@pytest.mark.parametrize("key", SECTIONS)
def test_section_is_drawn_without_warning_or_nan(key, case, made, monkeypatch):
    name, _ = case
    monkeypatch.setattr("interp.report.drawing.pictures.DPI", 30)
    if name not in LAID_OUT:
        monkeypatch.setattr("interp.report.drawing.pictures.drawn", _not_laid_out)
    section = made(key)
    assert isinstance(section, Section)
    assert section.title
    assert section.text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pictures = draw_all(_to_draw(name, key, section.figures))
    assert all(picture.png.startswith(b"\x89PNG") for picture in pictures.values())
    for table in section.tables:
        for value in table.frame.to_numpy().ravel():
            assert not re.search(r"\b(nan|inf|None|NaT)\b", str(cell_html(value))), table.caption


def _to_draw(case, key, figures):
    """Give all figures of an ordinary case; of one that changes the first layer, as others do, those of that layer."""
    if case not in TOUCHED:
        return figures
    return [one for one in figures if key in TOUCHED[case] and not re.search(r"-fc[23](-|$)", one.name)]


def test_figure_names_differ_over_the_whole_page(made):
    names = [figure.name for key in SECTIONS for figure in made(key).figures]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in names)


def test_whole_page_renders(results, made):
    sections = {key: made(key) for key in SECTIONS}
    with quick.blank_figures():
        pictures = draw_all(figure for section in sections.values() for figure in section.figures)
    page = render(results, sections, pictures)
    assert page.startswith("<!doctype html>")
    assert "alert(1)</script>" not in page


def test_layer_table_shows_the_share_at_the_threshold_beside_its_null():
    results = mlp()
    found = results.boundaries["fc1"]
    at = np.flatnonzero(np.isclose(found.epsilons, 0.25)).item()
    planted = {"share": 0.225, "share_low": 0.175, "share_high": 0.275, "share_p_value": 0.0123}
    changed = replace(found, **{name: _with(getattr(found, name), at, value) for name, value in planted.items()})
    nulls = {"null_share": 0.18, "null_low": 0.115, "null_high": 0.235}
    changed = replace(
        changed,
        **{
            name: {**getattr(found, name), "random point": _with(getattr(found, name)["random point"], at, value)}
            for name, value in nulls.items()
        },
    )
    first = {name: _with(values, at, 0.0) for name, values in changed.null_p_value.items()}
    changed = replace(changed, null_p_value={**first, "random point": _with(first["random point"], at, 0.0123)})
    row = SECTIONS["layers"](replace(results, boundaries={"fc1": changed})).tables[0].frame.iloc[0]
    assert (row["boundary near a cluster"].text, row["boundary near a cluster"].note) == ("22.5 %", "17.5 to 27.5")
    assert (row["chance"].text, row["chance"].note) == ("18.0 %", "11.5 to 23.5")
    assert row["p"].text == "0.012"
    kinds = found.kind.tolist()
    assert row["kinds of node"].counts == {k: kinds.count(k) for k in KINDS if k != "undecided" or k in kinds}


def _with(values, at, value):
    changed = np.array(values, float)
    changed[at] = value
    return changed


def _single_rows(effects, layer, intervention):
    table = effects.single_nodes
    return table[(table["layer"] == layer) & (table["intervention"] == intervention)]


def test_most_sensitive_node_comes_first_with_its_kind():
    results = mlp()
    rows = _single_rows(results.effects, "fc1", "zero-ablation")
    table = results.effects.single_nodes.copy()
    table.loc[rows.index[rows["node"] == DEAD], "difference"] = -0.987  # on both splits
    frame = SECTIONS["nodes"](replace(results, effects=replace(results.effects, single_nodes=table))).tables[0].frame
    row = frame.iloc[0]
    assert (row["node"].text, row["kind"].text) == (f"fc1:{DEAD}", "dead")
    assert row["change by 0"].text == "\N{MINUS SIGN}98.7"
    changes = [row["training, by 0"].value for row in frame.to_dict(orient="records") if row["node"].text[:4] == "fc1:"]
    assert sorted(changes) == changes
    assert len(changes) == 8


def worst_levels(section):
    return next(table.frame for table in section.tables if "intervention" in table.frame.columns)


def test_worst_level_is_selected():
    results = mlp()
    table = results.effects.whole_layers.copy()
    levels = {"clip": 0.01, "offset": -2.0, "scale": 0.01}
    for kind, level in levels.items():
        table.loc[(table["intervention"] == kind) & (table["level"] == level), "score"] = -0.1
    section = SECTIONS["interventions"](replace(results, effects=replace(results.effects, whole_layers=table)))
    rows = worst_levels(section).to_dict(orient="records")
    assert len(rows) == 3 * 3 * 2, "a row a layer, intervention and split"
    assert {(row["intervention"], row["level"].value) for row in rows} == set(levels.items())
    assert {row["split"]: bool(row["change"].note) for row in rows} == {"train": False, "test": True}


def test_without_labels_it_speaks_of_agreement():
    section = SECTIONS["interventions"](unlabelled())
    assert any("agreement with the unperturbed network" in text for text in section.text)
    assert "agreement" in worst_levels(section).columns
    assert "accuracy" not in worst_levels(section).columns


def test_every_section_says_that_nothing_was_run():
    empty = nothing_analysed(mlp())
    assert SECTIONS["nodes"](empty).text == ("No single node was ablated.",)
    assert SECTIONS["attribution"](empty).text == ("Attribution was not run.",)
    assert SECTIONS["interventions"](empty).text == ("No whole-layer intervention was run.",)


def test_panels_of_scores_without_a_lower_end_share_the_axis_of_the_worst():
    results = mlp()
    effects = results.effects
    table = effects.whole_layers
    fall = (table["intervention"] == "scale") & (table["level"] < 1)
    table = table.assign(score=table["score"].mask(fall, -0.8))
    made = SECTIONS["interventions"](replace(results, effects=replace(effects, whole_layers=table)))
    drawn = next(figure for figure in made.figures if figure.name == "interventions-01-fc1").draw()
    assert drawn.axes[0].get_ylim()[0] < -0.8


def test_tolerated_levels_are_labelled_in_plain_numbers():
    results = mlp()
    for high in (1.05, 10.0):
        tolerance = results.effects.tolerance.assign(scale_low=1.0, scale_high=high)
        made = SECTIONS["interventions"](replace(results, effects=replace(results.effects, tolerance=tolerance)))
        axes = next(figure for figure in made.figures if "tolerance" in figure.name).draw().axes[0]
        texts = [axes.xaxis.get_major_formatter()(x) for x in axes.get_xticks()]
        assert axes.xaxis.get_minorticklocs().size == 0
        assert not any("$" in text for text in texts)


def test_a_layer_that_bears_no_other_factor_has_no_range_of_them():
    ends = ("scale_low", "scale_high", "offset_low", "offset_high")
    rows = [("given", 1.0, 1.0, -0.02, 0.0147), ("shuffled", 1.0, 1.0395, -0.02, 0.02)]
    table = pd.DataFrame(rows, columns=["network", *ends]).assign(layer="fc1")
    (said,) = tolerance_text(
        Effects(pd.DataFrame(), pd.DataFrame(), {}, {}, tolerance=table), ["fc1"], TASKS["classification"].score
    )
    assert said.startswith("With z of layer fc1 as large as it is, no other factor that was tried, or its boundaries")
    assert said.endswith("With shuffled weights: factors of 1.00 to 1.04, and moves by \N{MINUS SIGN}2.0 % to 2.0 %.")
