"""Train the sample checkpoints and write them with `facts.json`.

``PYTHONPATH=.:tests python -m checkpoints.samples.make``, from the root of the repository.

The files lie in the repository, so that tests of what is inferred need neither other data nor a training, whose last
digits hang on the machine. Run this again only to add a network; what is written then replaces all.
"""

import json
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from checkpoints.samples.data import data_named
from interp.data import parse_scaling
from interp.types import Dataset

FOLDER = Path(__file__).parent
ROWS = 8
"""Test samples whose outputs are kept."""


class Of(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


ACTIVATIONS = {
    "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "gelu": nn.GELU, "silu": nn.SiLU, "elu": nn.ELU, "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid, "identity": nn.Identity, "abs": lambda: Of(torch.abs),
}  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """One sample: what its file does not say is the truth that tests compare with."""

    network: Callable[[str], nn.Module]
    activation: str = "relu"
    scaling: str = "x/16"
    data: str = "digits"
    output: str = "linear"
    task: str = "classification"
    format: str = "torch"
    steps: int = 200
    rate: float = 0.01
    truth: dict[str, object] = field(default_factory=dict)


def mlp(*widths: int, norm: bool = False, bias: bool = True) -> Callable[[str], nn.Module]:
    """Make dense layers of these widths, inputs first."""

    def network(activation: str) -> nn.Module:
        steps: list[nn.Module] = []
        for before, after in pairwise(widths):
            steps += [nn.Linear(before, after, bias=bias), *([nn.BatchNorm1d(after)] if norm else [])]
            steps.append(ACTIVATIONS[activation]())
        last = 1 + norm
        return nn.Sequential(*steps[:-last])

    return network


def negated(*widths: int) -> Callable[[str], nn.Module]:
    """Make dense layers whose smallest last output is the answer."""
    return lambda activation: nn.Sequential(mlp(*widths)(activation), ACTIVATIONS[activation](), Of(torch.neg))


def bounded(*widths: int) -> Callable[[str], nn.Module]:
    """Make dense layers with the activation after the last one too."""
    return lambda activation: nn.Sequential(mlp(*widths)(activation), ACTIVATIONS[activation]())


def cnn(pool: Callable[[int], nn.Module], norm: bool = False) -> Callable[[str], nn.Module]:
    """Make two convolutions, the first of which is halved, and a dense layer."""

    def network(activation: str) -> nn.Module:
        active = ACTIVATIONS[activation]
        first = [nn.Conv2d(1, 8, 3, padding=1), *([nn.BatchNorm2d(8)] if norm else []), active(), pool(2)]
        return nn.Sequential(*first, nn.Conv2d(8, 12, 3), active(), nn.Flatten(), nn.Linear(48, 10))

    return network


PLACED = {"max": "padding 1-0, stride 1-1, max pooling 2-1", "avg": "padding 1-0, stride 1-1, avg pooling 2-1"}
DENSE = mlp(64, 32, 16, 10)
PIXELS = "(x/16-0.3054)/0.3761"
TABLE = "(x-mean)/std"
RECIPES = {
    "relu": Recipe(DENSE),
    "relu-raw": Recipe(DENSE, scaling="raw"),
    "relu-standardised": Recipe(DENSE, scaling=PIXELS),
    "relu-deep": Recipe(mlp(64, 24, 24, 24, 10)),
    "relu-norm": Recipe(mlp(64, 32, 16, 10, norm=True), scaling=PIXELS),
    "relu-no-bias": Recipe(mlp(64, 32, 16, 10, bias=False)),
    "relu-untrained": Recipe(DENSE, steps=0),
    "leaky-relu": Recipe(DENSE, "leaky_relu"),
    "gelu": Recipe(DENSE, "gelu"),
    "silu-raw": Recipe(DENSE, "silu", "raw"),
    "elu": Recipe(DENSE, "elu"),
    "tanh": Recipe(DENSE, "tanh"),
    "tanh-centred": Recipe(DENSE, "tanh", "(x/16-0.5)/0.5"),
    "sigmoid": Recipe(DENSE, "sigmoid", steps=400),
    "sigmoid-raw": Recipe(DENSE, "sigmoid", "raw", steps=400),
    "abs": Recipe(DENSE, "abs"),
    "abs-standardised": Recipe(DENSE, "abs", PIXELS),
    "abs-negated": Recipe(negated(64, 32, 10), "abs", "(x/16-0.5)/0.5", output="negated-activation"),
    "identity": Recipe(DENSE, "identity"),
    "one-layer": Recipe(mlp(64, 10), "identity"),
    "cnn-relu-max": Recipe(cnn(nn.MaxPool2d), truth={"placement": PLACED["max"]}),
    "cnn-tanh-avg": Recipe(cnn(nn.AvgPool2d), "tanh", truth={"placement": PLACED["avg"]}),
    "cnn-norm": Recipe(cnn(nn.MaxPool2d, norm=True), scaling=PIXELS, truth={"placement": PLACED["max"]}),
    "wine": Recipe(mlp(13, 16, 3), "tanh", TABLE, "wine"),
    "breast-cancer": Recipe(mlp(30, 16, 1), "relu", TABLE, "breast cancer", task="binary"),
    "diabetes": Recipe(mlp(10, 16, 1), "relu", TABLE, "diabetes", task="regression", steps=300),
    "several-labels": Recipe(mlp(64, 32, 3), "relu", "x/16", "circles and halves", task="multi-label"),
    "autoencoder": Recipe(mlp(64, 16, 64), "relu", "x/16", "themselves", task="autoencoder", steps=600),
    "autoencoder-sigmoid": Recipe(bounded(64, 16, 64), "sigmoid", "x/16", "themselves", "activation", "autoencoder",
                                  steps=600),
    "relu-legacy": Recipe(DENSE, format="torch-legacy"),
    "tanh-module": Recipe(DENSE, "tanh", format="torch-module"),
    "abs-safetensors": Recipe(DENSE, "abs", "raw", format="safetensors"),
    "gelu-onnx": Recipe(DENSE, "gelu", format="onnx"),
    "cnn-onnx": Recipe(cnn(nn.AvgPool2d), "relu", "raw", format="onnx"),
    "sigmoid-torchscript": Recipe(DENSE, "sigmoid", format="torchscript", steps=400),
    "cnn-torchscript": Recipe(cnn(nn.MaxPool2d), "tanh", format="torchscript"),
    "silu-pt2": Recipe(DENSE, "silu", PIXELS, format="torch-export"),
    "cnn-pt2": Recipe(cnn(nn.MaxPool2d), "relu", format="torch-export"),
}  # fmt: skip


# --------------------------------------------------------------------------- training


def as_taken(recipe: Recipe, data: Dataset, part: str) -> Tensor:
    """Give the inputs of a split as the network takes them."""
    x = torch.from_numpy(parse_scaling(recipe.scaling, data)(data.splits[part].inputs))
    return x.reshape(-1, 1, 8, 8) if "placement" in recipe.truth or recipe.network.__qualname__.startswith("cnn") else x


def answers(recipe: Recipe, data: Dataset, part: str) -> Tensor:
    """Give what the network should answer."""
    split = data.splits[part]
    if recipe.task == "autoencoder":
        return as_taken(recipe, data, part)
    values = split.labels if split.labels is not None else split.targets
    found = torch.from_numpy(values)
    return found if recipe.task == "classification" else found.float().reshape(len(found), -1)


LOSSES = {
    "classification": F.cross_entropy,
    "binary": F.binary_cross_entropy_with_logits,
    "multi-label": F.binary_cross_entropy_with_logits,
    "regression": F.mse_loss,
    "autoencoder": F.mse_loss,
}


def trained(recipe: Recipe) -> nn.Module:
    """Train on all samples at once; the same recipe gives the same network."""
    torch.manual_seed(0)
    data, module = data_named(recipe.data), recipe.network(recipe.activation)
    x, y = as_taken(recipe, data, "train"), answers(recipe, data, "train")
    optimiser = torch.optim.Adam(module.parameters(), lr=recipe.rate)
    for _ in range(recipe.steps):
        optimiser.zero_grad()
        LOSSES[recipe.task](module(x), y).backward()
        optimiser.step()
    return module.eval().requires_grad_(False)


def score(recipe: Recipe, outputs: Tensor, y: Tensor) -> float:
    """Give the share of right samples, or R², by its definition."""
    if recipe.task in ("regression", "autoencoder"):
        return 1 - float(((outputs - y).double() ** 2).sum() / ((y - y.mean(0)).double() ** 2).sum())
    if recipe.task == "classification":
        return float((outputs.argmax(1) == y).double().mean())
    return float(((outputs > 0) == (y > 0.5)).all(1).double().mean())


# --------------------------------------------------------------------------- writing

SUFFIXES = {"torch": "pt", "torch-legacy": "pt", "torch-module": "pt", "torchscript": "pt", "torch-export": "pt2"}


def save(module: nn.Module, form: str, path: Path, x: Tensor) -> None:
    """Write a network in one of the formats."""
    batch = {0: torch.export.Dim("batch", min=1)}
    if form in ("torch", "torch-legacy"):
        torch.save(module.state_dict(), path, _use_new_zipfile_serialization=form == "torch")
    elif form == "torch-module":
        torch.save(module, path)
    elif form == "safetensors":
        save_file(module.state_dict(), path)
    elif form == "torchscript":
        torch.jit.save(torch.jit.trace(module, x), path)
        without_lines(path)
    elif form == "torch-export":
        program = torch.export.export(module, (x,), dynamic_shapes=(batch,))
        for node in program.graph.nodes:
            node.meta.pop("stack_trace", None)  # paths of the machine that wrote it
        torch.export.save(program, path)
    else:
        names = {"input_names": ["x"], "dynamic_axes": {"x": {0: "batch"}}}
        torch.onnx.export(module, (x,), str(path), dynamo=False, opset_version=17, **names)


def without_lines(path: Path) -> None:
    """Take from a TorchScript file the numbers of the lines it was traced from: paths of the machine that wrote it."""
    with zipfile.ZipFile(path) as old:
        kept = {name: old.read(name) for name in old.namelist() if not name.endswith(".debug_pkl")}
    with zipfile.ZipFile(path, "w") as new:
        for name, content in kept.items():
            new.writestr(zipfile.ZipInfo(name), content)


def made(name: str, recipe: Recipe) -> dict[str, object]:
    """Train and write one network; give its facts."""
    module, data = trained(recipe), data_named(recipe.data)
    path = FOLDER / f"{name}.{SUFFIXES.get(recipe.format, recipe.format)}"
    inputs = {part: as_taken(recipe, data, part) for part in ("train", "test")}
    save(module, recipe.format, path, inputs["test"][:2].clone())
    scores = {part: score(recipe, module(x), answers(recipe, data, part)) for part, x in inputs.items()}
    truth = {"activation": recipe.activation, "input_scaling": recipe.scaling, "output": recipe.output}
    return {
        "file": path.name,
        "data": recipe.data,
        "format": recipe.format,
        "task": recipe.task,
        "truth": truth | recipe.truth,
        "trained": recipe.steps > 0,
        "score": {part: round(value, 6) for part, value in scores.items()},
        "outputs": np.round(module(inputs["test"][:ROWS]).double().numpy(), 6).tolist(),
    }


def main() -> None:
    """Make all samples."""
    warnings.simplefilter("ignore")  # torch announces the end of TorchScript and of its older exporter
    facts = {name: made(name, recipe) for name, recipe in RECIPES.items()}
    text = ",\n".join(f'"{name}": {json.dumps(said)}' for name, said in facts.items())
    (FOLDER / "facts.json").write_text(f"{{\n{text}\n}}\n")


if __name__ == "__main__":
    main()
