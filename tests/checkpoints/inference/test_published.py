"""Networks that others published: what is inferred of them, and that they predict what they should."""

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from interp.checkpoints import LoadOptions, load_model, read_contents
from interp.checkpoints.inspection import inspection
from interp.data import DataOptions, load_dataset
from interp.errors import CheckpointError
from interp.network.inputs import as_tensor
from interp.tasks import predict

GUESSED = ("activation", "input_scaling", "output")


@pytest.fixture(scope="module")
def mnist(shared):
    return load_dataset("mnist", DataOptions(str(shared / "data"), offline=True))


@pytest.fixture(scope="module")
def part(mnist):
    """Give all test images, and as many training images as tell candidates of convolutional networks apart."""
    return replace(mnist, splits={**mnist.splits, "train": mnist.train.take(np.arange(2500))})


def compare(model, data, reference: Path) -> None:
    """Compare all 10,000 predictions and the first 200 rows of logits."""
    expected = np.load(reference)
    inputs = data.splits["test"].inputs
    with torch.no_grad():
        blocks = [as_tensor(inputs[at : at + 1000], model.scaling, model.input_shape) for at in range(0, 10_000, 1000)]
        outputs = torch.cat([model.module(block) for block in blocks])
    differ = predict(outputs, model.output).numpy() != expected["pred"]
    best = outputs[torch.from_numpy(differ)].topk(2).values  # of a tie but for rounding, either is right
    assert (best[:, 0] - best[:, 1] < 1e-4).all()
    rows = len(expected["logits"])
    np.testing.assert_allclose(outputs[:rows].numpy(), expected["logits"], atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize(("condition", "number"), [("relu", 1), ("abs", 2), ("relu-sampled", 3), ("abs-sampled", 1)])
def test_experiment2(condition, number, shared, mnist):
    path = shared / "fixtures" / "published" / "experiment2" / condition / f"{number:03d}.pt"
    model, _ = load_model(path, mnist)
    found = inspection(model)
    assert found["widths"] == [784, 128, 10]
    assert found["activation"] == condition.removesuffix("-sampled")
    assert found["output"] == "negated-activation"
    assert found["input_scaling"] == "(x/255-0.1307)/0.3081"
    assert {model.inferred[fact].confidence for fact in GUESSED} == {"likely"}
    compare(model, mnist, path.with_name(f"{number:03d}.reference.npz"))


THIRD_PARTY = {
    "eper_tpu_mlp": [784, 128, 64, 10],
    "dfdx_rust_mlp": [784, 512, 128, 32, 10],
    "niek_lightning_mlp": [784, 32, 16, 10],
    "gavi_whole_module_mlp": [784, 128, 128, 64, 10],
}


def third_party(shared: Path, name: str) -> tuple[Path, dict]:
    folder = shared / "fixtures" / "third_party" / name
    facts = json.loads((folder / "facts.json").read_text())
    return folder / Path(facts["file"]).name, facts


@pytest.mark.parametrize("name", THIRD_PARTY)
def test_dense(name, shared, mnist):
    path, facts = third_party(shared, name)
    model, _ = load_model(path, mnist)
    found = inspection(model)
    assert found["widths"] == THIRD_PARTY[name]
    assert (found["activation"], found["input_scaling"]) == ("relu", facts["normalization"])
    assert found["score"]["test"] == pytest.approx(facts["measured_test_accuracy"], abs=5e-5)
    assert found["trained"] is True
    assert "certain" not in {model.inferred[fact].confidence for fact in GUESSED}
    compare(model, mnist, path.with_name("reference.npz"))


CONVOLUTIONAL = {
    "jordanhoare_avgpool_lenet": ("padding 2-0, stride 1-1, avg pooling 2-2", "activation, pooling"),
    "hexhowells_2022_logsoftmax": ("padding 0-0-0, stride 1-1-1, max pooling 2-2-1", "activation, pooling"),
    "candleai_bn_cnn_st": ("padding 1-1-1, stride 1-1-1, max pooling 2-2-2", "pooling, norm, activation"),
    "teunpe_float64_cnn": ("padding 0-0, stride 1-1, max pooling 2-2", "activation, pooling"),
    "xiaova_ckpt_bn_cnn": ("padding 1-1, stride 1-1, max pooling 2-2", "norm, activation, pooling"),
}


def assert_honest(model, truth):
    """What was inferred is true or said to be uncertain, and no guess is certain."""
    for fact, value in truth.items():
        assert model.inferred[fact].value == value or model.inferred[fact].confidence == "uncertain", fact
        assert model.inferred[fact].confidence != "certain"


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_convolutional(name, shared, part):
    """What the scaling is, `test_facts` asks, on all rows; here it is told, so that the score is the publisher's."""
    path, facts = third_party(shared, name)
    model, _ = load_model(path, part, LoadOptions(scaling=facts["normalization"], weighed_rows=1))
    truth = {"activation": "relu", "output": "linear"}
    assert_honest(model, truth | dict(zip(("placement", "order"), CONVOLUTIONAL[name], strict=True)))
    assert model.scores["test"] == pytest.approx(facts["measured_test_accuracy"], abs=5e-5)


@pytest.mark.parametrize(("activation", "accuracy"), [("abs", 0.9875), ("relu", 0.9849)])
def test_lenet(activation, accuracy, shared, part):
    """Trained on raw pixels; max-pooling after a rising activation or before it is the same."""
    model, _ = load_model(shared / "fixtures" / "published" / "lenet" / f"{activation}_1.pth", part)
    assert_honest(model, {"activation": activation, "input_scaling": "raw", "output": "linear"})
    assert_honest(model, {"placement": "padding 2-0, stride 1-1, max pooling 2-2", "order": "activation, pooling"})
    assert model.scores["test"] == pytest.approx(accuracy, abs=5e-5)


def test_onnx(shared, mnist, tmp_path):
    """The graph states everything but the scaling; cut anywhere, the file is refused."""
    path, facts = third_party(shared, "ufuk_fc_onnx")
    model, _ = load_model(path, mnist)
    found = inspection(model)
    assert (found["format"], found["widths"], found["activation"]) == ("onnx", [784, 100, 30, 10], "relu")
    assert found["input_scaling"] == facts["normalization"]
    compare(model, mnist, path.with_name("reference.npz"))
    whole = path.read_bytes()
    for size in (200, 5000, len(whole) // 2, len(whole) - 100):
        (tmp_path / "cut.onnx").write_bytes(whole[:size])
        with pytest.raises(CheckpointError, match="ONNX"):
            load_model(tmp_path / "cut.onnx", mnist)


def test_flipped_onnx_never_crashes(shared, tmp_path):
    path, _ = third_party(shared, "ufuk_fc_onnx")
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for at in [*rng.integers(0, 400, 60), *rng.integers(len(whole) - 1500, len(whole), 60)]:
        flipped = bytearray(whole)
        flipped[at] ^= 1 << rng.integers(8)
        (tmp_path / "flipped.onnx").write_bytes(flipped)
        with suppress(CheckpointError):  # or it opens: many bytes are names and documentation
            read_contents(tmp_path / "flipped.onnx")


def test_untrained(shared, mnist):
    path, _ = third_party(shared, "multiring_federated_mlp")
    model, _ = load_model(path, mnist)
    assert inspection(model)["trained"] is False
    assert {model.inferred[fact].confidence for fact in GUESSED} == {"uncertain"}
    compare(model, mnist, path.with_name("reference.npz"))


@pytest.mark.parametrize(
    ("name", "found"),
    [("cspa_lfs_pointer", "a Git LFS pointer"), ("nyulnyul_sklearn_joblib", "a Python pickle of .*sklearn.* objects")],
)
def test_traps_are_refused_with_the_reason(name, found, shared):
    with pytest.raises(CheckpointError, match=found):
        load_model(third_party(shared, name)[0])
