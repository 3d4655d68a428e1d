"""How often what is inferred of bare weights is right, and how sure it claims to be: networks of known making.

OMP_WAIT_POLICY=passive python benchmarks/inference.py [--networks 300] [--first-seed 700000] [--training to-rest]
    [--out FOLDER]

Small perceptrons and convolutional networks are trained under one activation or two, a scaling, an optimiser and a
depth that their seeds draw (`inferring/specs.py`), and saved as state dicts without a word of that. Weights and
the threshold of what is likely were fixed on seeds below 200,000; the doubt by slopes was chosen with seeds from
200,000 in view, what is looked at again, and how much slopes weigh there, with seeds from 400,000 and 600,000, and
from 500,000 trained `long`; seeds from 300,000 were read when trained `long`;
bounds for `regularised` ones were chosen with seeds from 900,000 in view, and seeds from 910,000 were read then.
Counts are given by the fall of the rate too. What is finished is in FOLDER and is not done again. The last line is
one JSON object.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import torch
from inferring.networks import data_named, trained
from inferring.outcomes import FACTS, confusion, counted, outcome
from inferring.specs import TRAININGS, drawn

from zoo.finished import add_finished, read_finished

FRESH = 700_000
"""First of the seeds that nothing was fixed on or chosen by."""


def train_all(seeds: range, out: Path, folder: Path, training: str) -> None:
    """Train the networks of some seeds that are not there yet."""
    rows = out / "networks.jsonl"
    known = {row["seed"] for row in read_finished(rows)}
    for seed in seeds:
        if seed not in known:
            spec = drawn(seed, training)
            module, score = trained(spec, data_named(spec.data, folder, spec.rows))
            (out / "weights").mkdir(parents=True, exist_ok=True)
            torch.save(module.state_dict(), out / "weights" / f"{seed}.pt")
            add_finished(rows, {**asdict(spec), "train": score})


def infer_all(seeds: range, out: Path, folder: Path, training: str) -> list[dict]:
    """Open the networks of some seeds; those that are not in the file yet are opened and put there."""
    file = out / "inferred.jsonl"
    known = {row["seed"]: row for row in read_finished(file)}
    for seed in seeds:
        if seed not in known:
            spec = drawn(seed, training)
            known[seed] = outcome(spec, out / "weights" / f"{seed}.pt", data_named(spec.data, folder, spec.rows))
            add_finished(file, known[seed])
    return [known[seed] for seed in seeds]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=300)
    parser.add_argument("--first-seed", type=int, default=FRESH)
    parser.add_argument("--out", type=Path, default=Path("inference-results"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--training", choices=TRAININGS, default="to-rest", help="how networks are trained")
    parser.add_argument("--train-only", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    seeds = range(options.first_seed, options.first_seed + options.networks)
    train_all(seeds, options.out, options.data, options.training)
    if options.train_only:
        return 0
    rows = infer_all(seeds, options.out, options.data, options.training)
    print(confusion(rows))
    falls = {row["seed"]: drawn(row["seed"], options.training).fall for row in rows}
    for fall in sorted(set(falls.values())):
        of = [row for row in rows if falls[row["seed"]] == fall]
        print(f"fall of the rate: {fall}: {json.dumps({fact: counted(of, fact) for fact in FACTS})}")
    print(json.dumps({fact: counted(rows, fact) for fact in FACTS}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
