"""How often classes in another order are found, stated and put right, and how often where they are in order.

OMP_WAIT_POLICY=passive python benchmarks/label_order.py [--seeds 30] [--first-seed 1000] [--bare]

Small perceptrons on digits and on Gaussian mixtures of 3 to 12 classes are given data whose labels are in another
order (all classes, three in a circle, two in each other's place), or are merely bad: untrained, trained a little, on
noise, on other inputs or on other data. With `--bare` they are opened as bare state dicts, on stored inputs whose
scaling has to be inferred too. Thresholds were fixed on seeds below 1,000. The last line is one JSON object: sort of
network -> how many, how many of them of 8 classes or more, with another order stated, with the right one stated, put
right, and put right wrongly.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from planting.faults import Parts, classes_of, dataset, digits, mixture, network, train
from torch import nn

from interp.checkpoints import load_model

FRESH = 1000
"""First of the seeds that no threshold was fixed on."""

Made = tuple[nn.Module, Parts, list[int]]
"""Network, its data with labels as given, and the output of each label as given."""


def drawn(rng: np.random.Generator, spread: float = 1.0) -> Parts:
    """Draw digits or a mixture of 3 to 12 classes, in turn at random."""
    if rng.random() < 0.4:
        return digits(rng)
    return mixture(rng, int(rng.integers(2000, 4000)), classes=int(rng.integers(3, 13)), spread=spread)


def trained(rng: np.random.Generator, steps: int = 200, spread: float = 1.0) -> Made:
    """Train a network on data of which it is shown the labels as they are."""
    parts = drawn(rng, spread)
    module = network(rng, parts["train"][0].shape[1], classes_of(parts))
    train(module, parts["train"], steps)
    return module, parts, list(range(classes_of(parts)))


def shown(made: Made, order: list[int]) -> Made:
    """Give the labels that stand for outputs in an order: label i is output order[i]."""
    module, parts, _ = made
    label_of = np.argsort(order)
    return module, {name: (x, label_of[y]) for name, (x, y) in parts.items()}, order


def all_moved(rng: np.random.Generator) -> Made:
    """Put the classes in any other order that leaves at most one where it is."""
    made = trained(rng)
    own = np.arange(len(made[2]))
    order = rng.permutation(own)
    while (order == own).sum() > 1:
        order = rng.permutation(own)
    return shown(made, order.tolist())


def _circle(rng: np.random.Generator, length: int) -> Made:
    made = trained(rng)
    order = np.arange(len(made[2]))
    some = rng.permutation(order)[:length]
    order[some] = np.roll(some, 1)
    return shown(made, order.tolist())


def little_trained(rng: np.random.Generator) -> Made:
    """Train for 2 to 15 steps."""
    return trained(rng, int(rng.integers(2, 16)))


def overlapping(rng: np.random.Generator) -> Made:
    """Train on classes that overlap."""
    return trained(rng, spread=float(rng.uniform(2, 4)))


def mislabelled(rng: np.random.Generator) -> Made:
    """Train on labels of which 50 to 100 % are drawn at random, and show the right ones."""
    module, parts, order = (made := trained(rng, 0))
    x, y = parts["train"]
    wrong = np.where(rng.random(len(y)) < rng.uniform(0.5, 1), rng.integers(0, len(order), len(y)), y)
    train(module, (x, wrong), 200)
    return made


def untrained(rng: np.random.Generator) -> Made:
    """Leave the network as PyTorch initialises it."""
    return trained(rng, 0)


def other_start(rng: np.random.Generator) -> Made:
    """Draw weights of He's normal initialisation, one to four times as large, and train nothing."""
    module, parts, order = trained(rng, 0)
    factor = float(rng.uniform(1, 4))
    with torch.no_grad():
        for linear in module[::2]:
            nn.init.kaiming_normal_(linear.weight)
            linear.weight *= factor
    return module, parts, order


def other_inputs(rng: np.random.Generator) -> Made:
    """Put the columns of the inputs into another order."""
    module, parts, order = trained(rng)
    columns = rng.permutation(parts["train"][0].shape[1])
    return module, {name: (x[:, columns], y) for name, (x, y) in parts.items()}, order


def other_data(rng: np.random.Generator) -> Made:
    """Train on one mixture, and show another of as many classes, far apart in both."""
    parts = mixture(rng, 3000, classes=int(rng.integers(3, 13)), spread=0.5)
    classes = classes_of(parts)
    module = network(rng, 12, classes)
    train(module, parts["train"], 200)
    return module, mixture(rng, 3000, classes=classes, spread=0.5), list(range(classes))


SORTS: dict[str, Callable[[np.random.Generator], Made]] = {
    "all classes": all_moved,
    "three in a circle": lambda rng: _circle(rng, 3),
    "two swapped": lambda rng: _circle(rng, 2),
    "in order": trained,
    "little trained": little_trained,
    "overlapping": overlapping,
    "mislabelled": mislabelled,
    "untrained": untrained,
    "other initialisation": other_start,
    "other inputs": other_inputs,
    "other data": other_data,
}
"""Name -> function of a generator that gives a network, its data and the order of their classes."""


def look(sort: str, seed: int, bare: bool) -> dict:
    """Make one network and open it."""
    module, parts, order = SORTS[sort](np.random.default_rng([seed, list(SORTS).index(sort)]))
    if bare and parts["train"][0].shape[1] == 64:
        parts = {name: (16 * x, y) for name, (x, y) in parts.items()}
    given = dataset(parts)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "net.pt"
        torch.save(module.state_dict(), file)
        model, _ = load_model(file if bare else module, given)
    fact = model.inferred.get("label_order")
    said = "" if fact is None else str(fact.value)
    truth = ",".join(map(str, order))
    return {
        "classes": len(order),
        "stated": fact is not None,
        "right": fact is not None and (said == truth or f"--label-order {truth} " in f"{fact.evidence} "),
        "undone": said not in ("", "given"),
        "wrongly": said not in ("", "given", truth),
        "why": "" if fact is None else fact.evidence,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--first-seed", type=int, default=FRESH)
    parser.add_argument("--sorts", nargs="*", choices=list(SORTS), default=list(SORTS))
    parser.add_argument("--bare", action="store_true")
    parser.add_argument("--classes", action="store_true", help="print every network whose order is stated")
    options = parser.parse_args()
    torch.set_num_threads(1)
    totals = {}
    for sort in options.sorts:
        rows = [
            look(sort, seed, options.bare) for seed in range(options.first_seed, options.first_seed + options.seeds)
        ]
        totals[sort] = {"networks": len(rows)} | {
            key: sum(row[key] for row in rows) for key in ("stated", "right", "undone", "wrongly")
        }
        totals[sort]["many"] = sum(row["classes"] >= 8 for row in rows)
        print(sort, totals[sort], flush=True)
        for row in rows if options.classes else ():
            if row["stated"]:
                print("   ", row["classes"], row["undone"], row["why"], flush=True)
    print(json.dumps(totals))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
