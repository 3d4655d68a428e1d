"""The papers' tables, as numbers to compare with.

Each lies as ``published/TABLE.csv`` in the room of its paper, all by Alan Oursland: as-NN tables 2, 3 and 5 (*Neural
Networks as Nearest Neighbors*, 2024), use-DM (arXiv 2411.17932), learn-DM (arXiv 2502.02103), and LeNet
from the result files beside the author's public code.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

PAPERS = Path(__file__).parents[1]
TABLES = tuple(sorted(f"{path.parents[1].name}/{path.stem}" for path in PAPERS.glob("*/published/*.csv")))
"""Names of all published tables, such as ``as_nn/table3``."""


def published(table: str) -> pd.DataFrame:
    """Read one published table, its first column as the index.

    Parameters
    ----------
    table
        A name of `TABLES`: the paper's room and the table.

    Returns
    -------
    DataFrame
        The numbers as printed, in the paper's own units (percent where a column ends in ``_pct``).

    Examples
    --------
    >>> float(published("as_nn/table3").loc["coherent_count", "abs"])
    277.0
    """
    paper, name = table.split("/")
    return pd.read_csv(PAPERS / paper / "published" / f"{name}.csv", index_col=0)
