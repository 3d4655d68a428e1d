"""Twelve small networks and their data for `same_numbers.py`: each kind of file and task that a report opens.

They are made once and kept, so that the rounding of a training plays no part in what is compared.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from fuzzing.seeds.onnx import onnx_model
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

PRETRAINED = Path(__file__).parents[1] / "zoo" / "pretrained"
LISTING = "inputs.json"
DIGITS = ("--data", "digits", "--scaling", "x/16")
FEW = ("--levels", "5", "--curve-levels", "3")

VIT = '''"""A vision transformer of two blocks for 32 x 32 images."""

from torchvision.models import VisionTransformer


def tiny():
    """Make it, untrained."""
    return VisionTransformer(32, 8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32, num_classes=4)
'''

RUNS: dict[str, tuple[str, ...]] = {
    "mlp": ("abs-digits.pt", *FEW, "--nodes", "hidden:3,hidden:7", "--together", "hidden,output"),
    "cnn": ("lenet-digits.pt", *FEW, "--inputs", "200", "--single-nodes", "8"),
    "resnet18": (
        *(
            "torchvision:resnet18",
            "--seed",
            "3",
            "--data",
            "images.npz",
            "--scaling",
            "x/255",
            "--nodes-per-layer",
            "4",
        ),
        *("--swept-layers", "2", "--single-nodes", "2", "--inputs", "20"),
    ),
    "vit": (
        *("vit.pt", "--model", "tiny_vit:tiny", "--data", "images.npz", "--scaling", "x/255", "--inputs", "40"),
        *("--swept-layers", "4", "--single-nodes", "4", *FEW),
    ),
    "regression": ("regression.pt", "--data", "measured.csv", *FEW),
    "multi-label": ("multi-label.pt", "--data", "labels.npz", *FEW),
    "autoencoder": ("autoencoder.pt", "--data", "unlabelled.npz", *FEW, "--single-nodes", "16"),
    "offset-l2": ("offset-l2-digits.pt", *FEW),
    "onnx": ("network.onnx", *DIGITS, *FEW, "--inputs", "300"),
    "torchscript": ("scripted.pt", "--data", "digits", "--scaling", "raw", *FEW, "--inputs", "300"),
    "export": ("exported.pt2", *DIGITS, *FEW, "--inputs", "300"),
    "several": ("seed-0.pt", "seed-1.pt", "seed-2.pt", *DIGITS, "--activation", "relu", *FEW),
}
"""Name of a run -> what `python -m interp.report` is given, in the folder of the inputs."""


class Residual(nn.Module):
    """A network of digits that is no chain: it scales its input, skips a layer and averages over positions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.conv = nn.Conv2d(1, 8, 3), nn.Conv2d(8, 8, 3, padding=1)
        self.head = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Score (S, 1, 8, 8) images of values 0 to 16, (S, 10)."""
        x = F.relu(self.stem(x / 16))
        x = x + torch.tanh(self.conv(x))
        return self.head(x.mean((2, 3)))


def make_inputs(folder: Path) -> None:
    """Write every checkpoint and data file of `RUNS`, and last a listing of their SHA-256; leave whole folders alone.

    Parameters
    ----------
    folder
        Folder to write into; made if it is missing.
    """
    if (folder / LISTING).exists():
        print(f"{folder}: {len(json.loads((folder / LISTING).read_text()))} files are there")
        return
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for make in (_pretrained, _images, _regression, _multi_label, _autoencoder, _graphs, _several):
        make(folder)
    digests = {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir()) if path.is_file()}
    (folder / LISTING).write_text(json.dumps(digests, indent=1))
    print(f"{folder}: {len(digests)} files")


def changed_inputs(folder: Path) -> list[str]:
    """Name the files of a folder that are no longer as `make_inputs` wrote them."""
    digests = json.loads((folder / LISTING).read_text())
    return [
        name
        for name, digest in digests.items()
        if not (folder / name).exists() or sha256((folder / name).read_bytes()).hexdigest() != digest
    ]


def trained(
    module: nn.Module, x: Tensor, y: Tensor, loss: Callable[[Tensor, Tensor], Tensor], steps: int, rate: float = 0.01
) -> nn.Module:
    """Train a network on all rows at once with Adam, and give it in eval mode."""
    optimizer = torch.optim.Adam(module.parameters(), rate)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(module(x), y).backward()
        optimizer.step()
    return module.eval()


def _pretrained(folder: Path) -> None:
    for name in ("abs-digits.pt", "lenet-digits.pt", "offset-l2-digits.pt"):
        shutil.copyfile(PRETRAINED / name, folder / name)


def _images(folder: Path) -> None:
    """Draw noise whose brightest quarter tells its class, for the two networks of images."""
    draws = np.random.default_rng(0)
    y = np.arange(120) % 4
    x = draws.integers(0, 100, (120, 3, 32, 32))
    for image, label in zip(x, y, strict=True):
        image[:, 16 * (label // 2) :, 16 * (label % 2) :][:, :16, :16] += 155
    x = x.astype(np.uint8)
    np.savez(folder / "images.npz", x_train=x[:80], y_train=y[:80], x_test=x[80:], y_test=y[80:])
    (folder / "tiny_vit.py").write_text(VIT)
    torch.manual_seed(0)
    space: dict = {}
    exec(VIT, space)  # the very module that the report imports
    vit = trained(space["tiny"](), torch.tensor(x[:80] / 255).float(), torch.tensor(y[:80]), F.cross_entropy, 60, 0.003)
    torch.save(vit.state_dict(), folder / "vit.pt")


def _regression(folder: Path) -> None:
    draws = np.random.default_rng(1)
    x = draws.normal(size=(400, 6)).round(4)
    y = (np.sin(x[:, 0]) + x[:, 1] * x[:, 2] + 0.1 * draws.normal(size=400)).round(4)
    rows = [",".join(map(str, (*row, target))) for row, target in zip(x.tolist(), y.tolist(), strict=True)]
    (folder / "measured.csv").write_text("\n".join(["a,b,c,d,e,f,target", *rows]) + "\n")
    torch.manual_seed(1)
    module = nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 1))
    net = trained(module, torch.tensor(x).float(), torch.tensor(y).float()[:, None], F.mse_loss, 300)
    torch.save(net.state_dict(), folder / "regression.pt")


def _multi_label(folder: Path) -> None:
    draws = np.random.default_rng(2)
    x = draws.normal(size=(500, 10)).astype(np.float32)
    y = (x @ draws.normal(size=(10, 4)) + 0.3 * x[:, :4] ** 2 > 0).astype(np.int64)
    np.savez(folder / "labels.npz", x_train=x[:400], y_train=y[:400], x_test=x[400:], y_test=y[400:])
    torch.manual_seed(2)
    module = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 4))
    targets = torch.tensor(y[:400]).float()
    net = trained(module, torch.tensor(x[:400]), targets, F.binary_cross_entropy_with_logits, 150)
    torch.save(net.state_dict(), folder / "multi-label.pt")


def _autoencoder(folder: Path) -> None:
    x = load_digits().data.astype(np.float32) / 16
    np.savez(folder / "unlabelled.npz", x_train=x[:600], x_test=x[600:800])
    torch.manual_seed(3)
    module = nn.Sequential(nn.Linear(64, 12), nn.ReLU(), nn.Linear(12, 64))
    net = trained(module, torch.tensor(x[:600]), torch.tensor(x[:600]), F.mse_loss, 300)
    torch.save(net.state_dict(), folder / "autoencoder.pt")


def _digits() -> tuple[Tensor, Tensor]:
    images, labels = load_digits(return_X_y=True)
    return torch.tensor(images, dtype=torch.float32).reshape(-1, 1, 8, 8), torch.tensor(labels)


def _graphs(folder: Path) -> None:
    """Write one network in each format that states what runs in which order."""
    x, y = _digits()
    torch.manual_seed(4)
    convolutions = (nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2, 2))
    chain = nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(96, 24), nn.ReLU(), nn.Linear(24, 10))
    trained(chain, x / 16, y, F.cross_entropy, 40)
    (folder / "network.onnx").write_bytes(onnx_model(chain))
    rows = ({0: torch.export.Dim("rows")},)
    torch.export.save(torch.export.export(chain, (x[:20] / 16,), dynamic_shapes=rows), folder / "exported.pt2")
    torch.jit.script(trained(Residual(), x, y, F.cross_entropy, 100)).save(str(folder / "scripted.pt"))


def _several(folder: Path) -> None:
    x, y = _digits()
    for seed in range(3):
        torch.manual_seed(10 + seed)
        net = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
        trained(net, x.flatten(1) / 16, y, F.cross_entropy, 150)
        torch.save(net.state_dict(), folder / f"seed-{seed}.pt")
