import numpy as np
import pandas as pd
import pytest

from zoo.papers.report import TABLES, published
from zoo.papers.report.cells import bare_cell, count_cell, extreme_cell, frame, mean_cell, tally
from zoo.papers.report.page import CELL_COLUMNS, Page, markdown_table


@pytest.mark.parametrize(("theirs", "fits"), [(1.0, True), (1.58, True), (1.60, False)])
def test_means_agree_within_three_combined_errors(theirs, fits):
    values = [0.9, 1.1, 0.9, 1.1]  # 3 x 0.1759 x sqrt(1 / 4 + 1) = 0.59
    assert mean_cell("x", theirs, values, digits=2, their_runs=1, their_spread=0.1759).reproduced == fits


def test_rounding_is_forgiven():
    assert mean_cell("x", 0.98, [0.9796] * 3, digits=2, their_runs=3).reproduced
    assert not mean_cell("x", 0.98, [0.9740] * 3, digits=2, their_runs=3).reproduced


@pytest.mark.parametrize(("theirs", "fits"), [(36, False), (37, True), (63, True), (64, False)])
def test_counts_agree_within_the_binomial(theirs, fits):
    assert count_cell("x", theirs, 50, 100).reproduced == fits  # 37 and 63 are the 99 % points: see scipy


def test_counts_are_shown_in_their_unit():
    assert count_cell("x", 30, 200, 2000, their_of=300).ours == pytest.approx(30)


def test_extremes_and_bare_cells():
    assert extreme_cell("x", 0.5, [0.1, 0.5], largest=True, digits=2).reproduced
    assert bare_cell("x", 1.0, [2.0], "no rule").reproduced is None


@pytest.mark.parametrize("values", [[], [1.0], [float("nan")]])
def test_without_a_spread_nothing_is_judged(values):
    assert mean_cell("x", 1.0, values, digits=2, their_runs=3).reproduced is None


def test_page_is_written_whole(tmp_path):
    page = Page(tmp_path / "reports" / "x", "Title")
    page.compare([mean_cell("a", 1.0, [1.0, 1.0], digits=1, their_runs=1), bare_cell("b", 1.0, [3.0], "why")])
    text = page.write().read_text()
    assert "1 of 1 judged cells" in text
    table = frame(page.cells)
    assert list(table.columns) == list(CELL_COLUMNS)
    assert list(table["reproduced"]) == ["yes", "-"]
    assert tally(page.cells) == (1, 1)


def test_tables_with_several_levels_are_printed_as_words():
    table = pd.DataFrame({("share", "mean"): [0.25], ("share", "sd"): [float("nan")]}, index=["abs"])
    assert markdown_table(table).splitlines() == ["|  | share mean | share sd |", "|---|---|---|", "| abs | 0.25 | - |"]


@pytest.mark.parametrize("name", TABLES)
def test_published_tables_open(name):
    table = published(name)
    assert len(table) > 1
    assert np.isfinite(table.select_dtypes("number").to_numpy()).all()
