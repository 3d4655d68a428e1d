"""How often each interval that the page prints holds the truth: 95 % are said, 93 to 97 % wanted.

python benchmarks/coverage.py [--trials 1000] [--out coverage-results] [--only "distance"]

Every case is a simulation whose truth is known, worst cases among them. What is finished is in OUT and is not done
again. ``shown`` is the share of simulations in which there is an interval at all: where none can be trusted, the page
prints the number alone. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
from itertools import product
from pathlib import Path

import numpy as np
from covering import exact, nodes, samples

from zoo.finished import add_finished, read_finished

WANTED = (0.93, 0.97)

SEEN = (0, 1, 2, 3, 5, 10)
"""Numbers of wrong samples, or of coherent nodes, that are seen."""

RANGES = ((500, 0.02, 0.9, 1), (500, 0.5, 0.5, 2), (1000, 0.5, 0.5, 0.7))
"""Samples, least and most of the level at which 1 % is lost, and the power that the cost grows with."""

QUICK = 20
"""Number of times that counts are drawn for one simulation of what takes long."""

CASES = {
    "accuracy": (
        samples.accuracy,
        [*product([100, 1000, 10_000], [0.5, 0.9]), (1000, 0.99), (10_000, 0.99), (10_000, 0.999)],
    ),
    "accuracy of which so many are wrong": (samples.accuracy_seen, list(product([100, 1000, 10_000], SEEN))),
    "change of accuracy": (
        samples.change,
        [
            *((100, *most) for most in ((0.1, 0.1), (0.05, 0.2), (0.2, 0.05), (0.5, 0.5))),
            *((1000, *most) for most in ((0.01, 0.01), (0.005, 0.02), (0.02, 0.005), (0.1, 0.1), (0.05, 0.5))),
        ],
    ),
    "change of which so many gain and lose": (
        samples.change_seen,
        [(count, *pair) for count in (100, 1000) for pair in ((0, 0), (1, 0), (0, 2), (0, 5), (0, 10), (1, 1), (2, 6))],
    ),
    "R²": (samples.explained, list(product([300, 1000], ["normal", "t5", "exponential"], ["normal", "laplace", "t5"]))),
    "change of R²": (
        samples.change_of_explained,
        list(product([300, 1000], ["normal", "t5", "exponential"], ["normal", "laplace", "t5"])),
    ),
    "share of nodes": (nodes.share, [*product([5, 10, 25, 26, 64, 512], [1]), (64, 0.2), (512, 0.1), (512, 0.02)]),
    "share of nodes of which so many are": (nodes.share_seen, list(product([26, 64, 512], SEEN))),
    "mean over runs": (
        samples.runs,
        list(product([3, 5, 6, 7, 8, 10, 20], ["normal", "gamma", "exponential", "uniform", "t5"])),
    ),
    "change over runs": (samples.change_of_runs, list(product([3, 5, 10], ["normal", "t5"]))),
    "range of a null": (nodes.null_range, [(39,)]),
    "distance to a component": (
        nodes.distance,
        [
            (rows, *mixture)
            for rows in (500, 2000, 10_000)
            for mixture in ((0, 1, 0.5), (2, 0.5, 0), (2, 0.5, 0.5), (2.5, 0.5, 0.5), (3, 0.5, 0.5), (3, 0.2, 0.5))
        ],
    ),
    "distance to two clusters seen as one": (
        nodes.merged_distance,
        [(rows, *mixture) for rows in (500, 2000, 10_000) for mixture in ((1, 0.5, 0.5), (2, 0.5, 1), (2, 0.2, 0.5))],
    ),
    "rank correlation": (nodes.correlation, [(16, 0.5, 0), (16, 0.9, 0.3), (64, 0.9, 0.3), (64, 0.5, 0)]),
    "lowest factor": (samples.bounds, [(*law, "scale_low") for law in RANGES]),
    "tolerated shift": (samples.bounds, [(*law, "width") for law in RANGES]),
}
"""Interval -> its simulation, and the cases that it is made for."""

COUNTED = (samples.accuracy, samples.accuracy_seen, samples.change, samples.change_seen, nodes.share, nodes.share_seen)

TIMES = {samples.runs: 5, **dict.fromkeys(COUNTED, QUICK)}
"""Simulation -> number of times that as many are drawn: what is quick is left less to chance."""


def one(interval: str, case: tuple, trials: int, seed: int) -> dict:
    """Simulate one case."""
    simulate, _ = CASES[interval]
    trials *= TIMES.get(simulate, 1)
    held = np.asarray(simulate(np.random.default_rng(seed), trials, *case), float)
    known = np.isfinite(held)
    covered = float(held[known].mean()) if known.any() else None
    return {
        "interval": interval,
        "case": list(case),
        "trials": trials,
        "shown": float(known.mean()),
        "covered": covered,
    }


def table(results: list[dict]) -> str:
    """Give all results as a table in Markdown."""
    lines = ["| interval | case | simulations | shown | covered |", "|---|---|---|---|---|"]
    for row in results:
        case = ", ".join(map(str, row["case"]))
        covered = "–" if row["covered"] is None else f"{row['covered']:.1%}"  # noqa: RUF001
        lines.append(f"| {row['interval']} | {case} | {row['trials']:,} | {row['shown']:.0%} | {covered} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path, default=Path("coverage-results"))
    options = parser.parse_args()
    file = options.out / f"coverage-{options.seed}-{options.trials}.jsonl"
    known = {(row["interval"], tuple(row["case"])): row for row in read_finished(file)}
    results = []
    for interval, (_, cases) in CASES.items():
        for case in cases if options.only in interval else ():
            if (interval, case) not in known:
                known[interval, case] = one(interval, case, options.trials, options.seed)
                add_finished(file, known[interval, case])
            results.append(known[interval, case])
    print(table(results))
    if not options.only:
        print("\n".join(["", "Intervals of shares, computed for 4,000 shares:", exact.HEAD, *exact.lines()]))
    mostly = [row for row in results if row["covered"] is not None and row["shown"] >= 0.5]
    worst = {}
    for row in sorted(mostly, key=lambda row: row["covered"]):
        worst.setdefault(row["interval"], [row["covered"], row["case"]])
    within = float(np.mean([WANTED[0] <= row["covered"] <= WANTED[1] for row in mostly])) if mostly else None
    print(json.dumps({"cases": len(results), "within": within, "worst": worst}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
