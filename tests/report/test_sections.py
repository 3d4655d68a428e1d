"""One contract for every section, on ordinary and on awkward results."""

import re
import warnings
from dataclasses import replace

import numpy as np
import pytest

from interp.report.drawing.pictures import draw_all
from interp.report.drawing.style import placeholder
from interp.report.html.render import render
from interp.report.sections import SECTIONS
from interp.report.tables.cells import cell_html
from interp.types import Effects, Section, Thresholds

from .synthetic import make_results, without_results
from .synthetic_effects import make_runs


def _no_mixture(results):
    """Plant a layer whose every value is missing."""
    fit = results.fits["fc1"]
    blank = {key: np.full_like(value, np.nan, float) for key, value in vars(fit).items() if np.ndim(value)}
    return replace(results, fits={**results.fits, "fc1": replace(fit, **blank)})


def _all_dead(results):
    found = results.boundaries["fc1"]
    n = len(found.kind)
    dead = replace(
        found,
        kind=np.full(n, "dead"),
        distance=np.full(n, np.nan),
        distance_low=np.full(n, np.nan),
        distance_high=np.full(n, np.nan),
        share=np.full_like(found.share, np.nan),
        share_low=np.full_like(found.share, np.nan),
        share_high=np.full_like(found.share, np.nan),
    )
    prototypes = results.prototypes["fc1"]
    blank = {kind: np.full_like(means, np.nan) for kind, means in prototypes.layer_input.items()}
    prototypes = replace(prototypes, layer_input=blank, network_input=blank)
    return replace(
        results,
        boundaries={**results.boundaries, "fc1": dead},
        prototypes={**results.prototypes, "fc1": prototypes},
    )


def _as_nn(results):
    rule = Thresholds(rule="mean", epsilon=1.0)
    changed = {name: replace(found, thresholds=rule) for name, found in results.boundaries.items()}
    return replace(results, boundaries=changed)


def _several_runs(results):
    return replace(results, runs=make_runs(results.model.layers, ("train", "test")))


def _version_1(results):
    found = results.effects
    control = found.control.drop(columns="shuffle", errors="ignore")
    levels = found.node_levels.drop(columns=["above", "accuracy_above", "accuracy_below"])
    old = Effects(found.table, found.baseline, found.skipped, found.curves, levels, control=control)
    return replace(results, effects=old)


AWKWARD = ("_a$b_{<script>alert(1)</script>", "../../長い" + "x" * 300)
CASES = {
    "ordinary": lambda: make_results((36, 12, 3)),
    "one node": lambda: make_results((4, 1), image_shape=None),
    "tabular": lambda: make_results((5, 7), image_shape=None),
    "no labels, no test split": lambda: make_results((36, 6), labels=False, splits=("train",)),
    "three channels": lambda: make_results((75, 6), image_shape=(3, 5, 5)),
    "two channels": lambda: make_results((50, 6), image_shape=(2, 5, 5)),
    "convolution": lambda: make_results((9, 6), image_shape=(1, 8, 8), kind="conv2d", patch=9),
    "convolution beside whole images": lambda: make_results((25, 6), image_shape=(1, 8, 8), kind="conv2d"),
    "patch that is no square": lambda: make_results((10, 6), image_shape=(1, 8, 8), kind="conv2d", patch=10),
    "nothing analysed": lambda: without_results(make_results()),
    "all missing": lambda: _no_mixture(make_results((36, 6))),
    "all dead": lambda: _all_dead(make_results((36, 6))),
    "as-nn": lambda: _as_nn(make_results((36, 6))),
    "several runs": lambda: _several_runs(make_results((36, 6, 3))),
    "a file of version 1": lambda: _version_1(make_results((36, 6, 3))),
    "awkward names": lambda: make_results(
        (36, 6, 3), names=("_a$b_{<script>alert(1)</script>", "../../長い" + "x" * 300)
    ),
}


@pytest.fixture(scope="module", params=CASES, ids=list(CASES))
def results(request):
    return CASES[request.param]()


@pytest.mark.parametrize("key", SECTIONS)
def test_section_is_drawn_without_warning_or_nan(key, results, monkeypatch):
    monkeypatch.setattr("interp.report.drawing.pictures.DPI", 30)
    section = SECTIONS[key](results)
    assert isinstance(section, Section)
    assert section.title
    assert section.text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pictures = draw_all(section.figures)
    assert all(picture.png.startswith(b"\x89PNG") for picture in pictures.values())
    for table in section.tables:
        for value in table.frame.to_numpy().ravel():
            assert not re.search(r"\b(nan|inf|None|NaT)\b", str(cell_html(value))), table.caption


def test_figure_names_differ_over_the_whole_page(results):
    names = [figure.name for make in SECTIONS.values() for figure in make(results).figures]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in names)


def test_whole_page_renders(results):
    sections = {key: make(results) for key, make in SECTIONS.items()}
    blank = {
        figure.name: replace(figure, draw=lambda: placeholder("-")) for s in sections.values() for figure in s.figures
    }
    page = render(results, sections, draw_all(blank.values()))
    assert page.startswith("<!doctype html>")
    assert "alert(1)</script>" not in page


def test_layer_table_shows_planted_share_beside_its_null():
    row = SECTIONS["layers"](make_results()).tables[0].frame.iloc[0]
    assert (row["coherent"].text, row["coherent"].note) == ("22.5 %", "17.5 to 27.5")
    assert (row["chance"].text, row["chance"].note) == ("17.5 %", "11.5 to 23.5")
    assert row["p"].text == "0.012"
    assert row["kinds of node"].counts == {"coherent": 4, "adhoc": 4, "one-sided": 2, "dead": 2}


def test_most_sensitive_node_comes_first_with_its_kind():
    row = SECTIONS["nodes"](make_results()).tables[0].frame.iloc[0]
    assert row["node"].text == "fc1:6"
    assert row["kind"].text == "coherent"
    assert row["change by 0"].text == "\N{MINUS SIGN}25.7"


def worst_levels(section):
    return next(table.frame for table in section.tables if "intervention" in table.frame.columns)


def test_worst_level_is_selected():
    frame = worst_levels(SECTIONS["interventions"](make_results()))
    worst = {(row["intervention"], row["split"]): row["level"].value for row in frame.to_dict(orient="records")}
    assert worst["clip", "test"] == 0.01
    assert worst["offset", "test"] == -2


def test_without_labels_it_speaks_of_agreement():
    results = make_results(labels=False)
    effects = results.effects
    results = replace(results, effects=replace(effects, table=effects.table.assign(loss=np.nan)))
    section = SECTIONS["interventions"](results)
    assert any("agreement with the unperturbed network" in text for text in section.text)
    assert "agreement" in worst_levels(section).columns


def test_every_section_says_what_not_to_conclude_or_that_nothing_was_run():
    empty = without_results(make_results())
    assert SECTIONS["nodes"](empty).text == ("No single node was ablated.",)
    assert SECTIONS["attribution"](empty).text == ("Attribution was not run.",)


def test_panels_of_scores_without_a_lower_end_share_the_axis_of_the_worst():
    results = make_results((36, 6, 3))
    effects = results.effects
    fall = (effects.table["intervention"] == "scale") & (effects.table["level"] < 1)
    table = effects.table.assign(accuracy=effects.table["accuracy"].mask(fall, -0.8))
    made = SECTIONS["interventions"](replace(results, effects=replace(effects, table=table)))
    drawn = next(figure for figure in made.figures if figure.name == "interventions-01-fc1").draw()
    assert drawn.axes[0].get_ylim()[0] < -0.8


def test_levels_that_are_borne_are_labelled_in_plain_numbers():
    results = make_results((36, 6, 3))
    for high in (1.05, 10.0):
        tolerance = results.effects.tolerance.assign(scale_low=1.0, scale_high=high)
        made = SECTIONS["interventions"](replace(results, effects=replace(results.effects, tolerance=tolerance)))
        axes = next(figure for figure in made.figures if "tolerance" in figure.name).draw().axes[0]
        texts = [axes.xaxis.get_major_formatter()(x) for x in axes.get_xticks()]
        assert axes.xaxis.get_minorticklocs().size == 0
        assert not any("$" in text for text in texts)
