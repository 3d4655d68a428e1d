"""Every published checkpoint at hand: what is inferred of it is what its source says, or is marked uncertain."""

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

from interp.checkpoints import load_model
from interp.checkpoints.inference.weighing.explain import named
from interp.data import DataOptions, load_dataset
from interp.errors import CheckpointError
from interp.types import Dataset, LoadedModel, Split

REFUSED = {"cspa_lfs_pointer", "nyulnyul_sklearn_joblib"}
OUTPUTS = {
    "fer_iris_torchscript": "sigmoid",
    "kenny_wine_binary": "sigmoid",
    "hexhowells_2022_logsoftmax": "log-softmax",
}
UNTRAINED = {"multiring_federated_mlp"}
TASKS = {"kenny_wine_binary": "binary"}
NAMES = (
    "candleai_bn_cnn_st", "cspa_lfs_pointer", "dfdx_rust_mlp", "eper_tpu_mlp", "fer_iris_torchscript",
    "gavi_whole_module_mlp", "hexhowells_2022_logsoftmax", "jordanhoare_avgpool_lenet", "kenny_wine_binary",
    "krish_iris", "multiring_federated_mlp", "niek_lightning_mlp", "nyulnyul_sklearn_joblib", "teunpe_float64_cnn",
    "ufuk_fc_onnx", "xiaova_ckpt_bn_cnn",
)  # fmt: skip


@pytest.fixture(scope="module")
def mnist(shared) -> Dataset:
    """Give a part of MNIST's training images: enough to tell candidates apart, and quick."""
    whole = load_dataset("mnist", DataOptions(str(shared / "data"), offline=True))
    return replace(whole, splits={"train": whole.train.take(np.arange(2500))})


def data_of(facts: dict, folder: Path, mnist: Dataset) -> Dataset:
    if facts["dataset"] == "MNIST":
        return mnist
    if facts["dataset"] == "iris":
        found = load_iris()
        split = Split(found.data, found.target)
        return Dataset("iris", {"train": split}, None, tuple(found.target_names), tuple(found.feature_names), "iris")
    return load_dataset(str(folder / "test_data.npz"))


def truth_of(name: str, facts: dict) -> dict[str, object]:
    scaling = "raw" if facts["normalization"].startswith("none") else facts["normalization"]
    return {
        "activation": facts["activation"].replace(",", " ").split()[0],
        "input_scaling": scaling,
        "output": OUTPUTS.get(name, "linear"),
        "task": TASKS.get(name, "classification"),
        "trained": name not in UNTRAINED,
    }


def wrong(model: LoadedModel, truth: dict[str, object]) -> dict[str, tuple]:
    """List what is stated as more than uncertain and is not so."""
    firm = {fact: said.value for fact, said in model.inferred.items() if said.confidence != "uncertain"}
    return {fact: (firm[fact], true) for fact, true in truth.items() if fact in firm and not same(firm[fact], true)}


def same(value: object, true: object) -> bool:
    """Compare facts; a part of the images has their mean and standard deviation to two digits."""
    if not (isinstance(value, str) and isinstance(true, str)):
        return value == true
    numbers = [[float(x) for x in re.findall(r"[0-9.]+", text)] for text in (value, true)]
    plain = [re.sub(r"[0-9.]+", "#", text) for text in (value, true)]
    return plain[0] == plain[1] and numbers[0] == pytest.approx(numbers[1], abs=5e-3)


@pytest.fixture(scope="module")
def opened(shared, mnist):
    """Give a function of a name -> the network, each opened once, and its facts."""

    @cache
    def found(name: str) -> tuple[LoadedModel, dict]:
        folder = shared / "fixtures" / "third_party" / name
        facts = json.loads((folder / "facts.json").read_text())
        return load_model(folder / Path(facts["file"]).name, data_of(facts, folder, mnist))[0], facts

    return found


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_no_checkpoint_is_refused(name, shared):
    folder = shared / "fixtures" / "third_party" / name
    with pytest.raises(CheckpointError):
        load_model(folder / Path(json.loads((folder / "facts.json").read_text())["file"]).name)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in REFUSED])
def test_no_wrong_answer_is_stated_as_likely(name, opened):
    model, facts = opened(name)
    assert wrong(model, truth_of(name, facts)) == {}
    expected = {"kenny_wine_binary": "poor for its size", "multiring_federated_mlp": "at chance"}
    assert model.inferred["fit"].value in (expected.get(name, "as expected"), "doubtful")


def test_as_much_is_found_as_must_be(opened):
    """The counts are 2 and 5 of 13 trained networks: "uncertain" to everything would never be wrong.

    Relatives of ReLU that do as well on the data are named instead, the truth among them.
    """
    firm = [fact for name in NAMES if name not in REFUSED | UNTRAINED for fact, said in opened(name)[0].inferred.items()
            if said.confidence != "uncertain"]  # fmt: skip
    assert firm.count("activation") >= 2
    for name in set(NAMES) - REFUSED - UNTRAINED:
        model, facts = opened(name)
        assert model.inferred["activation"].value == "relu"
        assert truth_of(name, facts)["activation"] in named(model.inferred["activation"])
    assert firm.count("input_scaling") >= 4
    assert firm.count("trained") == 13


def test_wine_is_read_as_it_was_trained(shared):
    """Softplus on standardised columns is right on one row more: too few to prefer it."""
    folder = shared / "fixtures" / "third_party" / "kenny_wine_binary"
    model, _ = load_model(folder / "wine_model.pth", str(folder / "test_data.npz"))
    assert (model.inferred["activation"].value, model.scaling.name) == ("relu", "raw")
    assert model.scores["train"] == pytest.approx(0.9438, abs=1e-4)


@pytest.mark.parametrize("condition", ["relu", "abs", "relu-sampled", "abs-sampled"])
def test_published_experiment(condition, shared, mnist):
    model, _ = load_model(shared / "fixtures" / "published" / "experiment2" / condition / "001.pt", mnist)
    truth = {
        "activation": condition.removesuffix("-sampled"),
        "input_scaling": "(x/255-0.1307)/0.3081",
        "output": "negated-activation",
    }
    assert wrong(model, truth) == {}
    assert same(model.scaling.name, truth["input_scaling"])
