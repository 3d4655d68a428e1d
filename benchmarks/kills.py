"""Kill commands at random moments: files must open, and the same command must come to the bytes of one never killed.

python benchmarks/kills.py [--kills 50] [--what recording stages] [--seed 0]

``recording`` kills ``interp record`` of a convolutional network, ``rounded`` one that stores float16, and ``stages``
``interp report``, which runs all stages and writes the page. ``ranks`` and ``rank-stages`` kill one rank of two or
three that record, or report, started by torchrun's agent: each other one that had not come to its end must name it in
one line, which is all that it says of trouble.

After each SIGKILL, of the whole process group or of one rank, every file under its final name is held against
its checksums; then the same command is run again, sometimes killed once more, and at its end every file is compared
with that of an uninterrupted run. `killing.files.FREE` names what may differ: times by the clock. A finished stage must
not be run again. Of commands of one process, samples that were said to be written must be there after a kill; of ranks
this is not looked at.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from importlib.metadata import version
from itertools import cycle
from pathlib import Path

import numpy as np
from killing.commands import import_all
from killing.trials import Trial, job_trial, job_uninterrupted, trial, uninterrupted

from interp.cli import guarded

ROOT = Path(__file__).parents[1]
FEW, MANY = (300, 120), (6000, 1500)
SAMPLES = {"recording": MANY, "rounded": MANY, "packed": MANY, "stages": FEW, "ranks": MANY, "rank-stages": FEW}
RECORDED: dict[str, list[str]] = {
    "recording": [],
    "rounded": ["--store-dtype", "float16"],
    "packed": ["--codec", "gzip"],
    "ranks": [],
}
"""What is killed while it records -> options of it."""
SIZES = (2, 3)
"""Numbers of ranks of jobs, in turn."""
QUICK = ["--quick", "--levels", "1", "--curve-levels", "2", "--read-copies", "2", "--interventions", "scale,offset"]
QUICK += ["--nodes-per-layer", "4", "--single-nodes", "4"]


def write_data(path: Path, train: int, test: int) -> None:
    """Write images of eight by eight, a blurred bar a class."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, train + test)
    images = rng.uniform(0, 4, (train + test, 64)) + 12 * (np.arange(64) // 6 == labels[:, None])
    x = images.astype(np.float32)
    np.savez(path, x_train=x[:train], y_train=labels[:train], x_test=x[train:], y_test=labels[train:])


def command(what: str, work: Path, samples: tuple[int, int] | None = None) -> list[str]:
    """Give the words of the command that is killed, with its data written."""
    data = work / f"{what}.npz"
    write_data(data, *(samples or SAMPLES[what]))
    given = ["--data", str(data), "--out", str(work / what)]
    if what in RECORDED:
        return ["record", str(ROOT / "zoo/pretrained/lenet-digits.pt"), *given, *RECORDED[what]]
    return ["report", str(ROOT / "zoo/pretrained/relu-digits.pt"), *given, *QUICK]


def killed(what: str, kills: int, seed: int, work: Path) -> dict[str, object]:
    """Kill one command so many times, and say what failed."""
    seconds, next_trial = _trials(what, work, np.random.default_rng(seed))
    done, failures, failed, come = 0, Counter[str](), 0, Counter[int]()
    while done < kills:
        found = next_trial()
        done += len(found.kills)
        failed += bool(found.failures)
        failures.update(set(found.failures))
        come.update(found.whole)
        if found.kills:
            print(f"{what}: {done} kills, at {found.whole} whole files", file=sys.stderr, flush=True)
        for failure in found.failures:
            print(f"{what}, killed after {', '.join(f'{at:.2f} s' for at in found.kills)}: {failure}")
    print(f"{what}: {done} kills within {seconds:.1f} s of processor time, {failed} commands failed")
    counts = {"kills": done, "failed": failed, "seconds": seconds, "by_whole_files": dict(sorted(come.items()))}
    return {**counts, "failures": dict(failures.most_common(5))}


def _trials(what: str, work: Path, rng: np.random.Generator) -> tuple[float, Callable[[], Trial]]:
    """Run a command once to its end; give its processor time, and a function that kills it and lets it go on."""
    words, out = command(what, work), work / what
    if not what.startswith("rank"):
        whole = uninterrupted(words, out).seconds
        return whole, lambda: trial(words, out, whole, rng)
    seconds = {size: job_uninterrupted(words, size, out) for size in SIZES}
    sizes = cycle(SIZES)

    def of_job() -> Trial:
        size = next(sizes)
        return job_trial(words, size, out, seconds[size], rng)

    return max(max(each.values()) for each in seconds.values()), of_job


def main():
    known = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known.add_argument("--kills", type=int, default=50, help="kills of each command (default: 50)")
    known.add_argument("--what", nargs="+", default=list(SAMPLES), choices=list(SAMPLES))
    known.add_argument("--seed", type=int, default=0, help="seed of the moments")
    options = known.parse_args()
    begun = time.perf_counter()
    import_all()
    with tempfile.TemporaryDirectory() as folder:
        found = {what: killed(what, options.kills, options.seed, Path(folder)) for what in options.what}
    kills, failed = (sum(one[key] for one in found.values()) for key in ("kills", "failed"))
    versions = {"python": platform.python_version()} | {name: version(name) for name in ("torch", "numpy", "h5py")}
    line = {"benchmark": "kills", "ratio": 1 - failed / kills, "kills": kills, "failed": failed, **found}
    print(json.dumps({**line, "seed": options.seed, "wall_s": time.perf_counter() - begun, "versions": versions}))


if __name__ == "__main__":
    sys.exit(guarded(main))
