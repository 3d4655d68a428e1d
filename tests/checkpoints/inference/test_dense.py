"""MLPs saved in every way open as what they are, and compute what the original computes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from checkpoints.planted import DIGITS, inputs, planted, same_outputs
from interp.checkpoints import LoadOptions, load_model
from interp.checkpoints.inference.weighing.explain import named
from interp.types import Split

WAYS = {
    "bare": lambda s: s,
    "state_dict": lambda s: {"state_dict": s, "epoch": 3},
    "model_state_dict": lambda s: {"model_state_dict": s, "optimizer_state_dict": {"x": torch.ones(500, 500)}},
    "model": lambda s: {"model": s},
    "net": lambda s: {"net": s, "acc": 97.5},
    "twice": lambda s: {"checkpoint": {"model": {"state_dict": s}}},
    "lightning": lambda s: {"state_dict": prefixed(s, "model."), "optimizer_states": [{"a": torch.ones(99, 99)}]},
    "module.": lambda s: prefixed(s, "module."),
    "_orig_mod.": lambda s: prefixed(s, "_orig_mod."),
    "both": lambda s: prefixed(s, "_orig_mod.module."),
    "shuffled": lambda s: dict(reversed(list(s.items()))),
    "biases first": lambda s: dict(sorted(s.items(), key=lambda item: (item[1].dim(), item[0]))),
    "w1": lambda s: {("w" if "weight" in name else "b") + name[2]: tensor for name, tensor in s.items()},
    "slashes": lambda s: {name.replace(".", "/"): tensor for name, tensor in s.items()},
    "double": lambda s: {name: tensor.double() for name, tensor in s.items()},
    "numbers": lambda s: {f"{2 * int(name[2])}{name[3:]}": tensor for name, tensor in s.items()},
}


def prefixed(state, prefix):
    return {prefix + name: tensor for name, tensor in state.items()}


def saved(tmp_path, content, **how):
    path = tmp_path / "model.pt"
    torch.save(content, path, **how)
    return path


def same(module, path, scaling="x/16", tolerance=1e-5):
    model, _ = load_model(path, DIGITS)
    assert model.scaling.name == scaling
    with torch.no_grad():
        torch.testing.assert_close(model.module(inputs(scaling)), module(inputs(scaling)), atol=tolerance, rtol=1e-5)
    return model


@pytest.mark.parametrize("way", WAYS)
def test_ways_of_saving(way, tmp_path):
    module = planted()
    model = same(module, saved(tmp_path, WAYS[way](module.state_dict())))
    assert model.inferred["architecture"].value == "64-32-16-10"


def test_legacy_and_safetensors(tmp_path):
    state = planted().state_dict()
    legacy = saved(tmp_path, state, _use_new_zipfile_serialization=False)
    assert same(planted(), legacy).format == "torch-legacy"
    save_file(state, tmp_path / "named.pt")  # the name says otherwise; content decides
    assert same(planted(), tmp_path / "named.pt").format == "safetensors"


def test_sorted_keys_do_not_say_the_order(tmp_path):
    """Safetensors sorts its keys, ``net.10`` before ``net.2``; between equal widths every order would chain."""
    torch.manual_seed(0)
    module = torch.nn.Sequential(*[torch.nn.Linear(64, 10 if number == 11 else 64) for number in range(12)])
    save_file({f"net.{name}": tensor for name, tensor in module.state_dict().items()}, tmp_path / "net")
    model, _ = load_model(tmp_path / "net", DIGITS, LoadOptions(scaling="x/16", activation="identity", output="linear"))
    assert [layer.name for layer in model.layers] == [str(number) for number in range(12)]
    same_outputs(model.module, module)
    assert "shapes chain in name order" in model.inferred["architecture"].evidence


def test_half_precision(tmp_path):
    state = {name: tensor.half() for name, tensor in planted().state_dict().items()}
    same(planted(), saved(tmp_path, state), tolerance=0.05)


def test_without_biases(tmp_path):
    """Scaling the inputs of such a network scales its outputs, so no prediction tells the scaling; the loss may."""
    module = planted(bias=False)
    path = saved(tmp_path, module.state_dict())
    model, _ = load_model(path, DIGITS, LoadOptions(scaling="x/16"))
    same_outputs(model.module, module)
    assert model.inferred["input_scaling"].confidence == "certain"
    said = load_model(path, DIGITS)[0].inferred["input_scaling"]
    assert said.confidence == "uncertain" or said.value == "x/16"


@pytest.mark.parametrize("place", ["before", "after"])
def test_batch_norm_on_either_side(place, tmp_path):
    module = planted(norm=place)
    model = same(module, saved(tmp_path, module.state_dict()))
    kinds = [type(step).__name__ for step in model.module.steps()]
    assert kinds[1:3] == (["BatchNorm1d", "Activation"] if place == "before" else ["Activation", "BatchNorm1d"])


CANDIDATES = [
    ("relu", "x/16", "linear"),
    ("relu", "raw", "linear"),
    ("relu", "(x/16-0.3054)/0.3761", "linear"),
    ("abs", "x/16", "linear"),
    ("abs", "(x/16-0.5)/0.5", "negated-activation"),
    ("tanh", "x/16", "linear"),
    ("tanh", "(x/16-0.5)/0.5", "linear"),
    ("sigmoid", "x/16", "linear"),
    ("identity", "x/16", "linear"),
    ("elu", "x/16", "linear"),
]


@pytest.mark.parametrize(("activation", "scaling", "output"), CANDIDATES)
def test_planted_candidates_are_found(activation, scaling, output, tmp_path):
    module = planted(scaling=scaling, activation=activation, output=output)
    model, _ = load_model(saved(tmp_path, module.state_dict()), DIGITS)
    truth = {"activation": activation, "input_scaling": scaling, "output": output}
    assert {fact: model.inferred[fact].value for fact in truth} == truth
    assert {model.inferred[fact].confidence for fact in truth} <= {"likely", "uncertain"}
    if activation == "relu":  # of relatives that do as well, all are named
        assert activation in named(model.inferred["activation"])
    else:
        assert model.inferred["activation"].confidence == "likely"
    assert model.inferred["trained"].value is True
    # a final softmax is all that is in doubt of a linear output
    assert model.inferred["output"].harmless == (output == "linear")


def test_what_the_user_gives_is_certain(tmp_path):
    path = saved(tmp_path, planted().state_dict())
    model, _ = load_model(path, DIGITS, LoadOptions(scaling="x/16", activation="gelu", output="linear"))
    facts = {name: (fact.value, fact.confidence) for name, fact in model.inferred.items()}
    assert facts["activation"] == ("gelu", "certain")
    assert facts["input_scaling"] == ("x/16", "certain")
    assert facts["output"] == ("linear", "certain")


def test_without_data_nothing_is_claimed(tmp_path):
    model, _ = load_model(saved(tmp_path, planted().state_dict()))
    assert {model.inferred[fact].confidence for fact in ("activation", "input_scaling", "output")} == {"uncertain"}


def test_untrained_network_is_called_so(tmp_path):
    model, _ = load_model(saved(tmp_path, planted(steps=0).state_dict()), DIGITS)
    assert model.inferred["trained"].value is False
    assert {model.inferred[fact].confidence for fact in ("activation", "input_scaling", "output")} == {"uncertain"}
    assert not model.inferred["output"].harmless


NOT_THE_NETWORKS = {
    "in another order": ((DIGITS.train.labels * 7 + 3) % 10, "given"),  # which would be put right unasked
    "of other rows": (np.roll(DIGITS.train.labels, 1), None),  # which no order explains
}


@pytest.mark.parametrize("kind", NOT_THE_NETWORKS)
def test_labels_that_are_not_the_networks(kind, tmp_path):
    """Trained, but on other data: poor accuracy must not pass for a candidate."""
    labels, order = NOT_THE_NETWORKS[kind]
    moved = replace(DIGITS, splits={"train": Split(DIGITS.train.inputs, labels)})
    path = saved(tmp_path, planted().state_dict())
    model, _ = load_model(path, moved, LoadOptions(label_order=order))
    assert model.inferred["trained"].value is None
    assert model.inferred["activation"].confidence == "uncertain"


def test_user_module_and_pickle(tmp_path):
    path = saved(tmp_path, {"state_dict": prefixed(planted().state_dict(), "module.")})
    model, _ = load_model(path, DIGITS, LoadOptions(model="checkpoints.planted:Planted"))
    assert model.scaling.name == "x/16"
    assert model.inferred["activation"].confidence == "certain"
    same_outputs(model.module, planted())
    whole = saved(tmp_path, torch.nn.Sequential(torch.nn.Linear(64, 10)))
    unpickled, _ = load_model(whole, DIGITS, LoadOptions(allow_pickle=True))
    assert unpickled.inferred["architecture"].evidence == "unpickled, as --allow-pickle asks"


@pytest.mark.parametrize("name", ["abs", "relu", "offset-l2", "lenet"])
def test_pretrained_zoo_needs_nothing(name):
    path = Path(__file__).parents[3] / "zoo" / "pretrained" / f"{name}-digits.pt"
    model, data = load_model(path)
    assert data.name == "digits"
    assert model.scores["test"] > 0.9
    assert {model.inferred[fact].confidence for fact in ("architecture", "input_scaling", "trained")} == {"certain"}
