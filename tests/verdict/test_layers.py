"""What is said of layers: the four answers, and no headline that a finding contradicts, in all combinations."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from tiny_runs import mlp
from verdict.profiles import COPIES, profile
from verdict.test_verdict import boundaries, evidence, sweeps

from interp.tasks.simple import Simple
from interp.types import Inference
from interp.verdict.answers.reads import CLAIMED
from interp.verdict.judge import judge, reading_verdict
from interp.verdict.layers import MEANT, PLAIN, differs_from_copies, layer_sentence, layer_verdicts
from interp.verdict.reading.read import not_read
from interp.verdict.reading.rule import Rule
from interp.verdict.reading.significance import holm, rank_p_value

COHERENT, RANDOM = boundaries(True), boundaries(False)
LEANINGS = ("distances", "intensities", "neither", "undecided")


@pytest.mark.parametrize("leaning", LEANINGS)
def test_a_layer_is_called_what_it_is(leaning):
    (one,) = layer_verdicts({"h": profile(leaning)})
    assert one.leaning == leaning
    assert bool(one.why) is (leaning == "undecided")


def test_p_values_are_the_worst_of_both_kinds_and_corrected_over_the_layers_that_were_read():
    balances = {"a": 0.2, "b": 0.12, "c": -0.14}
    found = {name: profile(balance=value) for name, value in balances.items()} | {"d": not_read("too much")}
    said = {one.layer: one for one in layer_verdicts(found)}
    worst = [max(rank_p_value(value, part) for part in COPIES.values()) for value in balances.values()]
    np.testing.assert_allclose([said[name].p_value for name in balances], worst)
    np.testing.assert_allclose([said[name].p_holm for name in balances], holm(np.array(worst)))
    assert said["a"].leaning == "distances"
    assert said["b"].leaning != "distances", "0.12 lies inside the shuffled copies"
    assert said["d"].leaning == "undecided"
    assert said["d"].why == "it was not tested: too much"
    assert np.isnan(said["d"].p_value)


def test_copies_are_counted_and_their_central_part_given():
    values = np.r_[np.full(60, np.nan), np.linspace(-1, 1, 41)]
    (one,) = layer_verdicts({"h": profile(copied_balance={"shuffled": values, "fresh": COPIES["fresh"]})})
    assert one.copies == 41
    assert one.statistics["balance"].copies["shuffled"] == pytest.approx((-0.95, 0.95), abs=0.03)
    assert one.leaning == "undecided"
    assert "too few untrained copies" in one.why
    assert one.statistics["levels_needed"].copies["fresh"] == (np.inf, np.inf)


def test_a_difference_from_copies_is_not_told_as_none():
    """A layer that differs by more than chance has no preference where it leans to one end, and its copies more so."""
    (one,) = layer_verdicts({"h": profile(balance=-0.17, copied_balance={k: v - 0.5 for k, v in COPIES.items()})})
    assert (one.leaning, differs_from_copies(one)) == ("neither", True)
    said = layer_sentence(one)
    assert "no end of the outputs decides more than in copies" not in said
    assert said.startswith(
        "h: neither (it differs from its copies, but not towards an end that decides more in itself)"
    )
    assert "no end of the outputs decides more" in layer_sentence(replace(one, p_holm=0.5))


def test_two_classes_have_no_answer():
    (one,) = layer_verdicts({"h": profile(logits=2)})
    assert one.leaning == "undecided"
    assert "two classes" in one.why


# --------------------------------------------------------------------------- headline against findings


def said_of(leanings, trained=True, **ranges):
    """Judge a network whose layers are read so, with everything else that findings are made of."""
    found = mlp()
    names = [f"fc{i}" for i in range(1, len(leanings) + 1)]
    layers = (*(replace(found.model.layers[0], name=name) for name in names), found.model.layers[-1])
    facts = {**found.model.inferred, "trained": Inference(trained, "likely", "100.00% right, by chance 34.44%")}
    kinds = {name: COHERENT if name == "fc1" else RANDOM for name in names}
    reading = {name: profile(leaning) for name, leaning in zip(names, leanings, strict=True)}
    effects = sweeps(**ranges) if ranges else found.effects
    network = replace(found.model, layers=layers, inferred=facts)
    given = evidence(model=network, boundaries=kinds, effects=effects, reading=reading)
    vars(given)["simple"] = Simple("it guesses", 0.3)  # a headline says what layers are read at of a better network
    return judge(given)


def claims(text, layer):
    """Find which leanings a text claims of a layer, in the words that mean them."""
    found = set()
    for part in text.replace(". ", "; ").split("; "):
        words = part.replace(",", " ").replace(":", " ").replace(".", " ").split()
        if layer in words:
            # the headline's words and the finding's, without what stands for the layers' names
            found |= {k for k in LEANINGS if PLAIN[k].partition("{names}")[2].strip()[:24] in part or MEANT[k] in part}
            found |= {k for k, words in CLAIMED.items() if words[:24] in part}
    return found


SWEEPS = ({}, {"scale": (0.25, 10), "offset": (-0.1, 0.1)}, {"scale": (1, 1)})


@pytest.mark.parametrize(("count", "trained"), [(1, True), (2, True), (3, True), (2, False), (2, None)])
def test_no_headline_is_contradicted_by_a_finding(count, trained):
    sweeps = SWEEPS if count < 3 else SWEEPS[:1]  # a third layer lengthens lists; what sweeps say, two have shown
    for leanings, ranges in product(product(LEANINGS, repeat=count), sweeps):
        said = said_of(leanings, trained, **ranges)
        for i, leaning in enumerate(leanings, 1):
            for text in (*said.findings, *(answer.answer for answer in said.answers)):
                assert claims(text, f"fc{i}") <= {leaning}, (leanings, text)
            found = {leaning} if trained and leaning in ("distances", "intensities") else set()
            assert claims(said.headline, f"fc{i}") == found, (leanings, said.headline)
            own = [answer for answer in said.answers if f"fc{i}" in answer.layers]
            expected = [{leaning, "undecided"}] if trained is not False else []
            assert [claims(answer.answer, f"fc{i}") | {"undecided"} for answer in own] == expected
        assert not any(word in " ".join((said.headline, *said.findings)) for word in ("leans on", "as if"))


def test_the_claims_that_this_test_looks_for_are_there():
    assert claims("In fc1, large outputs decide more than small ones.", "fc1") == {"intensities"}
    for leaning, words in CLAIMED.items():
        assert claims(f"fc1: {words}", "fc1") == {leaning}
    assert claims(said_of(["neither"]).findings[0], "fc1") == {"neither"}


def test_a_reading_alone_has_the_same_sentences():
    reading = {"fc1": profile("distances"), "fc2": profile("undecided")}
    alone, whole = reading_verdict(reading), said_of(["distances", "undecided"])
    read = whole.headline.partition("; ")[2].removesuffix(".").lower()
    assert read, "after the score"
    assert alone.headline.lower().startswith(f"{read}; "), "what was found, then what was not"
    assert set(alone.findings) <= set(whole.findings)
    assert alone.layers == whole.layers or [one.leaning for one in alone.layers] == ["distances", "undecided"]


def test_many_layers_are_counted():
    said = said_of([LEANINGS[i % 4] for i in range(14)])
    assert said.findings[0] == (
        "What is read of 14 layers, how many of each: distances 4, intensities 4, neither 3, undecided 3."
    )
    assert not any(text.startswith("fc1:") and "S =" in text for text in said.findings)


def test_rules_may_be_one_s_own():
    rule = Rule(least=0.7)
    (one,) = layer_verdicts({"h": profile("distances")}, rule)
    assert one.leaning == "neither"
    assert one.p_value < 0.01
