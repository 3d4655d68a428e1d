"""How often each alert is raised where its fault is planted, and where it is not.

OMP_WAIT_POLICY=passive python benchmarks/alerts.py [--seeds 30] [--first-seed 1000] [--out alerts-results]

Small networks on digits and Gaussian mixtures are trained and given one fault each, or none (`planting/faults.py`), and
the stages that alerts need are run on them. Thresholds were fixed on seeds below 1,000. What is finished is in OUT and
is not done again. The last line is one JSON object: alert -> planted, found, and among networks without that fault how
many raise it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from planting.faults import FAULTS, Case, facts_of

from interp.analysis import GaussianOptions
from interp.run import Options, run_stages, start
from interp.run.pipeline import evidence_of
from interp.verdict.alerts import alerts
from zoo.finished import add_finished, read_finished

FRESH = 1000
"""First of the seeds that no threshold was fixed on."""

QUICK = Options(gaussians=GaussianOptions(components=2, crossed=False), directions=2)
"""Options of the fits, in which these alerts have no part."""

FOLLOWS = {
    "at-chance or poor": {"at-chance", "poor-fit", "training-unknown"},
    "untrained": {"at-chance", "poor-fit"},
    "label-order": {"at-chance", "poor-fit", "training-unknown"},
    "memorising": {"poor-fit", "small-sample", "train-test-gap"},
    "never-predicted": {"poor-fit", "doubtful-fit"},
    "doubtful-fit": {"poor-fit"},
    "training-unknown": {"at-chance", "poor-fit", "untrained"},
}
"""What is planted -> further alerts that it is right to raise; they count neither way."""

LITTLE, MUCH = 0.05, 0.1
"""Falls of the accuracy to fresh samples up to which there is no gap, and from which there is one."""

MANY = {"dead": 0.1, "one-sided": 0.5, "duplicate": 0.1, "saturated": 0.3}
"""Alert -> share of a hidden layer's nodes from which it is right; a tenth below and above, either is."""

UNJUDGED = {
    *("uncertain-reading", "no-test-split", "limited", "not-covered", "unknown-activation", "no-labels"),
    *("simple-model", "near-simple-model", "few-dead"),
}
"""Alerts that state a fact of the file or the data, or the confidence of an inference, with nothing to be wrong in."""

MEANT = {"at-chance or poor": {"at-chance", "poor-fit"}, "label-order": {"label-order", "labels-reordered"}}
"""What is planted -> alerts one of which must be raised, where it is not the one of that name."""


def raised(case: Case) -> list[str]:
    """Give the names of the alerts that a network raises."""
    with tempfile.TemporaryDirectory() as folder:
        run = start(case.network, folder, case.data, options=QUICK)
        found = run_stages(run, ["boundaries", "screen"])
        fields = {run.stage(name).field: part for name, part in found.items() if run.stage(name).field}
        return sorted({alert.name for alert in alerts(evidence_of(run, fields))} - UNJUDGED)


def row_of(fault: str, seed: int) -> dict:
    """Make one network and look at it."""
    torch.set_num_threads(1)
    case = FAULTS[fault](np.random.default_rng([seed, list(FAULTS).index(fault)]))
    known = {"planted": case.planted, "facts": facts_of(case), "gap": case.gap}
    return {"key": f"{fault}:{seed}", "fault": fault, **known, "raised": raised(case)}


def results_of(seeds: range, file: Path) -> list[dict]:
    """Give the rows of some seeds; those that are not in the file yet are made and put there."""
    known = {row["key"]: row for row in read_finished(file)}
    for seed in seeds:
        for fault in FAULTS:
            if f"{fault}:{seed}" not in known:
                row = row_of(fault, seed)
                known[row["key"]] = row
                add_finished(file, row)
    return [known[f"{fault}:{seed}"] for seed in seeds for fault in FAULTS]


def truth(name: str, row: dict) -> bool | None:
    """Whether an alert is right to be raised; None where either is right, or it is not known."""
    if name == "train-test-gap" and row["planted"] != "memorising":
        return None if row["gap"] is None or LITTLE < row["gap"] < MUCH else row["gap"] >= MUCH
    if name == row["planted"] or name in MEANT.get(row["planted"], ()):
        return True
    if name in MANY:
        share = row["facts"][name]
        return None if 0.9 * MANY[name] <= share <= 1.1 * MANY[name] else share > MANY[name]
    return None if name in FOLLOWS.get(row["planted"], ()) else False


def rates(rows: list[dict]) -> dict[str, dict[str, int]]:
    """Count, for each alert, networks with its fault and without, those of each that raise it, and sound ones."""
    names = {name for row in rows for name in (*row["raised"], *MEANT.get(row["planted"], {row["planted"]}))}
    return {name: _rate(name, rows) for name in sorted(names - {""})}


def _rate(name: str, rows: list[dict]) -> dict[str, int]:
    with_it = [row for row in rows if truth(name, row)]
    without = [row for row in rows if truth(name, row) is False]
    sound = [row for row in rows if row["fault"] == "healthy"]
    return {
        "planted": len(with_it),
        "found": sum(bool(_same(name, row["planted"]) & set(row["raised"])) for row in with_it),
        "without": len(without),
        "false": sum(name in row["raised"] for row in without),
        "sound": len(sound),
        "sound_raise": sum(name in row["raised"] for row in sound),
    }


def _same(name: str, planted: str) -> set[str]:
    """Give the alerts that count as this one where so much is planted."""
    either = MEANT.get(planted, set())
    return either if name in either else {name}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--first-seed", type=int, default=FRESH)
    parser.add_argument("--out", type=Path, default=Path("alerts-results"))
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    rows = results_of(seeds, options.out / f"alerts-{options.first_seed}.jsonl")
    healthy = [row for row in rows if row["fault"] == "healthy"]
    print(f"{sum(bool(row['raised']) for row in healthy)} of {len(healthy)} sound networks raise anything")
    print(json.dumps(rates(rows)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
