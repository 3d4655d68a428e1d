"""Sentences of the survey: planted tables give the answers that were planted, and no layer is said to be two things."""

import pandas as pd
import pytest
from survey_rows import planted

from interp.types import Beside, LayerVerdict
from interp.verdict.layers import MEANT, PLAIN, UNLIKE_COPIES, differs_from_copies, layer_sentence, network_sentence
from zoo.papers.report.published import PAPERS
from zoo.survey import tables, words

LAYERS = PAPERS.parents[1] / "reports" / "reading" / "layers.csv"


@pytest.mark.parametrize(
    ("first", "last", "answers"),
    [
        (0.0, 0.3, ("Yes", "No: with none", "Yes")),
        (-0.3, 0.3, ("Yes", "Yes", "Yes")),
        (0.3, -0.3, ("No; clearly the reverse with relu", "No; clearly the reverse", "No; clearly the reverse")),
    ],
)
def test_the_three_questions_are_answered_by_what_was_planted(first, last, answers):
    said = words.ends_sentences(tables.ends_compared(planted(first, last)))
    for sentence, answer in zip(said, answers, strict=True):
        assert sentence.split("** ")[1].startswith(answer)


def test_activations_that_differ_are_named():
    rows = pd.concat([planted(0.0, 0.3, "abs"), planted(0.0, -0.3, "relu")])
    said = words.ends_sentences(tables.ends_compared(rows))[0]
    assert "With abs only; the reverse with relu." in said


def test_the_beginning_is_the_first_epoch_from_which_on_a_side_is_kept():
    index = pd.MultiIndex.from_product([["relu"], [2], [0, 1, 4, 20]], names=["activation", "layer", "epoch"])
    table = pd.DataFrame(
        {"beyond_copies": [0.2, -0.1, -0.2, -0.3], "p over seeds": [0.01, 0.3, 0.01, 0.01]}, index=index
    )
    (said,) = words.training_sentences(table)
    assert "intensities at every snapshot from epoch 4 on" in said
    (undone,) = words.training_sentences(table.assign(**{"p over seeds": [0.01, 0.01, 0.01, 0.3]}))
    assert "do not settle" in undone


def test_rarity_is_no_rule_where_activations_disagree():
    rows = pd.concat([planted(-0.3, 0.3, "abs"), planted(-0.3, 0.3, "relu", skew=-1.0)]).assign(nodes_rho=-0.3)
    nodes = tables.rarity_of_nodes(rows, rows.assign(nodes_rho=-0.1, epoch=0))
    between, within = words.rarity_sentences(tables.rarity(rows), nodes)
    assert "negative with abs" in between
    assert "positive with relu" in between
    assert "no rule" in between
    assert "by 0.1 and more with abs, relu" in within


CLAIMS = {leaning: said.partition("{names}")[2] for leaning, said in PLAIN.items()}
"""Leaning -> the headline's words for it, after the layers' names."""


def verdict(row: pd.Series) -> LayerVerdict:
    """Put a stored row back into the verdict that its page has."""
    copies = {kind: (row[f"{kind}_low"], row[f"{kind}_high"]) for kind in ("shuffled", "fresh")}
    statistics = {"balance": Beside(row["balance"], copies)}
    return LayerVerdict(f"h{row['layer']:.0f}", row["leaning"], row["p_value"], row["p_value"], 99, statistics)


def test_no_headline_contradicts_a_finding_on_any_real_network():
    rows = pd.read_csv(LAYERS)
    rows = rows[rows["layer"].notna()]
    names = rows["network"].fillna("") if "network" in rows else ""
    count = 0
    for _, those in rows.assign(name=names).groupby(["data", "activation", "depth", "seed", "name"], dropna=False):
        layers = [verdict(row) for _, row in those.iterrows()]
        headline = network_sentence(layers)
        for one in layers:
            own = [part for part in headline.split(";") if one.layer in part.replace(",", " ").split(" ")]
            assert len(own) == 1, headline
            said = {leaning for leaning, claim in CLAIMS.items() if claim in own[0]}
            assert said == {one.leaning}, headline
            bullet = layer_sentence(one)
            meant = MEANT | ({"neither": UNLIKE_COPIES} if differs_from_copies(one) else {})
            assert {leaning for leaning, said in meant.items() if f"{one.layer}: {said}" in bullet} == {one.leaning}
        count += 1
    assert count >= 60


def test_what_is_called_lies_beyond_its_copies_on_that_side():
    rows = pd.read_csv(LAYERS)
    named = rows[rows["leaning"].isin(["distances", "intensities"])]
    assert len(named) > 0
    assert ((tables.beyond_copies(named) > 0) == (named["leaning"] == "distances")).all()
