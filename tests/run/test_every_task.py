"""The whole path for every task on tiny networks: load, record, fit, prototypes, intervene, attribute, page."""

import json
from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from interp.analysis import ClusterOptions, GaussianOptions
from interp.checkpoints import LoadOptions, load_model
from interp.data import DataOptions
from interp.errors import DataError, UsageError
from interp.interventions import InterventionOptions
from interp.report.page import write_report
from interp.run.pipeline import run_all
from interp.run.run import start
from interp.run.settings.options import Options
from interp.verdict.attribution import AttributionOptions
from interp.verdict.reading.options import ReadingOptions

QUICK = Options(
    gaussians=GaussianOptions(components=2),
    clusters=ClusterOptions(repetitions=2),
    interventions=InterventionOptions(levels=4, curve_levels=3, control_shuffles=2, control_samples=100),
    attribution=AttributionOptions(samples=100, steps=10, repetitions=50),
    reading=ReadingOptions(samples=40, images=20, read_copies=2),
    directions=2,
)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 6)) * [1, 2, 5, 1, 10, 0.5] + [0, 3, -5, 0, 50, 1]
Z = (X - X.mean(0)) / X.std(0)
SCORE = np.stack([np.abs(Z[:, 0]) + Z[:, 1], Z[:, 2] - np.maximum(Z[:, 3], 0), Z[:, 4] * (Z[:, 5] > 0)], 1)
ANSWERS = {
    "regression": 20 + 3 * SCORE[:, :1],
    "several values": SCORE * [1, 100, 0.01],
    "binary": (SCORE[:, 0] > 1).astype(int),
    "multi-label": (SCORE > 0).astype(int),
    "autoencoder": None,
}
TASK = {"several values": "regression"}
WIDTHS = {"regression": 1, "several values": 3, "binary": 1, "multi-label": 3, "autoencoder": 6}
LOSSES = {"binary": F.binary_cross_entropy_with_logits, "multi-label": F.binary_cross_entropy_with_logits}


@cache
def network(case, hidden=12):
    """Train a small ReLU network on standardised inputs."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(6, hidden), nn.ReLU(), nn.Linear(hidden, WIDTHS[case]))
    x = torch.from_numpy(Z).float()
    values = Z if ANSWERS[case] is None else ANSWERS[case]
    y = torch.from_numpy(np.asarray(values, np.float32)).reshape(300, -1)
    middle, spread = (y.mean(0), y.std(0)) if case in ("regression", "several values") else (0.0, 1.0)
    loss, optimiser = LOSSES.get(case, F.mse_loss), torch.optim.Adam(module.parameters(), 0.02)
    for _ in range(250):
        optimiser.zero_grad()
        loss(module(x), (y - middle) / spread).backward()
        optimiser.step()
    with torch.no_grad():  # targets as stored, whatever their unit
        module[2].weight.mul_(torch.as_tensor(spread).reshape(-1, 1))
        module[2].bias.mul_(torch.as_tensor(spread)).add_(middle)
    return module.eval()


@pytest.fixture(scope="module", params=list(ANSWERS))
def saved(request, tmp_path_factory):
    """Give a case with its checkpoint and data as files."""
    folder = tmp_path_factory.mktemp("task")
    torch.save(network(request.param).state_dict(), folder / "net.pt")
    values = ANSWERS[request.param]
    arrays = {} if values is None else {"y_train": values[:240], "y_test": values[240:]}
    np.savez(folder / "data.npz", x_train=X[:240], x_test=X[240:], **arrays)
    return request.param, folder


def test_the_task_and_the_facts_are_found(saved):
    case, folder = saved
    model, _ = load_model(folder / "net.pt", str(folder / "data.npz"))
    assert model.task == TASK.get(case, case)
    assert model.inferred["task"].confidence == "likely"
    assert model.scaling.name == "(x-mean)/std"
    assert model.inferred["activation"].value == "relu"
    assert model.inferred["trained"].value is True
    assert model.scores["test"] > 0.7


@pytest.mark.usefixtures("few_draws", "blank_figures")
def test_the_whole_path(saved, tmp_path):
    case, folder = saved
    run = start(folder / "net.pt", tmp_path, str(folder / "data.npz"), options=QUICK)
    write_report(run_all(run), tmp_path, "python -m interp.report net.pt")
    found, page = json.loads((tmp_path / "report.json").read_text()), (tmp_path / "report.html").read_text()
    key = {"binary": "accuracy", "multi-label": "exact_match"}.get(case, "r2")
    assert found["model"]["task"] == TASK.get(case, case)
    assert found["model"]["score_name"] == key
    assert found["baseline"]["train"] == pytest.approx(found["model"]["score"]["train"], abs=1e-6)
    kept = [row for row in found["interventions"] if row["intervention"] == "scale" and row["level"] == 1]
    assert {row["split"] for row in kept} == {"train", "test"}
    assert all(row["score"] == found["baseline"][row["split"]] for row in kept)
    assert all("score" in effect for node in found["nodes"] for effect in node["ablation"])
    assert all(set(curve) == {"layer", "node", "intervention", "level", "score"} for curve in found["clamp_curves"])
    assert ("which output is largest" in page) == (key != "r2")
    if key == "r2":
        assert "accuracy" not in {name for row in found["interventions"] for name in row}
        assert "train R²" in page
        assert "train accuracy" not in page
    assert found["attribution"][0]["rank_correlation"] > 0


def test_targets_of_another_network_are_refused(saved, tmp_path):
    case, folder = saved
    wrong = RNG.normal(size=(300, 2))
    np.savez(tmp_path / "wrong.npz", x=X, y=wrong)
    if case == "autoencoder":  # as many outputs as inputs: the targets are beside the point
        assert load_model(folder / "net.pt", str(tmp_path / "wrong.npz"))[0].task == "autoencoder"
        return
    with pytest.raises(DataError, match="2 targets a row; expected"):
        load_model(folder / "net.pt", str(tmp_path / "wrong.npz"))


def test_a_task_that_is_given(tmp_path):
    torch.save(network("binary").state_dict(), tmp_path / "net.pt")
    np.savez(tmp_path / "data.npz", x=X, y=ANSWERS["binary"])
    model, data = load_model(tmp_path / "net.pt", str(tmp_path / "data.npz"), LoadOptions(task="regression"))
    assert model.inferred["task"].confidence == "certain"
    assert data.train.targets.dtype == np.float64
    for task, message in {
        "autoencoder": "1 outputs of 6 inputs",
        "regresion": "did you mean regression",
    }.items():
        with pytest.raises(UsageError, match=message):
            load_model(tmp_path / "net.pt", str(tmp_path / "data.npz"), LoadOptions(task=task))


def test_whole_numbers_and_one_output_are_a_regression(tmp_path):
    torch.save(network("regression").state_dict(), tmp_path / "net.pt")
    np.savez(tmp_path / "data.npz", x=X, y=ANSWERS["regression"].round())
    model, data = load_model(tmp_path / "net.pt", str(tmp_path / "data.npz"))
    assert model.task == "regression"
    assert data.classes == ()
    assert model.scores["train"] > 0.9


def test_a_table_with_its_target_named(tmp_path):
    rows = [",".join(f"f{i}" for i in range(6)) + ",price,note"]
    rows += [",".join(map(str, [*x, y[0], 1])) for x, y in zip(X, ANSWERS["regression"], strict=True)]
    (tmp_path / "table.csv").write_text("\n".join(rows).replace(",note", "").replace(",1\n", "\n").removesuffix(",1"))
    torch.save(network("regression").state_dict(), tmp_path / "net.pt")
    model, data = load_model(
        tmp_path / "net.pt", str(tmp_path / "table.csv"), LoadOptions(), DataOptions(target="price")
    )
    assert data.features == tuple(f"f{i}" for i in range(6))
    assert (model.task, model.scaling.name) == ("regression", "(x-mean)/std")
    assert model.scores["train"] > 0.9
