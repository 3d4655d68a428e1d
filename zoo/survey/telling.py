"""Which statistic tells a trained network from its shuffled and from its untrained self, and when in training."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from interp.store import write_text
from zoo.papers.report.page import markdown_table
from zoo.survey.rows import Survey
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
        which=rows["state"].where(rows["state"] == "shuffled", "epoch " + rows["epoch"].astype(int).astype(str))
    )
    named = named[(named["state"] != "shuffled") | (named["epoch"] == last)]
    groups = named.assign(beyond=named["coherent_p"] <= LEVEL).groupby(["activation", "layer", "which"], sort=False)
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


def pages(survey: Survey, folder: Path) -> list[Path]:
    """Write what tells trained networks from copies, for the survey's own and for the papers' networks.

    Parameters
    ----------
    survey
        Rows of all that was read.
    folder
        Folder of all reports.
    """
    own = write(folder / "planted" / "along-training.md", OWN, survey.fine, survey.along, survey.coherence)
    papers = survey.others[survey.others["group"] == "papers"] if len(survey.others) else survey.others
    if papers.empty:
        return [own]
    none = pd.DataFrame()
    return [own, write(folder / "use-dm" / "trained-or-not.md", PAPERS, papers, none, none)]


def write(
    file: Path, introduction: tuple[str, ...], rows: pd.DataFrame, along: pd.DataFrame, coherence: pd.DataFrame
) -> Path:
    """Write the page of one group of networks.

    Parameters
    ----------
    file
        File of Markdown.
    introduction
        Title and first paragraphs.
    rows
        A row for every hidden layer of trained networks.
    along
        Rows along training; may be empty.
    coherence
        Rows of `zoo.survey.coherence`; may be empty.
    """
    table = told_apart(rows)
    parts = [*introduction, "## Reading and the two-level cut", verdict(table), markdown_table(table, 2)]
    groups = [
        told_apart(those).assign(networks=f"{activation} on {data}").reset_index().set_index(["networks", "statistic"])
        for (data, activation), those in rows.groupby(["data", "activation"], sort=False)
    ]
    parts.append(markdown_table(pd.concat(groups), 2))
    if len(coherence):
        apart = coherence_told_apart(coherence)
        parts += ["## The share of coherent nodes", COHERENT, coherence_sentence(apart), markdown_table(apart, 2)]
    if len(along):
        parts += ["## Along training", ALONG, markdown_table(along_training(along), 2)]
    write_text(file, "\n\n".join(parts) + "\n")
    return file


def coherence_sentence(table: pd.DataFrame) -> str:
    """Say whether coherence is above chance anywhere, and in how many layers it rises in training.

    Parameters
    ----------
    table
        Table of `coherence_told_apart`.
    """
    shares = table["coherent"].unstack("which")
    epochs = sorted((name for name in shares if name.startswith("epoch")), key=lambda name: int(name.split()[1]))
    first, last = shares[epochs[0]], shares[epochs[-1]]
    beyond = table["beyond_every_null"]
    far = last[(last >= 2 * first) & (last >= shares["shuffled"])].index
    doubled = ", ".join(f"{activation} layer {layer}" for activation, layer in far) or "none"
    return (
        f"From {epochs[0]} to {epochs[-1]} the mean share rises in {int((last > first).sum())} of {len(shares)} "
        f"layers, and ends above that of shuffled copies in {int((last > shares['shuffled']).sum())}. "
        f"It at least doubles in {doubled}. Beyond every "
        f"null are {_mean(beyond, epochs[-1]):.0%} of trained layers, {_mean(beyond, epochs[0]):.0%} of untrained and "
        f"{_mean(beyond, 'shuffled'):.0%} of shuffled ones."
    )


def _mean(values: pd.Series, name: str) -> float:
    return float(values.xs(name, level="which").mean())


OWN = (
    "# Which numbers tell a trained network from its copies",
    "The networks of [the survey](../reading/README.md): digits, MNIST and a part of CIFAR-10, five activations, one "
    "to four hidden layers. Each statistic is held against copies with shuffled weights and fresh initialisations. "
    "`above the middle` is the share of layers above the copies' mean; `beyond at 5 %` that of layers outside their "
    "copies, to either side, which would be 5 % or less if a trained layer were like them. What the numbers are worth "
    "where the truth is known stands in [planted truth](README.md).",
)
PAPERS = (
    "# Trained or not: published networks beside their copies",
    "use-DM's own networks were not kept, so that there are no snapshots of them to read; these are the checkpoints "
    "that the papers' author published (as-NN's experiment 2, 784-128-10 with ReLU or Abs, and LeNet as far as it was "
    "read). "
    "Columns as in [the survey's table](../planted/along-training.md). How many nodes of the twelve are coherent, "
    "beside untrained networks, is in [as-NN's open hypotheses](../as-nn/hypotheses/README.md).",
)
COHERENT = (
    "Share of nodes within 0.25 sigma of a component's mean, over training samples; `above_random` is less the share "
    "of parallel boundaries through random data points; `beyond_every_null` the share of layers with a p-value of 0.05 "
    "or less against random points, permuted biases and the data mean. Digits, two hidden layers; a few "
    "networks each, no test."
)
ALONG = (
    "Digits, two hidden layers, beside fresh copies: `beyond_copies` is S less their middle, `two_levels_keep` the "
    "predictions kept when every node is cut once."
)
