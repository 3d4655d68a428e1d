"""How often the gate turns down an equivalent retraining, and how often a worse one.

OMP_WAIT_POLICY=passive python benchmarks/gate.py [--networks 100] [--worse 25] [--out gate-results]

A 64-32-10 ReLU perceptron is trained on scikit-learn's digits from many seeds, and each network is held against five
others with the default conditions of ``interp check --against``. Then networks with something wrong are: two fifths of
the training labels random, too few steps, weights rounded to few bits, a third of the nodes silenced. What is finished
is in OUT and is not done again. The last line is one JSON object: the share of equivalent retrainings turned down, of
comparisons in which they are, and of each sort of worse networks.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from planting.faults import Parts, dataset, digits, train
from torch import nn

from interp.analysis import GaussianOptions
from interp.gate.against import conditions_against
from interp.gate.check import facts_for
from interp.gate.conditions import parse_conditions
from interp.gate.facts import Facts, Scored
from interp.run import Options, start
from interp.types import Alert, as_json
from zoo.finished import add_finished, read_finished

QUICK = Options(gaussians=GaussianOptions(components=2, crossed=False), directions=2)
"""Options of the fits, in which these conditions have no part."""

BASELINES = 5
STEPS = 300
Train = Callable[[Parts, int], nn.Module]


def fresh(seed: int) -> nn.Sequential:
    """Give the network as it is initialised."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def equivalent(parts: Parts, seed: int) -> nn.Module:
    """Train as ever."""
    return train(fresh(seed), parts["train"], STEPS)


def noisy_labels(parts: Parts, seed: int) -> nn.Module:
    """Train with 40 % of the labels drawn at random."""
    rng, (x, y) = np.random.default_rng(seed), parts["train"]
    return train(fresh(seed), (x, np.where(rng.random(len(y)) < 0.4, rng.integers(0, 10, len(y)), y)), STEPS)


def few_steps(parts: Parts, seed: int) -> nn.Module:
    """Stop early."""
    return train(fresh(seed), parts["train"], 25)


def rounded(parts: Parts, seed: int) -> nn.Module:
    """Round weights to two bits and a sign."""
    module = equivalent(parts, seed)
    with torch.no_grad():
        for weight in module.parameters():
            step = weight.abs().max() / 3
            weight.copy_((weight / step).round() * step)
    return module


def silenced(parts: Parts, seed: int) -> nn.Module:
    """Silence a third of the hidden nodes, and train what follows again."""
    module = equivalent(parts, seed)
    with torch.no_grad():
        module[0].weight[:11], module[0].bias[:11] = 0, -1
        hidden = module[0](torch.from_numpy(parts["train"][0])).numpy()
    train(module[1:], (hidden, parts["train"][1]), 100)
    return module


SORTS: dict[str, Train] = {part.__name__: part for part in (equivalent, noisy_labels, few_steps, rounded, silenced)}


def facts(sort: str, seed: int, parts: Parts) -> Facts:
    """Train a network and gather its facts."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        run = start(SORTS[sort](parts, seed), folder, dataset(parts), options=QUICK)
        return facts_for(run, parse_conditions("alert:error"))


def facts_from(row: dict) -> Facts:
    """Read facts as they were put down."""
    scores = {name: Scored(*score) for name, score in row["scores"].items()}
    alerts = tuple(Alert(**{**alert, "nodes": tuple(alert["nodes"])}) for alert in row["alerts"])
    return Facts(**{**row, "scores": scores, "alerts": alerts, "data_digest": "digits"})


def results_of(wanted: list[tuple[str, int]], file: Path) -> dict[tuple[str, int], Facts]:
    """Give the facts of some networks; those that are not in the file yet are made and put there."""
    known = {(row["sort"], row["seed"]): row["facts"] for row in read_finished(file)}
    parts = digits(np.random.default_rng(0))
    for sort, seed in wanted:
        if (sort, seed) not in known:
            row = {"sort": sort, "seed": seed, "facts": as_json(facts(sort, seed, parts))}
            known[sort, seed] = row["facts"]
            add_finished(file, row)
    return {key: facts_from(known[key]) for key in wanted}


def failures(now: Facts, before: Facts) -> list[str]:
    """Name the conditions that a network fails beside a baseline."""
    outcomes = [condition.outcome(now) for condition in conditions_against(before, "baseline")]
    return [outcome.condition for outcome in outcomes if not outcome.passed]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=100)
    parser.add_argument("--worse", type=int, default=25)
    parser.add_argument("--out", type=Path, default=Path("gate-results"))
    options = parser.parse_args()
    baselines = [("equivalent", seed) for seed in range(BASELINES)]
    counts = {sort: options.networks if sort == "equivalent" else options.worse for sort in SORTS}
    wanted = [(sort, seed) for sort, count in counts.items() for seed in range(BASELINES, BASELINES + count)]
    found = results_of([*baselines, *wanted], options.out / "facts.jsonl")
    failed = {key: [failures(found[key], found[before]) for before in baselines] for key in wanted}
    for sort in SORTS:
        named = [name for key, lists in failed.items() if key[0] == sort for names in lists for name in names]
        print(f"{sort}: conditions failed: { {name: named.count(name) for name in sorted(set(named))} }")
    rate = {sort: np.mean([bool(lists[0]) for key, lists in failed.items() if key[0] == sort]) for sort in SORTS}
    pairs = np.mean([bool(names) for key, lists in failed.items() if key[0] == "equivalent" for names in lists])
    figures = {"false_alarms": rate.pop("equivalent"), "false_alarms_of_pairs": pairs, "turned_down": rate}
    print(json.dumps(as_json(figures | {"networks": options.networks, "pairs": options.networks * BASELINES})))
    return int(figures["false_alarms"] > 0.05)


if __name__ == "__main__":
    raise SystemExit(main())
