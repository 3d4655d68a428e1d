"""Large networks with random weights, each in a process of its own: peak memory and processor time, for docs/scale.md.

python benchmarks/large.py [NAME ...] [--all-stages] [--train 8] [--test 4] [--keep FOLDER]

Inputs are random pictures or tokens: what is found of them takes no part in this. Of each network some layers are
recorded, fitted, and told coherent boundaries of, and the page of these stages is written; with ``--all-stages`` all
others run too, before the page.
The ratio is the size of the weights as float32 over the peak memory, the least of the networks.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import interp
from interp.cli import guarded

ROOT = Path(__file__).parents[1]
TOKENS, WIDTH, STEPS, BLOCKS, HEADS = 50257, 768, 1024, 12, 12
FEW = {"levels": 1, "inputs": 4, "single_nodes": 1, "swept_layers": 1, "read_copies": 2, "quick": True}


@dataclass(frozen=True)
class Subject:
    """A network and how it is looked at.

    Attributes
    ----------
    network
        Name or file that the command is given.
    shape
        Shape of a sample: of pictures, or the number of tokens.
    parameters
        Number of parameters.
    only
        Names of the layers that are looked at.
    """

    network: str
    shape: tuple[int, ...]
    parameters: int
    only: str


VIT = ",".join(f"encoder.layers.encoder_layer_{block}.mlp.0" for block in (0, 8, 16))
RESNET = "conv1,layer1.2.conv3,layer3.35.conv2,fc"
GPT = "blocks.0.first,blocks.5.second,blocks.11.query_key_value,head"

SUBJECTS = {
    "ResNet-152": Subject("torchvision:resnet152", (3, 224, 224), 60_192_808, RESNET),
    "ViT-L/16": Subject("torchvision:vit_l_16", (3, 224, 224), 304_326_632, VIT),
    "GPT-2's size": Subject("gpt", (64,), 124_439_808, GPT),
}


class Block(nn.Module):
    """One block of GPT-2: attention to earlier tokens, and two dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.query_key_value, self.joined = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.first, self.gelu, self.second = nn.Linear(WIDTH, 4 * WIDTH), nn.GELU("tanh"), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Run the block on (B, T, WIDTH)."""
        parts = self.query_key_value(self.before(x)).chunk(3, dim=-1)
        heads = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in parts)
        seen = nn.functional.scaled_dot_product_attention(*heads, is_causal=True)
        x = x + self.joined(seen.transpose(1, 2).flatten(2))
        return x + self.second(self.gelu(self.first(self.between(x))))


class Gpt(nn.Module):
    """A network of GPT-2's small size, 124 million parameters: tokens (B, T) -> logits of the token that follows."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(TOKENS, WIDTH), nn.Embedding(STEPS, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(BLOCKS)))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, TOKENS, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits (B, TOKENS) of what follows tokens (B, T)."""
        x = self.tokens(x.long()) + self.places.weight[: x.shape[1]]
        return self.head(self.norm(self.blocks(x)[:, -1]))


def gpt() -> nn.Module:
    """Give the network with weights as torch draws them, embeddings as GPT-2's are."""
    torch.manual_seed(0)
    network = Gpt().eval()
    with torch.no_grad():
        network.tokens.weight.normal_(0, 0.02)
        network.places.weight.normal_(0, 0.02)
    return network


def samples(subject: Subject, train: int, test: int) -> dict[str, np.ndarray]:
    """Give random samples, with labels that go round ten classes."""
    rng = np.random.default_rng(0)
    arrays = {}
    for split, count in (("train", train), ("test", test)):
        most, kind = (256, np.uint8) if len(subject.shape) > 1 else (TOKENS, np.int64)
        arrays[f"x_{split}"] = rng.integers(0, most, (count, *subject.shape)).astype(kind)
        arrays[f"y_{split}"] = np.arange(count) % 10
    return arrays


def tree(pid: int) -> list[int]:
    """List a process and all that descend from it."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += [int(word) for word in task.read_text().split()]
            except OSError:
                continue
    return found


def memory(pid: int) -> tuple[float, float]:
    """Give the memory of a process and its children in GB, shared pages once: all of it, and without files' pages."""
    whole = own = 0
    for one in tree(pid):
        try:
            lines = dict(line.split(":", 1) for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()[1:])
        except OSError:
            continue
        whole += int(lines["Pss"].split()[0])
        own += int(lines["Pss_Anon"].split()[0])
    return whole * 1024 / 1e9, own * 1024 / 1e9


@dataclass(frozen=True)
class Measured:
    """What looking at a network took.

    Attributes
    ----------
    peak, own
        Largest memory of all processes together in GB, with the pages of mapped files and without them.
    cpu, wall
        Time of the processor and of the clock, in seconds, with opening the network.
    """

    peak: float
    own: float
    cpu: float
    wall: float


def look(name: str, until: str | None, train: int, test: int, keep: Path | None) -> None:
    """Be the process that looks at a network, and writes its page."""
    subject = SUBJECTS[name]
    network = gpt() if subject.network == "gpt" else subject.network
    scaling = "x/255" if len(subject.shape) > 1 else "raw"
    with tempfile.TemporaryDirectory() as folder:
        found = interp.analyse(
            network,
            samples(subject, train, test),
            out=f"{folder}/out",
            until=until,
            scaling=scaling,
            only=subject.only,
            **FEW,
        )
        page = found.save(f"{folder}/page")
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            for file in (page, page.with_name("report.json")):
                shutil.copy(file, keep / file.name)


def measured(words: list[str]) -> Measured:
    """Look at a network in a process of its own, and at its memory ten times a second."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = subprocess.Popen([sys.executable, __file__, *words, "--here"], env=environment)
    peak = own = 0.0
    while command.poll() is None:
        now = memory(command.pid)
        peak, own = max(peak, now[0]), max(own, now[1])
        time.sleep(0.1)
    if command.returncode:
        sys.exit(f"{words[0]}: ended with {command.returncode}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return Measured(peak, own, cpu, time.perf_counter() - begun)


def main() -> None:
    """Measure the networks that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--all-stages", action="store_true")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--train", type=int, default=8)
    parser.add_argument("--test", type=int, default=4)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        until = None if args.all_stages else "boundaries"
        look(args.names[0], until, args.train, args.test, args.keep)
        return
    found = {}
    for name in args.names or SUBJECTS:
        counts = ["--train", str(args.train), "--test", str(args.test)]
        asked = ["--all-stages"] if args.all_stages else []
        kept = [] if args.keep is None else ["--keep", str(args.keep / SUBJECTS[name].network.rpartition(":")[2])]
        found[name] = measured([name, *counts, *asked, *kept])
        print(f"{name}: {json.dumps(asdict(found[name]))}", flush=True)
    ratio = min(4e-9 * SUBJECTS[name].parameters / one.peak for name, one in found.items())
    print(json.dumps({"ratio": ratio, "networks": {name: asdict(one) for name, one in found.items()}}))


if __name__ == "__main__":
    guarded(main)
