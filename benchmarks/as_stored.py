"""How often images are brought to the size, the channels and the order of values that a network was trained on.

OMP_WAIT_POLICY=passive python benchmarks/as_stored.py --data FOLDER [--seeds 8] [--first-seed 1000] [--sorts NAME...]

FOLDER holds MNIST and `cifar10_part.npz`. Usual small networks (LeNet-5, two convolutions of 3x3, perceptrons on rows)
are trained on images that were padded, resized, cut, coloured or laid out anew, in ways that the program tries and in
ways that it does not, and opened from their tensors alone, with the images as they are stored. Thresholds were fixed on
seeds below 1,000. The last line is one JSON object: sort of network -> how many, with how many a way was said, was
said as likely, was wrong, was wrong and likely, was refused, whose activation and scaling are right, whose activation
or scaling is wrong and likely, and the mean accuracies on test images in training and as they are read.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn.functional import interpolate

from interp.checkpoints import load_model
from interp.data import DataOptions, load_dataset
from interp.data.images.sizes import padded_to, resized_to
from interp.errors import InterpError
from interp.types import Inference

FRESH = 1000
"""First of the seeds that no threshold was fixed on."""

Images = np.ndarray
Parts = dict[str, tuple[Images, np.ndarray]]
"""Name of a split -> images (S, C, H, W) of whole numbers, and labels."""


class Sort(NamedTuple):
    """One way in which images were changed for training.

    Attributes
    ----------
    source
        Name of the data set.
    change
        Function of images and a generator that gives those trained on.
    fact
        Fact that says how they were changed.
    truth
        How its value begins where it is right; "" where no value is.
    is_dense
        Whether the network is a perceptron on rows.
    """

    source: str
    change: Callable[[Images, np.random.Generator], Images]
    fact: str
    truth: str
    is_dense: bool = False


def nearest(images: Images, side: int) -> Images:
    """Resize images without smoothing, as a way that is not tried."""
    return interpolate(torch.from_numpy(images).float(), (side, side), mode="nearest").numpy().astype(images.dtype)


def at_corner(images: Images, side: int) -> Images:
    """Put zeros to the right of images and below them alone, as a way that is not tried."""
    more = side - images.shape[2]
    return np.pad(images, [(0, 0), (0, 0), (0, more), (0, more)])


def coloured(images: Images, rng: np.random.Generator) -> Images:
    """Give each image a colour and a ground of its own."""
    front, ground = rng.uniform(0.3, 1, (2, len(images), 3, 1, 1))
    share = images / 255
    return (255 * (share * front + (1 - share) * 0.4 * ground)).astype(np.uint8)


def one_of_three(images: Images) -> Images:
    """Put grey images into one channel of three."""
    return np.concatenate([images, np.zeros_like(images), np.zeros_like(images)], axis=1)


def pixels_first(images: Images) -> Images:
    """Lay values out so that those of one pixel stand side by side, in the shape that they had."""
    return images.transpose(0, 2, 3, 1).reshape(images.shape)


def thrice(images: Images) -> Images:
    """Give grey images three times."""
    return np.repeat(images, 3, axis=1)


SORTS = {
    "as they are": Sort("mnist", lambda x, _: x, "image_size", ""),
    "padded to 32": Sort("mnist", lambda x, _: padded_to(x, 32), "image_size", "padded"),
    "resized to 32": Sort("mnist", lambda x, _: resized_to(x, 32), "image_size", "resized"),
    "resized to 32 by nearest": Sort("mnist", lambda x, _: nearest(x, 32), "image_size", "resized"),
    "in a corner of 32": Sort("mnist", lambda x, _: at_corner(x, 32), "image_size", ""),
    "cut to 28": Sort("cifar10", lambda x, _: padded_to(x, 28), "image_size", "padded"),
    "resized to 28": Sort("cifar10", lambda x, _: resized_to(x, 28), "image_size", "resized"),
    "grey 3 times": Sort("mnist", lambda x, _: thrice(x), "image_channels", "grey"),
    "negatives 3 times": Sort("mnist", lambda x, _: 255 - thrice(x), "image_channels", ""),
    "coloured": Sort("mnist", coloured, "image_channels", ""),
    "in one channel of 3": Sort("mnist", lambda x, _: one_of_three(x), "image_channels", ""),
    "values of a pixel side by side": Sort("cifar10", lambda x, _: pixels_first(x), "channels", "last, in", True),
    "one channel after the other": Sort("cifar10", lambda x, _: x, "channels", "last, but", True),
}
"""Name -> how images were changed for training."""


class Drawn(NamedTuple):
    """How one network is built and trained."""

    activation: str
    pooling: str
    kernel: int
    scaling: str
    optimiser: str
    epochs: int


MODULES = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
SCALINGS = {"x/255": (0.0, 1.0), "(x/255-0.1307)/0.3081": (0.1307, 0.3081), "(x/255-0.5)/0.5": (0.5, 0.5)}


def drawn(rng: np.random.Generator) -> Drawn:
    """Draw how a network is built and trained: ReLU, maxima and the numbers of MNIST most often."""
    activation = str(rng.choice(["relu", "relu", "tanh", "sigmoid"]))
    return Drawn(
        activation,
        str(rng.choice(["max", "max", "avg"])),
        int(rng.choice([5, 5, 3])),
        str(rng.choice(list(SCALINGS), p=[0.25, 0.5, 0.25])),
        "adam" if activation == "sigmoid" else str(rng.choice(["adam", "sgd"])),
        int(rng.integers(1, 5)),
    )


def stored(name: str, folder: Path) -> Parts:
    """Give images as they are stored."""
    if name == "mnist":
        data = load_dataset(name, DataOptions(str(folder), offline=True))
        return {part: (one.inputs.reshape(-1, 1, 28, 28), one.labels) for part, one in data.splits.items()}
    file = np.load(folder / "cifar10_part.npz")
    return {
        part: (file[f"x_{part}"].transpose(0, 3, 1, 2), file[f"y_{part}"].astype(np.int64))
        for part in ("train", "test")
    }


def network(shape: Sequence[int], is_dense: bool, said: Drawn) -> nn.Module:
    """Make an untrained network for images of some shape; those of 28x28 are padded in the first convolution."""
    channels, side = shape[0], shape[1]
    active, pooling = MODULES[said.activation], {"max": nn.MaxPool2d, "avg": nn.AvgPool2d}[said.pooling]
    if is_dense:
        return nn.Sequential(nn.Flatten(), nn.Linear(channels * side**2, 128), active(), nn.Linear(128, 10))
    first, second, dense = (6, 16, (120, 84)) if said.kernel == 5 else (16, 32, (64,))
    edge = said.kernel // 2 if side == 28 else 0
    parts = [nn.Conv2d(channels, first, said.kernel, padding=edge), active(), pooling(2)]
    parts += [nn.Conv2d(first, second, said.kernel), active(), pooling(2), nn.Flatten()]
    width = nn.Sequential(*parts)(torch.zeros(1, *shape)).shape[1]
    for after in dense:
        parts += [nn.Linear(width, after), active()]
        width = after
    return nn.Sequential(*parts, nn.Linear(width, 10))


def train(module: nn.Module, x: torch.Tensor, y: torch.Tensor, said: Drawn) -> None:
    """Train at a constant rate, as the usual examples do."""
    parameters = module.parameters()
    adam = said.optimiser == "adam"
    optimiser = torch.optim.Adam(parameters) if adam else torch.optim.SGD(parameters, 0.02, momentum=0.9)
    for _ in range(said.epochs):
        for rows in torch.randperm(len(y)).split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(module(x[rows]), y[rows]).backward()
            optimiser.step()


def look(name: str, seed: int, folder: Path) -> dict:
    """Train one network and open it."""
    sort, rng = SORTS[name], np.random.default_rng([seed, list(SORTS).index(name)])
    torch.manual_seed(int(rng.integers(2**31)))
    parts, said = stored(sort.source, folder), drawn(rng)
    mean, std = SCALINGS[said.scaling]
    shown = {
        part: ((torch.from_numpy(sort.change(x.copy(), rng)).float() / 255 - mean) / std, torch.from_numpy(y))
        for part, (x, y) in parts.items()
    }
    module = network(shown["train"][0].shape[1:], sort.is_dense, said)
    train(module, *shown["train"], said)
    with torch.no_grad():
        reached = float((module(shown["test"][0]).argmax(1) == shown["test"][1]).float().mean())
    arrays = {f"x_{part}": x.transpose(0, 2, 3, 1) if sort.is_dense else x for part, (x, _) in parts.items()}
    arrays |= {f"y_{part}": y for part, (_, y) in parts.items()}
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "net.pt"
        torch.save(module.state_dict(), file)
        try:
            model, _ = load_model(file, load_dataset(arrays))
        except InterpError as error:
            return {"refused": True, "why": f"{said} {error}", "reached": reached, "read": 0.0}
    return {"reached": reached, "read": model.scores["test"], **judged(sort, said, model.inferred)}


def judged(sort: Sort, said: Drawn, inferred: Mapping[str, Inference]) -> dict:
    """Say what of a network is right."""
    fact = inferred.get(sort.fact)
    value, likely = ("", False) if fact is None else (str(fact.value), fact.confidence != "uncertain")
    wrong = bool(value) and not (sort.truth and value.startswith(sort.truth))
    activation, scaling = inferred["activation"], inferred["input_scaling"]
    others = ((activation, activation.value == said.activation), (scaling, scaling.value == said.scaling))
    shown = ", ".join(f"{one.value} [{one.confidence}]" for one, _ in others)
    return {
        "said": bool(value),
        "likely": likely,
        "wrong": wrong,
        "wrong and likely": wrong and likely,
        "activation": others[0][1],
        "scaling": others[1][1],
        "others wrong and likely": any(one.confidence == "likely" and not right for one, right in others),
        "why": f"{said}: {shown}" + ("" if fact is None else f"; {value} [{fact.confidence}] {fact.evidence}"),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--first-seed", type=int, default=FRESH)
    parser.add_argument("--sorts", nargs="*", choices=list(SORTS), default=list(SORTS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    totals = {}
    for name in options.sorts:
        seeds = range(options.first_seed, options.first_seed + options.seeds)
        rows = [look(name, seed, options.data) for seed in seeds]
        for seed, row in zip(seeds, rows, strict=True):
            print(f"   {seed} {row['reached']:.3f} {row['read']:.3f} {row['why']}", flush=True)
        counted = ("said", "likely", "wrong", "wrong and likely", "refused")
        counted += ("activation", "scaling", "others wrong and likely")
        totals[name] = {"networks": len(rows)} | {key: sum(row.get(key, False) for row in rows) for key in counted}
        totals[name] |= {key: round(float(np.mean([row[key] for row in rows])), 3) for key in ("reached", "read")}
        print(name, totals[name], flush=True)
    print(json.dumps(totals))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
