import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from zoo.papers.report import TABLES, Cell, judge_all, published, rejudge, tally
from zoo.papers.report.cells import bare_cell, count_cell, decision_cell, extreme_cell, mean_cell
from zoo.papers.report.judging import judge, other_activation, power_of, power_sentences
from zoo.papers.report.page import Page, markdown_table
from zoo.papers.report.stored import frame, read_cells


@pytest.mark.parametrize("runs", [3, 4, 30])
@pytest.mark.parametrize("shift", [0.3, 0.6, 0.9, 1.2])
def test_means_agree_unless_welchs_test_refuses_them_at_one_percent(runs, shift):
    values = np.random.default_rng(runs).normal(0, 1, runs)
    cell = mean_cell("x", values.mean() + shift, values, digits=9, their_runs=20, their_spread=0.4)
    test = stats.ttest_ind_from_stats(values.mean(), values.std(ddof=1), runs, cell.published, 0.4, 20, equal_var=False)
    assert judge(cell).reproduced == (test.pvalue >= 0.01)


def test_one_published_number_beside_few_runs_needs_the_point_of_t_and_not_of_the_normal():
    values = [0.9, 1.1, 0.9, 1.1]
    error = np.std(values, ddof=1) * math.sqrt(1 / 4 + 1 / 20)
    for factor, fits in ((3.0, True), (5.8, True), (5.9, False)):  # of three degrees of freedom: 5.84
        assert judge(mean_cell("x", 1 + factor * error, values, digits=9, their_runs=20)).reproduced is fits


def test_rounding_is_forgiven():
    assert judge(mean_cell("x", 0.98, [0.9796] * 3, digits=2, their_runs=3)).reproduced
    assert not judge(mean_cell("x", 0.98, [0.9740] * 3, digits=2, their_runs=3)).reproduced


@pytest.mark.parametrize(("theirs", "fits"), [(36, False), (37, True), (63, True), (64, False)])
def test_counts_agree_within_the_binomial(theirs, fits):
    assert judge(count_cell("x", theirs, 50, 100)).reproduced == fits  # 37 and 63 are the 99 % points: see scipy


def test_counts_are_shown_in_their_unit():
    assert count_cell("x", 30, 200, 2000, their_of=300).ours == pytest.approx(30)


def test_extremes_and_bare_cells():
    assert judge(extreme_cell("x", 0.5, [0.1, 0.5], largest=True, digits=2)).reproduced
    assert judge(bare_cell("x", 1.0, [2.0], "no rule")).reproduced is None


@pytest.mark.parametrize("values", [[], [1.0], [float("nan")]])
def test_without_a_spread_nothing_is_judged(values):
    assert judge(mean_cell("x", 1.0, values, digits=2, their_runs=3)).reproduced is None


def decisions(theirs: dict[str, tuple[float, float]], ours: dict[str, tuple[float, float]]) -> list[Cell]:
    return [decision_cell(f"scale / t / {name}", theirs[name], ours[name], runs=5, their_runs=20) for name in theirs]


FOUND, LOST = (9.0, 1e-5), (0.5, 0.6)


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        (FOUND, FOUND, None),  # both activations' published tests say so: no evidence of either
        (FOUND, LOST, False),  # what is missed counts, always
        (LOST, FOUND, False),
        (LOST, LOST, True),
    ],
)
def test_a_decision_counts_where_the_other_activation_would_fail_it(theirs, ours, expected):
    cells = decisions({"abs": theirs, "relu": FOUND}, {"abs": ours, "relu": FOUND})
    assert judge_all(cells)[0].reproduced is expected


def test_the_other_activations_cell_is_found():
    assert other_activation("5,000 epochs / test_acc / abs2-neg, bias") == "5,000 epochs / test_acc / relu2-neg, bias"
    assert other_activation("table 5 / f1 / gelu") == ""


def test_what_the_rules_could_have_refused_is_said():
    near = [mean_cell(f"acc / {name}", 1.0, [0.9, 1.0, 1.1], digits=2, their_runs=20) for name in ("abs", "relu")]
    assert "0 would have refused" in power_sentences(near)[0]
    far = [near[0], replace(near[1], published=5.0)]
    assert judge(far[0], far[1]).refuses_other


def test_power_is_what_simulations_find():
    rng, runs, effect = np.random.default_rng(0), 4, 3.7 / math.sqrt(20)
    found = stats.ttest_1samp(rng.normal(effect, 1, (20_000, runs)), 0, axis=1)
    cell = decision_cell("x", (3.7, 0.002), (0.0, 0.5), runs, their_runs=20)
    expected = ((found.pvalue < 0.05) & (found.statistic > 0)).mean()
    assert power_of(cell) == pytest.approx(expected, abs=4 * 0.5 / math.sqrt(20_000))


def report(folder) -> Page:
    page = Page(folder, "Title")
    page.compare([mean_cell("a / abs", 1.0, [1.0, 1.1], digits=1, their_runs=2), bare_cell("b", 1.0, [3.0], "why")])
    page.add("A sentence of the run.")
    page.compare([count_cell("c", 40, 50, 100), extreme_cell("d", 0.5, [0.1, 0.5], largest=True, digits=2)])
    page.compare(decisions({"abs": LOST, "relu": FOUND}, {"abs": LOST, "relu": FOUND}))
    return page


def test_page_is_written_whole(tmp_path):
    page = report(tmp_path)
    text = page.write().read_text()
    assert "5 of the 5 cells that count are reproduced" in text
    assert tally(page.cells) == (5, 5)
    assert list(frame(page.cells)["reproduced"]) == ["yes", "-", "yes", "yes", "yes", "yes"]
    stored = read_cells(tmp_path / "cells.csv")
    pd.testing.assert_frame_equal(frame(stored), frame(page.cells))


def test_judging_anew_by_the_same_rules_changes_nothing(tmp_path):
    before = report(tmp_path).write().read_text()
    cells = (tmp_path / "cells.csv").read_text()
    assert rejudge(tmp_path).read_text() == before
    assert (tmp_path / "cells.csv").read_text() == cells


def test_judging_anew_follows_the_stored_numbers(tmp_path):
    report(tmp_path).write()
    file = tmp_path / "cells.csv"
    table = pd.read_csv(file)
    table.loc[table["cell"] == "c", "published"] = 90.0
    table.to_csv(file, index=False)
    text = rejudge(tmp_path).read_text()
    assert "4 of the 5 cells" in text
    assert "Not reproduced: `c`" in text
    assert "A sentence of the run." in text


def test_tables_with_several_levels_are_printed_as_words():
    table = pd.DataFrame({("share", "mean"): [0.25], ("share", "sd"): [float("nan")]}, index=["abs"])
    assert markdown_table(table).splitlines() == ["|  | share mean | share sd |", "|---|---|---|", "| abs | 0.25 | - |"]


@pytest.mark.parametrize("name", TABLES)
def test_published_tables_open(name):
    table = published(name)
    assert len(table) > 1
    assert np.isfinite(table.select_dtypes("number").to_numpy()).all()
