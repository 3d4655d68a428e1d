"""Tests between learn-DM's architectures: published ones from means and standard deviations, ours beside them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from zoo.papers.report import Cell, markdown_table

TABLE = "5,000 epochs / test_acc / "
LEVEL = 0.05


def architecture_tests(cells: Sequence[Cell], bias: str = "bias") -> pd.DataFrame:
    """Compare the test accuracies of every two architectures after 5,000 epochs.

    Welch's test, from means, standard deviations and numbers of runs: the paper gives no single runs, and the cells
    keep none of ours.

    Parameters
    ----------
    cells
        Published numbers beside ours.
    bias
        Name of one of the two tables: ``bias`` or ``no bias``.

    Returns
    -------
    DataFrame
        A row a pair: published difference with its p-value, corrected for all pairs (Benjamini and Yekutieli 2001); our
        difference with its p-value, NaN where either of ours has one run.
    """
    found = {cell.cell.removeprefix(TABLE).removesuffix(f", {bias}"): cell for cell in _of(cells, bias)}
    pairs = list(combinations(found, 2))
    theirs = [_published(found[one], found[other]) for one, other in pairs]
    ours = [_ours(found[one], found[other]) for one, other in pairs]
    return pd.DataFrame(
        {
            "published difference": [found[one].published - found[other].published for one, other in pairs],
            "published p": stats.false_discovery_control(theirs, method="by") if theirs else [],
            "our difference": [found[one].ours - found[other].ours for one, other in pairs],
            "our p": ours,
        },
        index=pd.Index([f"{one} - {other}" for one, other in pairs], name=f"architectures, {bias}"),
    )


def architecture_parts(cells: Sequence[Cell]) -> list[str]:
    """Give the paragraphs of a page that compare the architectures, for both tables.

    Parameters
    ----------
    cells
        Published numbers beside ours.
    """
    parts = ["### Do the architectures differ?"]
    for bias in ("bias", "no bias"):
        table = architecture_tests(cells, bias)
        parts += [f"With {bias} in the last layer: {architecture_sentence(table)}", markdown_table(table, 3)]
    return parts


def _of(cells: Sequence[Cell], bias: str) -> list[Cell]:
    return [cell for cell in cells if cell.cell.startswith(TABLE) and cell.cell.endswith(f", {bias}")]


def _published(one: Cell, other: Cell) -> float:
    return _welch(
        (one.published, one.their_spread, one.their_runs), (other.published, other.their_spread, other.their_runs)
    )


def _ours(one: Cell, other: Cell) -> float:
    if min(one.runs, other.runs) < 2:
        return float("nan")
    return _welch((one.ours, one.spread, one.runs), (other.ours, other.spread, other.runs))


def _welch(one: tuple[float, float, int], other: tuple[float, float, int]) -> float:
    return float(stats.ttest_ind_from_stats(*one, *other, equal_var=False).pvalue)


def architecture_sentence(table: pd.DataFrame) -> str:
    """Say how many pairs differ in the paper, and whether ours agree where runs allow a test.

    Parameters
    ----------
    table
        Table of `architecture_tests`.
    """
    clear = table["published p"] < LEVEL
    tested = table.dropna(subset="our p")
    same_sign = np.sign(tested["our difference"]) == np.sign(tested["published difference"])
    agree = ((tested["our p"] < LEVEL) == clear[tested.index]) & (same_sign | ~clear[tested.index])
    said = f"{int(clear.sum())} of {len(table)} published pairs differ at 5 % (after correction for all pairs). "
    if len(tested):
        said += (
            f"We have two runs or more of both architectures for {', '.join(tested.index)}; {int(agree.sum())} of "
            f"these {len(tested)} tests says what the paper's says. "
        )
    else:
        said += "We have two runs or more of both architectures for no pair. "
    return said + "One run is no test, and more take hours of a CPU each."
