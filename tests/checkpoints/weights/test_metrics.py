"""Metrics saved beside weights are left out, and said to be; what only looks like them is not."""

import json

import pytest
import torch
from torch import nn

from checkpoints.planted import DIGITS, planted, same_outputs
from interp.checkpoints import LoadOptions, load_model
from interp.checkpoints.weights.metrics import metric_states, without_metrics
from interp.cli.main import main
from interp.errors import CheckpointError

SAID = LoadOptions(activation="relu", scaling="x/16", output="linear")
COUNTS = {name: torch.arange(10) for name in ("tp", "fp", "tn", "fn")}
METRICS = {
    "train_acc": COUNTS,
    "val_acc": {name: torch.zeros(1, dtype=torch.int64) for name in COUNTS},
    "val_cm": {"confmat": torch.eye(10, dtype=torch.int64)},
    "test_cm": {"confmat": torch.eye(10, dtype=torch.int64)},
    "auroc": {"confmat": torch.zeros(5, 10, 2, 2, dtype=torch.int64)},
    "best": {"max_value": torch.tensor(-torch.inf)},
    "loss_mean": {"mean_value": torch.tensor(0.5), "weight": torch.tensor(3.0)},
    "running": {f"{name}_{place}": torch.tensor(0.5) for name in ("mean_value", "weight") for place in range(5)},
    "val_mse": {"sum_squared_error": torch.tensor([1.0]), "total": torch.tensor(3)},
}
STATE = {f"{metric}.{name}": tensor for metric, own in METRICS.items() for name, tensor in own.items()}


class Trained(nn.Module):
    """What Lightning saves: a network under a name, and metrics beside it."""

    def __init__(self, metrics=True):
        super().__init__()
        self.net = planted()
        for name, own in METRICS.items() if metrics else ():
            metric = nn.Module()
            for state, value in own.items():
                metric.register_buffer(state, torch.zeros_like(value))
            self.add_module(name, metric)

    def forward(self, x):
        return self.net(x)


def saved(path, prefix="net.", metrics=STATE):
    state = {f"{prefix}{name}": tensor for name, tensor in planted().state_dict().items()} | metrics
    torch.save({"epoch": 3, "state_dict": state, "optimizer_states": [], "hyper_parameters": {"lr": 0.1}}, path)
    return path


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_is_known(metric):
    state = {f"{metric}.{name}": tensor for name, tensor in METRICS[metric].items()}
    assert metric_states({**planted().state_dict(), **state}) == {metric: tuple(state)}
    assert list(without_metrics({**planted().state_dict(), **state})) == list(planted().state_dict())


@pytest.mark.parametrize(
    "state",
    [
        {"a.tp": 10, "a.fp": 10},
        {"a.tp": 10, "a.fp": 10, "a.tn": 10, "a.fn": 10, "a.weight": 10},
        {"tp": 10, "fp": 10, "tn": 10, "fn": 10},
        {"a.weight": 10},
        {"a.weight": 10, "a.value": 10},
        {"a.mean_value": 10, "a.weight": (10, 64)},
        {"a.max_value": 10},
        {"a.confmat": (10, 64)},
        {"a.value": ()},
        {"a.confmat": 10},
        {"a.total": ()},
        {"a.weight": (10, 64), "a.bias": 10},
    ],
    ids=str,
)
def test_what_only_looks_like_one_is_none(state):
    assert metric_states({name: torch.zeros(shape) for name, shape in state.items()}) == {}


def test_the_network_opens_and_metrics_are_skipped(tmp_path):
    model, _ = load_model(saved(tmp_path / "net.ckpt"), DIGITS, SAID)
    same_outputs(model.module, planted())
    assert {name for name, why in model.skipped.items() if "the state of a metric" in why} == set(METRICS)
    assert [layer.name for layer in model.layers] == ["fc1", "fc2", "fc3"]
    assert "prefix 'net.' taken off every name" in model.inferred["architecture"].evidence
    without, _ = load_model(saved(tmp_path / "plain.ckpt", metrics={}), DIGITS, SAID)
    assert model.scores == without.scores
    assert without.skipped == {}


@pytest.mark.parametrize("model", ["Trained", "plain", "bare"])
def test_a_class_with_metrics_and_one_without(model, tmp_path):
    path = saved(tmp_path / "net.ckpt")
    found, _ = load_model(path, DIGITS, LoadOptions(model=f"{__name__}:{model}", scaling="x/16"))
    same_outputs(found.module, planted())
    assert set(METRICS) <= set(found.skipped)


def plain():
    return Trained(metrics=False)


def bare():
    return planted()


def test_other_tensors_stay_refused_by_name(tmp_path):
    few = {name: tensor for name, tensor in STATE.items() if name != "train_acc.fn"}
    with pytest.raises(CheckpointError, match=r"train_acc.tp of shape \(10,\)"):
        load_model(saved(tmp_path / "net.ckpt", metrics=few), DIGITS)


def test_inspect_says_so(tmp_path, capsys):
    path = saved(tmp_path / "net.ckpt")
    main(["inspect", str(path), "--data", "digits", "--activation", "relu", "--scaling", "x/16", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["skipped"]["train_acc"] == "the state of a metric, counted beside the network; it computes nothing"


def test_a_known_architecture_beside_metrics(tmp_path):
    models = pytest.importorskip("torchvision.models")
    net = models.squeezenet1_1()
    torch.save({"state_dict": {f"model.{k}": v for k, v in net.state_dict().items()} | STATE}, tmp_path / "net.ckpt")
    found, _ = load_model(tmp_path / "net.ckpt")
    assert found.inferred["architecture"].value == "torchvision:squeezenet1_1"
    assert "val_cm" in found.skipped


def test_what_torchmetrics_saves():
    """Of its own classes, where it is installed."""
    metrics = pytest.importorskip("torchmetrics")
    for made in (
        metrics.Accuracy(task="multiclass", num_classes=10, average="macro"),
        metrics.F1Score(task="binary"),
        metrics.ConfusionMatrix(task="multiclass", num_classes=10),
        metrics.AUROC(task="multiclass", num_classes=10, thresholds=5),
        metrics.MeanMetric(),
        metrics.MaxMetric(),
        metrics.MinMetric(),
        metrics.SumMetric(),
        metrics.MeanSquaredError(),
        metrics.MeanAbsoluteError(),
        metrics.R2Score(),
        metrics.PearsonCorrCoef(),
        metrics.ExplainedVariance(),
        metrics.KLDivergence(),
    ):
        made.persistent(True)
        assert metric_states({f"m.{name}": tensor for name, tensor in made.state_dict().items()}).keys() == {"m"}, made
