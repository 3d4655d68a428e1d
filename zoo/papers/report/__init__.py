"""How a reproduction is written down: published figures beside ours, rules of agreement, tables and figures."""

from zoo.papers.report.cells import (
    Cell,
    bare_cell,
    count_cell,
    decision_cell,
    extreme_cell,
    mean_cell,
)
from zoo.papers.report.judging import FEWEST_TESTED, judge_all, tally
from zoo.papers.report.lines import run_lines
from zoo.papers.report.page import Page, hardware, markdown_table
from zoo.papers.report.published import TABLES, published
from zoo.papers.report.rejudge import rejudge

__all__ = [
    "FEWEST_TESTED",
    "TABLES",
    "Cell",
    "Page",
    "bare_cell",
    "count_cell",
    "decision_cell",
    "extreme_cell",
    "hardware",
    "judge_all",
    "markdown_table",
    "mean_cell",
    "published",
    "rejudge",
    "run_lines",
    "tally",
]
