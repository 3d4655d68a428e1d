"""What the survey's tables say, in sentences that follow from the numbers."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from scipy import stats

from zoo.survey.tables import LEVEL, beyond_copies


def ends_sentences(ends: pd.DataFrame) -> list[str]:
    """Answer whether last hidden layers read distances and first ones intensities.

    Parameters
    ----------
    ends
        Table of `zoo.survey.tables.ends_compared`.
    """
    return [
        f"**Do last hidden layers read distances?** {_answer(ends, 'last', 1)}",
        f"**Do first hidden layers read intensities?** {_answer(ends, 'first', -1)}",
        f"**Is the last layer farther on the side of distances than the first?** {_answer(ends, 'last - first', 1)}",
    ]


def _answer(ends: pd.DataFrame, column: str, side: int) -> str:
    """Say for how many activations a mean lies clearly on the side that was asked for, and on the other."""
    p = ends["p of difference" if column == "last - first" else f"p of {column}"]
    alone = ends.index != "all"
    clear = alone & (p < LEVEL)
    right, wrong = (list(ends.index[clear & (sign * side * ends[column] > 0)]) for sign in (1, -1))
    whole = ends.loc["all"]
    mean, p_all = whole[column], p["all"]
    if right and not wrong and len(right) == alone.sum():
        said = "Yes, with every activation."
    elif right:
        said = f"With {', '.join(right)} only" + (f"; the reverse with {', '.join(wrong)}." if wrong else ".")
    else:
        said = f"No; clearly the reverse with {', '.join(wrong)}." if wrong else "No: with none of the activations."
    return f"{said} Over all {whole['conditions']:.0f} conditions the mean is {mean:+.3f} (p = {p_all:.2g})."


def calls_sentence(rows: pd.DataFrame) -> str:
    """Count what the rule calls the layers.

    Parameters
    ----------
    rows
        A row for every hidden layer.

    Examples
    --------
    >>> calls_sentence(pd.DataFrame({"leaning": ["neither", "neither", "distances"]}))
    'The rule calls 1 of 3 layers distances, 0 intensities, 2 neither, 0 undecided.'
    """
    counts = {kind: int((rows["leaning"] == kind).sum()) for kind in ("distances", "intensities", "neither")}
    undecided = len(rows) - sum(counts.values())
    return (
        f"The rule calls {counts['distances']} of {len(rows)} layers distances, {counts['intensities']} intensities, "
        f"{counts['neither']} neither, {undecided} undecided."
    )


def places_sentence(rows: pd.DataFrame) -> str:
    """Give S of last and of first hidden layers of networks that have names.

    Parameters
    ----------
    rows
        A row for every hidden layer.
    """
    beyond = beyond_copies(rows)
    said = []
    for name, those in (("last", rows["layer"] == rows["depth"]), ("first", rows["layer"] == 1)):
        values = beyond[those & (rows["depth"] > 1)].dropna()
        if len(values):
            said.append(
                f"S of {name} hidden layers lies {values.mean():+.2f} from the copies' middle on average, on the side "
                f"of distances in {_sides(values)} networks of two and more hidden layers"
            )
    only = beyond[rows["depth"] == 1].dropna()
    if len(only):
        said.append(f"of only hidden layers {only.mean():+.2f}, on the side of distances in {_sides(only)}")
    return "; ".join(said) + "."


def _sides(values: pd.Series) -> str:
    """Count how many values are above zero, with the two-sided p-value of the sign test."""
    above = int((values > 0).sum())
    return f"{above} of {len(values)} (p = {stats.binomtest(above, len(values)).pvalue:.2g})"


def rarity_sentences(layers: pd.DataFrame, nodes: pd.DataFrame) -> list[str]:
    """Answer whether a network reads whichever state of a node is rare.

    Parameters
    ----------
    layers, nodes
        Tables of `zoo.survey.tables.rarity` and `rarity_of_nodes`.
    """
    alone = layers.drop(index="all")
    clear = alone[alone["p of skewness"] < LEVEL]
    for_it, against = list(clear.index[clear["skewness"] < 0]), list(clear.index[clear["skewness"] > 0])
    whole = layers.loc["all"]
    said = (
        f"Between layers: over all conditions S falls with skewness by a rank correlation of {whole['skewness']:+.2f} "
        f"(p = {whole['p of skewness']:.2g}; the hypothesis asks for a negative one). Activation by activation it is "
        f"clearly negative with {_list(for_it)} and clearly positive with {_list(against)}. "
    )
    said += (
        "So it is no rule that holds for every activation."
        if against or len(for_it) < len(alone)
        else "It holds for every activation."
    )
    more = nodes[nodes["correlation"] < nodes["before training"] - 0.1]
    within = (
        f"Between the nodes of one layer the correlation is negative in {_range(nodes['negative'], '{:.0%}')} of "
        f"layers, on average {_range(nodes['correlation'], '{:+.2f}')}; in the same networks before any training "
        f"{_range(nodes['before training'].dropna(), '{:+.2f}')}. "
    )
    known = nodes["before training"].notna().sum()
    if known:
        names = _list(list(more.index))
        within += f"Training makes it more negative by 0.1 and more with {names} of the {known} compared."
    return [said, within]


def training_sentences(along: pd.DataFrame) -> list[str]:
    """Say of every layer followed along its training from which epoch on S lies on one side of its copies.

    Parameters
    ----------
    along
        Table of `zoo.survey.tables.along_training`.
    """
    return [
        f"{activation}, layer {layer}: {_begin(those.droplevel(['activation', 'layer']))}"
        for (activation, layer), those in along.groupby(level=["activation", "layer"], sort=False)
    ]


def _begin(epochs: pd.DataFrame) -> str:
    clear = epochs["p over seeds"] < LEVEL
    sides = epochs["beyond_copies"] > 0
    last = bool(sides.iloc[-1])
    lasting = [
        epoch for epoch in epochs.index if (clear[epochs.index >= epoch] & (sides[epochs.index >= epoch] == last)).all()
    ]
    end = f"at the end S is {epochs['beyond_copies'].iloc[-1]:+.3f} from the copies' middle"
    if not lasting:
        return f"{end}, which seeds do not settle."
    word = "distances" if last else "intensities"
    return f"{end}, on the side of {word} at every snapshot from epoch {lasting[0]} on."


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _range(values: pd.Series, form: str) -> str:
    return f"{form.format(values.min())} to {form.format(values.max())}" if len(values) else "not measured"
