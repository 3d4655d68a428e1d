"""Data whose classes are in another order than in training: found, stated, and put right only where it is certain."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from checkpoints.planted import DIGITS, planted
from interp.checkpoints import LoadOptions, load_model, load_module, relabelling
from interp.checkpoints.inference import label_order
from interp.checkpoints.inspection import inspection
from interp.errors import UsageError

ROLLED = np.roll(np.arange(10), 3)
SWAPPED = np.array([0, 1, 2, 3, 4, 5, 7, 6, 8, 9])
CIRCLE = np.array([1, 2, 0, 3, 4, 5, 6, 7, 8, 9])
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def in_order(order):
    """Give digits whose label i is what the network gives as output order[i]."""
    label_of = np.argsort(order)
    splits = {name: replace(split, labels=label_of[split.labels]) for name, split in DIGITS.splits.items()}
    return replace(DIGITS, splits=splits, classes=tuple(np.array(NAMES)[order]))


def written(order):
    return ",".join(map(str, order))


@pytest.fixture
def bare(tmp_path):
    torch.save(planted().state_dict(), tmp_path / "net.pt")
    return tmp_path / "net.pt"


def test_all_classes_in_another_order_are_put_right(bare):
    """Of a bare state dict the scaling and the activation too are inferred, in vain with wrong labels."""
    for model, data in (load_model(bare, in_order(ROLLED)), load_module(planted(), in_order(ROLLED))):
        fact = model.inferred["label_order"]
        assert (fact.value, fact.confidence) == (written(ROLLED), "likely")
        assert model.scaling.name == "x/16"
        assert model.inferred["fit"].value == "as expected"
        assert np.array_equal(data.train.labels, DIGITS.train.labels)
        assert np.array_equal(data.splits["test"].labels, DIGITS.splits["test"].labels)
        assert data.classes == NAMES, "each output has the name of the class that it stands for"
        assert inspection(model)["inferred"]["label_order"]["value"] == written(ROLLED)
        assert model.scores["test"] > 0.85


@pytest.mark.parametrize(("order", "why"), [(SWAPPED, "it moves 2 of 10 classes"), (CIRCLE, "are right as given")])
def test_what_may_be_the_networks_mistake_is_stated_only(order, why):
    model, data = load_module(planted(), in_order(order))
    fact = model.inferred["label_order"]
    assert (fact.value, fact.confidence) == ("given", "uncertain")
    assert why in fact.evidence
    assert fact.evidence.endswith(f"--label-order {written(order)} does so")
    assert np.array_equal(data.train.labels, in_order(order).train.labels)
    assert model.scores["train"] < 0.85


def test_what_is_in_order_or_only_bad_is_left_alone(bare):
    assert "label_order" not in load_model(bare, DIGITS)[0].inferred
    noise = np.random.default_rng(0).permutation(DIGITS.train.labels)
    wrong = replace(DIGITS, splits={"train": replace(DIGITS.train, labels=noise)})
    assert "label_order" not in load_module(planted(), wrong)[0].inferred
    assert "label_order" not in load_module(planted(steps=0), DIGITS)[0].inferred


def test_an_order_that_is_no_better_for_the_network_found_under_it_is_not_stated(monkeypatch):
    """What is read anew, under the order, may do as well with the labels as given."""
    looked = []

    def reorder(*asked):
        looked.append(label_order.reorder(*asked))
        return looked[0] if len(looked) == 1 else replace(looked[-1], p_value=1.0)

    monkeypatch.setattr(relabelling, "reorder", reorder)
    model, _ = load_module(planted(), in_order(SWAPPED))
    assert [found.is_better for found in looked] == [True, True]
    assert "label_order" not in model.inferred


def test_the_user_has_the_last_word(bare):
    stated = LoadOptions(label_order=written(SWAPPED))
    model, data = load_model(bare, in_order(SWAPPED), stated)
    assert model.inferred["label_order"].confidence == "certain"
    assert (data.classes, model.scores["test"] > 0.85) == (NAMES, True)
    model, data = load_model(bare, in_order(ROLLED), LoadOptions(label_order="given"))
    assert (model.inferred["label_order"].value, model.scores["test"] < 0.2) == ("given", True)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("1,0", "found 2 parts; expected given, or 10 different numbers"),
        ("0,0,1,2,3,4,5,6,7,8", "found 10 parts"),
        ("a,1,2,3,4,5,6,7,8,9", "found 10 parts"),
        ("10,1,2,3,4,5,6,7,8,9", "found an output 10; expected outputs from 0 to 9"),
        ("", "found 1 parts"),
    ],
)
def test_orders_that_are_none(said, words, bare):
    with pytest.raises(UsageError, match=words):
        load_model(bare, DIGITS, LoadOptions(label_order=said))


def test_measured_values_have_no_order(bare):
    values = (DIGITS.train.inputs, np.random.default_rng(0).normal(size=(len(DIGITS.train), 10)))
    with pytest.raises(UsageError, match="expected labels of classes"):
        load_model(bare, values, LoadOptions(label_order="1,0"))
