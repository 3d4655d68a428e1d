"""All that a survey read, as rows of tables."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from zoo.survey.tables import decides


@dataclass(frozen=True)
class Survey:
    """What was read.

    Attributes
    ----------
    rows
        A row for every hidden layer of the survey's own networks.
    along
        Rows along the training of some networks.
    others
        Rows of networks that others published; one with ``why`` for a network that was not read.
    missing
        Names of data sets that were not to be had.
    coherence
        Rows of `zoo.survey.coherence`.
    planted
        Table of `zoo.survey.planted.planted_rarity`.
    """

    rows: pd.DataFrame
    along: pd.DataFrame
    others: pd.DataFrame
    missing: list[str]
    coherence: pd.DataFrame = field(default_factory=pd.DataFrame)
    planted: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def fine(self) -> pd.DataFrame:
        """Rows of networks that decide well enough to read anything of them."""
        return self.rows[decides(self.rows)]
