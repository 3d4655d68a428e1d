"""Which statistic tells a trained network from its shuffled and from its untrained self, and when in training."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from interp.store import write_text
from zoo.papers.report.page import markdown_table
from zoo.survey.tables import LEVEL, along_training, beyond_copies


def told_apart(rows: pd.DataFrame) -> pd.DataFrame:
    """Tabulate how often the balance and the two-level cut tell trained layers from their copies.

    Parameters
    ----------
    rows
        A row for every hidden layer of trained networks.

    Returns
    -------
    DataFrame
        A row for each statistic and sort of copy: the trained layers' mean, the copies', the share of layers above
        their copies' middle, and the share of layers beyond the copies at 5 % (0.05 by chance).
    """
    kept = {
        f"two-level cut, {kind} copies": {
            "trained": rows["kept_given"].mean(),
            "copies": rows[f"kept_{kind}"].mean(),
            "above the middle": (rows["kept_given"] > rows[f"kept_{kind}"]).mean(),
            "beyond at 5 %": (rows[f"kept_p_{kind}"] <= LEVEL).mean(),
            "layers": len(rows),
        }
        for kind in ("shuffled", "fresh")
    }
    beyond = beyond_copies(rows)
    reading = {
        "trained": rows["balance"].mean(),
        "copies": (rows["balance"] - beyond).mean(),
        "above the middle": (beyond > 0).mean(),
        "beyond at 5 %": (rows["p_value"] <= LEVEL).mean(),
        "layers": len(rows),
    }
    found = {"balance S, both copies, after Holm": reading, **kept}
    return pd.DataFrame.from_dict(found, orient="index").rename_axis("statistic")


def coherence_told_apart(rows: pd.DataFrame) -> pd.DataFrame:
    """Tabulate the share of coherent nodes of trained networks beside their shuffled and untrained selves.

    Parameters
    ----------
    rows
        Rows of `zoo.survey.coherence`, with the networks' epochs.

    Returns
    -------
    DataFrame
        Mean share, share above random boundaries, and share of layers that are beyond every null at 5 %.
    """
    last = rows.groupby(["activation", "seed"])["epoch"].transform("max")
    named = rows.assign(
        self=rows["state"].where(rows["state"] == "shuffled", "epoch " + rows["epoch"].astype(int).astype(str))
    )
    named = named[(named["state"] != "shuffled") | (named["epoch"] == last)]
    groups = named.assign(beyond=named["coherent_p"] <= LEVEL).groupby(["activation", "layer", "self"], sort=False)
    return groups.agg(
        networks=("seed", "nunique"),
        coherent=("coherent", "mean"),
        above_random=("excess", "mean"),
        beyond_every_null=("beyond", "mean"),
    )


def verdict(table: pd.DataFrame) -> str:
    """Say which statistics tell trained layers from copies, at a power that can be relied on.

    Parameters
    ----------
    table
        Table of `told_apart`.
    """
    strong = [name for name, row in table.iterrows() if row["beyond at 5 %"] >= 0.8]
    weak = [f"{name} ({row['beyond at 5 %']:.0%})" for name, row in table.iterrows() if row["beyond at 5 %"] < 0.8]
    told = f"Told apart in four of five layers and more: {', '.join(strong)}." if strong else "None does so reliably."
    return f"**{told}**" + (f" Too rarely to be relied on: {', '.join(weak)}." if weak else "")


def write(file: Path, title: str, paragraphs: list[str], survey: pd.DataFrame, along: pd.DataFrame) -> Path:
    """Write the page of one group of networks.

    Parameters
    ----------
    file
        File of Markdown.
    title
        Title of the page.
    paragraphs
        What stands before the tables, and after them behind an empty one.
    survey
        A row for every hidden layer of trained networks.
    along
        The same along training; may be empty.
    """
    table = told_apart(survey)
    parts = [f"# {title}", *paragraphs, "## Trained, or a copy?", verdict(table), markdown_table(table, 2)]
    for (data, activation), those in survey.groupby(["data", "activation"], sort=False):
        parts += [f"{activation} on {data}:", markdown_table(told_apart(those), 2)]
    parts.append("## Along training")
    if along.empty:
        parts.append("No snapshots of these networks were read.")
    else:
        parts.append(markdown_table(along_training(along), 2))
    write_text(file, "\n\n".join(parts) + "\n")
    return file
