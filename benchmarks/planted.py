"""How often the reading profile finds what was planted, and how often it finds what was not.

OMP_WAIT_POLICY=passive python benchmarks/planted.py [--networks 240] [--jobs 2] [--out planted-results]

Networks are read whose truth is known (``zoo/planted``), of seeds that no threshold was fixed on. What is finished is
in OUT and is not done again. The last line is one JSON object: the shares of planted layers of distances and of
intensities that are found, of planted layers that are called the other, of networks without anything learned that are
called either, and of planted nodes that are called what they are (`kinds_right`), one mixture to four networks.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from planting.kinds import FRESH as FRESH_NODES
from planting.kinds import kinds_right
from planting.plan import FRESH, Item, plan
from planting.summary import by_family, figures, layer_table
from planting.work import work

from zoo.finished import add_finished, read_finished

LIMITS = {"distance_found": 0.95, "intensity_found": 0.95, "wrong_side": 0.005, "false_untrained": 0.03}


def results_of(items: list[Item], file: Path, jobs: int) -> list[dict]:
    """Give the results of some networks; those that are not in the file yet are made and put there."""
    known = {one["key"]: one for one in read_finished(file)}
    missing = [item for item in items if item.key not in known]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        for count, done in enumerate(as_completed([pool.submit(work, item) for item in missing]), 1):
            result = done.result()
            known[result["key"]] = result
            add_finished(file, result)
            print(f"\r{count} of {len(missing)}", end="", flush=True)
    return [known[item.key] for item in items]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=240)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--first-seed", type=int, default=FRESH)
    parser.add_argument("--out", type=Path, default=Path("planted-results"))
    parser.add_argument("--slack", type=float, default=0.0, help="how far beyond its limit a share of a few may lie")
    options = parser.parse_args()
    items = plan(options.networks, options.first_seed)
    results = results_of(items, options.out / f"networks-{options.first_seed}.jsonl", options.jobs)
    layers = layer_table(results)
    found = figures(layers)
    print("\n" + by_family(layers).to_string())
    missed = [name for name, limit in LIMITS.items() if beyond(name, found[name], limit, options.slack)]
    print("beyond the limits: " + (", ".join(missed) or "nothing"))
    right = kinds_right(range(FRESH_NODES, FRESH_NODES + max(options.networks // 4, 1)))
    print(json.dumps(found | {"kinds_right": right, "networks": len(results)}))
    return int(bool(missed))


def beyond(name: str, value: float | None, limit: float, slack: float = 0.0) -> bool:
    """Whether a share is on the wrong side of its limit."""
    return value is None or (value < limit - slack if name.endswith("found") else value > limit + slack)


if __name__ == "__main__":
    raise SystemExit(main())
