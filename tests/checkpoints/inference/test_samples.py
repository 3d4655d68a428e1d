"""Self-trained checkpoints that lie in the repository: what is inferred of them, against what they are.

No file may be misread; and so that "uncertain" to everything is no way to pass, the share that is found has floors.
"""

import json
from functools import cache
from pathlib import Path

import pytest
import torch

from checkpoints.samples.data import data_named
from interp.checkpoints import LoadOptions, load_model
from interp.network.activations import RELU_FAMILY

FOLDER = Path(__file__).parents[1] / "samples"
FACTS = json.loads((FOLDER / "facts.json").read_text())
STATED = ("torch-module", "onnx", "torchscript", "torch-export")
"""Formats that state activation and output; the others hold weights alone."""
WEIGHTS = [name for name, said in FACTS.items() if said["format"] not in STATED and said["trained"]]
MUST_ASK = ("relu-no-bias", "relu-untrained")
"""Networks whose scaling no data can tell: nothing but the size of the outputs hangs on it, or nothing was learned."""


@cache
def opened(name, *given):
    said = FACTS[name]
    task = said["task"] if said["task"] == "autoencoder" else None  # its data have no labels, which say the others
    options = LoadOptions(task=task, **dict(given))
    return load_model(FOLDER / said["file"], data_named(said["data"]), options)[0]


def is_firm(name, fact):
    return opened(name).inferred[fact].confidence != "uncertain"


def is_right(name, fact):
    """Whether what is said is so; "relu" with the truth named among its close relatives is."""
    found, true = opened(name).inferred[fact], FACTS[name]["truth"][fact]
    among = found.evidence.partition("not excluded among close relatives: ")[2].replace(",", "").split()
    return found.value == true or (fact == "activation" and {found.value, true} <= {*RELU_FAMILY} and true in among)


@pytest.mark.parametrize("name", FACTS)
def test_what_is_stated_is_so(name):
    model, said = opened(name), FACTS[name]
    assert {fact for fact in said["truth"] if is_firm(name, fact) and not is_right(name, fact)} == set()
    assert (model.format.removesuffix("-zip"), model.task) == (said["format"], said["task"])
    assert model.inferred["trained"].value is said["trained"]
    assert model.inferred["fit"].value == ("as expected" if said["trained"] else "at chance")


@pytest.mark.parametrize("name", [name for name, said in FACTS.items() if said["format"] in STATED])
def test_what_a_file_states_is_certain(name):
    said = opened(name).inferred
    assert {fact: said[fact].value for fact in ("activation", "output")}.items() <= FACTS[name]["truth"].items()
    assert {said[fact].confidence for fact in ("activation", "output", "architecture")} == {"certain"}


@pytest.mark.parametrize("name", MUST_ASK)
def test_what_no_data_can_tell_is_uncertain(name):
    assert not any(is_firm(name, fact) for fact in FACTS[name]["truth"])


FLOORS = {"activation": 0.55, "input_scaling": 0.7, "output": 0.1, "placement": 0.3}
"""Share of the files of weights alone whose truth is found and called likely."""


@pytest.mark.parametrize("fact", FLOORS)
def test_the_truth_is_found_and_not_only_never_denied(fact):
    asked = [name for name in WEIGHTS if fact in FACTS[name]["truth"]]
    found = [
        name
        for name in asked
        if is_firm(name, fact) and opened(name).inferred[fact].value == FACTS[name]["truth"][fact]
    ]
    assert len(found) >= FLOORS[fact] * len(asked), sorted({*asked} - {*found})


@pytest.mark.parametrize("name", FACTS)
def test_outputs_and_scores_are_those_of_the_network_that_was_saved(name):
    """Told what the file leaves open; the outputs were kept to six decimals, and sums differ by the machine."""
    said = FACTS[name]
    keys = (
        {"input_scaling": "scaling"}
        if said["format"] in STATED
        else {"input_scaling": "scaling", "activation": "activation", "output": "output"}
    )
    model = opened(name, *((option, said["truth"][fact]) for fact, option in keys.items()))
    inputs = data_named(said["data"]).splits["test"].inputs
    expected = torch.tensor(said["outputs"])
    x = torch.from_numpy(model.scaling(inputs[: len(expected)])).float().reshape(-1, *model.input_shape)
    with torch.no_grad():
        torch.testing.assert_close(model.module(x), expected, rtol=0, atol=1e-5 * float(expected.abs().max()))
    one = 1e-4 if said["task"] in ("regression", "autoencoder") else 1.5 / len(inputs)  # a sample near a tie may turn
    assert model.scores == pytest.approx(said["score"], abs=one)
