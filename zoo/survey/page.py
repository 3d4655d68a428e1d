"""The survey's page: tables, and the sentences that follow from them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from interp.store import write_text
from zoo.papers.report.page import Page
from zoo.survey import tables, words
from zoo.survey.others import IMAGES
from zoo.survey.planted import planted_sentence
from zoo.survey.reading import SAMPLES
from zoo.survey.rows import Survey


def introduction(survey: Survey) -> list[str]:
    """Say what was trained, what was left out, and why."""
    keys = ["data", "activation", "depth", "seed"]
    rows, fine = survey.rows, survey.fine
    weak = rows[~tables.decides(rows)].groupby(keys[:3], sort=False)["seed"].nunique()
    left_out = ", ".join(
        f"{activation} of depth {depth} on {data}: {n}" for (data, activation, depth), n in weak.items()
    )
    seeds = fine.groupby(keys[:3])["seed"].nunique()
    often = f"{seeds.min()} to {seeds.max()}" if seeds.min() < seeds.max() else f"{seeds.max()}"
    copies = f"{fine['copies'].min()} to {fine['copies'].max()}"
    paragraphs = [
        f"{len(fine[keys].drop_duplicates())} perceptrons of {len(seeds)} conditions, {often} seeds each, read on up "
        f"to {SAMPLES} test samples that chose nothing, beside {copies} shuffled "
        "and as many freshly initialised copies of itself. S is above zero where the decision hangs on small outputs "
        "(distances), below where it hangs on large ones (intensities); `benchmarks/planted.py` measures how often the "
        "rule is right where the truth is known. `layers.csv` has a row for every layer."
    ]
    if left_out:
        share = f"{tables.ENOUGH:.0%} of the way from chance to perfect"
        paragraphs.append(f"Left out, because they decide less than {share}: {left_out}.")
    if survey.missing:
        paragraphs.append(f"Not to be had on this machine, and so not in the tables: {', '.join(survey.missing)}.")
    return paragraphs


def write(page: Page, survey: Survey) -> Path:
    """Fill the page."""
    fine, others, along = survey.fine, survey.others, survey.along
    ends = tables.ends_compared(fine)
    page.add(*introduction(survey))
    page.add(*words.ends_sentences(ends), words.calls_sentence(fine))
    page.section("First and last hidden layers", COMPARED)
    page.table(ends, 2)
    page.table(tables.calls_by_place(fine).rename_axis(["activation", "place"]), 3)
    page.figure("balances", figure(fine), "Balance S less the middle of the copies; a point a network and layer.")
    add_others(page, others)
    layers, nodes = tables.rarity(fine), tables.rarity_of_nodes(fine, along)
    page.section("Is it the rare state that is read?", RARITY, *words.rarity_sentences(layers, nodes))
    page.table(layers, 2)
    page.table(nodes, 2)
    if len(survey.planted):
        page.add(PLANTED, planted_sentence(survey.planted))
        page.table(survey.planted, 2)
    page.section("Trained or not: two levels a node", LEVELS)
    page.table(tables.trained_or_not(fine), 3)
    add_along(page, along)
    page.section("Every condition", EVERY)
    every = pd.concat([fine, others], ignore_index=True)
    page.table(tables.by_condition(every[every["layer"].notna()]), 2)
    write_text(page.folder / "layers.csv", pd.concat([survey.rows, others], ignore_index=True).to_csv(index=False))
    return page.write()


def add_along(page: Page, along: pd.DataFrame) -> None:
    """Show when in training the balance begins to differ."""
    if along.empty:
        page.section("Along training", "Snapshots were not read yet.")
        return
    trained = tables.along_training(along)
    page.section("Along training", ALONG_TRAINING)
    page.add("\n".join(f"- {said}" for said in words.training_sentences(trained)))
    page.table(trained, 2)


def add_others(page: Page, others: pd.DataFrame) -> None:
    """Show what networks that others published are read as."""
    if others.empty:
        page.section("Networks that others published", "None were given; `--others FOLDER` names a folder of them.")
        return
    read, refused = others[others["layer"].notna()], others[others["layer"].isna()]
    page.section("Networks that others published", OTHERS, words.calls_sentence(read))
    page.table(tables.by_network(read), 2)
    for group, those in read[read["trained"] & (read["classes"] > 2)].groupby("group", sort=False):
        page.add(f"{group}: {words.places_sentence(those)}")
    if len(refused):
        page.add("Not read: " + "; ".join(f"{one.network}, because {one.why}" for one in refused.itertuples()) + ".")


COMPARED = (
    "Mean of S less the middle of its copies, in networks of two and more hidden layers. A test's unit is a condition "
    "(data set and depth, mean of its seeds); p-values are two-sided and not corrected for the number of activations."
)
OTHERS = (
    "Checkpoints of the papers' author (as-NN's experiment 2 and LeNet) and of strangers, opened with the scaling and "
    f"activation that their sources state. Networks with convolutions are read on {IMAGES} samples, the others on "
    f"{SAMPLES}. Of two classes S has no meaning."
)
RARITY = (
    "Spearman's correlation, over layers of all conditions, of S less its copies' middle with the mean skewness of "
    "the nodes' outputs and with the share of outputs above halfway between a node's extremes. If whatever state is "
    "rare is what is read, S falls with skewness and rises with that share. Below, the same between the nodes of one "
    "layer, with noise on one node at a time."
)
PLANTED = (
    "On networks whose truth is known, with four classes alike or with one that makes up two thirds of the samples: "
    "there a template of that class is high for most samples, and a distance from its middle is low for most."
)
LEVELS = (
    "Share of predictions kept when every node of a layer is cut once, at the best quantile, and takes its "
    "conditional mean on either side: trained networks, shuffled copies, fresh initialisations. `above shuffled` and "
    "`above fresh` are the shares of layers that keep more than each of 39 such copies does."
)
ALONG_TRAINING = (
    "Digits, two hidden layers, beside fresh copies alone, which are what a network begins as; `beyond_copies` is S "
    "less their middle, `two_levels_keep` as above; the counts are of seeds."
)
EVERY = (
    "Own networks, the papers' (`papers`) and those of strangers. `copies_low` and `copies_high`: central 95 % of the "
    "shuffled copies, mean over seeds. The p-values over seeds are not corrected for the number of layers: of a "
    "hundred layers that read neither, five have one below 0.05."
)


def figure(rows: pd.DataFrame) -> Figure:
    """Draw the balances by activation and place among the hidden layers."""
    shown = rows.assign(beyond=tables.beyond_copies(rows), place=tables.place_of(rows))
    drawn = Figure(figsize=(9, 3.2))
    axes = drawn.subplots()
    order = ["first", "between", "last", "only"]
    colours = ["#1b6ca8", "0.6", "#c0392b", "#2e8b57"]
    sns.stripplot(
        shown, x="activation", y="beyond", hue="place", hue_order=order, dodge=True, size=3, palette=colours, ax=axes
    )
    axes.axhline(0, color="0.5", linewidth=0.8)
    axes.set_ylabel("S - middle of copies")
    axes.legend(title="hidden layer", fontsize="small", loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return drawn
