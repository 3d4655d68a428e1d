"""How often the page claims of single nodes and of prototypes what is not so.

python benchmarks/claims.py [--networks 200] [--out claims-results]

Networks that learned labels of pure noise: how many of their nodes are significant (q < 0.05) on the training samples,
and how many networks have any such node on fresh ones, in either way to silence it: the false discovery rate. Layers
that were never trained: how many are called closer to centroids than an untrained layer. What is finished is in OUT and
is not done again. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from interp.analysis import ClusterOptions, UntrainedOptions, beside_untrained
from interp.analysis.clusters import fit_centroids
from interp.analysis.clusters.untrained import KINDS
from interp.checkpoints import load_module
from interp.data import load_dataset
from interp.interventions import InterventionOptions, intervene, output_ranges
from interp.types import ClusterMatch, Dataset, Split
from zoo.finished import add_finished, read_finished

INPUTS, NODES = 16, 24
OPTIONS = InterventionOptions(levels=1, interventions=("scale",), curve_levels=0, control_samples=0, layers=("0",))


def noise(rng: np.random.Generator, samples: int) -> Split:
    return Split(rng.normal(size=(samples, INPUTS)).astype(np.float32), rng.integers(0, 2, samples))


def learned(split: Split, seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(INPUTS, NODES), nn.ReLU(), nn.Linear(NODES, 2))
    x, labels = torch.from_numpy(split.inputs), torch.from_numpy(split.labels)
    steps = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(300):
        steps.zero_grad()
        nn.functional.cross_entropy(net(x), labels).backward()
        steps.step()
    return net


def of_noise(seed: int) -> dict:
    """Give the shares of significant nodes of a network that learned noise."""
    rng = np.random.default_rng(seed)
    splits = {"train": noise(rng, 700), "test": noise(rng, 1500)}
    model, _ = load_module(learned(splits["train"], seed).eval())
    ranges = {"0": output_ranges(model, model.layers[0], splits["train"].inputs)}
    with torch.no_grad():
        means = {"0": model.module[:2](torch.from_numpy(splits["train"].inputs)).mean(0).numpy()}
    effects = intervene(model, Dataset("noise", splits, None, (), (), "d"), ranges, means, replace(OPTIONS, seed=seed))
    tables = {"trained": effects.training_nodes, "fresh": effects.tested_nodes}
    found = {name: table["q_value"] < 0.05 for name, table in tables.items()}
    shares = {name: float(flags.mean()) for name, flags in found.items()}
    return shares | {"accuracy": effects.baseline["train"]}


WEIGHTS = {
    "uniform, biases": lambda rng, n, d: (rng.uniform(-1, 1, (n, d)) / np.sqrt(d), rng.uniform(-1, 1, n) / np.sqrt(d)),
    "He normal, no biases": lambda rng, n, d: (rng.normal(size=(n, d)) * np.sqrt(2 / d), np.zeros(n)),
    "batch norm": lambda rng, n, d: (rng.normal(size=(n, d)), None),
}


def of_untrained(seed: int) -> dict:
    """Tell which untrained layers are called closer than an untrained one, by initialisation, activation and sort."""
    rng = np.random.default_rng([seed, 1])
    x = load_dataset("digits").train.inputs.astype(np.float32) / 16
    x = x[rng.permutation(len(x))[:500]]
    centroids = fit_centroids(x, 20, ClusterOptions(seed=seed))
    found = {}
    for name, make in WEIGHTS.items():
        weight, bias = make(rng, 20, x.shape[1])
        bias = -(x @ weight.T).mean(0) if bias is None else bias
        activation = "relu" if seed % 2 else "abs"
        options = UntrainedOptions(seed=seed, rows=500)
        (table,) = beside_untrained(x, [centroids], weight, bias, activation, options)
        empty = {key: {} for key in ("match", "distance", "null_distance")}
        match = ClusterMatch(
            k=20, centroids=centroids, rows=500, agreement=None, accuracy=None, untrained=table, **empty
        )
        found |= {f"{name}, {kind}": bool(match.closer_than_untrained(kind)) for kind in KINDS}
    return found


def results(make, count: int, file: Path) -> list[dict]:
    """Give the results of so many seeds; those that are not in the file yet are made and put there."""
    known = read_finished(file)
    for seed in range(len(known), count):
        known.append(make(seed))
        add_finished(file, known[-1])
    return known[:count]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("claims-results"))
    options = parser.parse_args()
    noisy = results(of_noise, options.networks, options.out / "noise.jsonl")
    untrained = results(of_untrained, options.networks, options.out / "untrained.jsonl")
    found = {
        "networks": options.networks,
        "nodes_significant_in_training": float(np.mean([one["trained"] for one in noisy])),
        "nodes_significant_on_fresh_samples": float(np.mean([one["fresh"] for one in noisy])),
        "false_discovery_rate": float(np.mean([one["fresh"] > 0 for one in noisy])),
        "called_closer": {name: float(np.mean([one[name] for one in untrained])) for name in untrained[0]},
    }
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
