"""Open thousands of damaged checkpoints, data files, runs or recordings: each must open or be refused in one line.

``python benchmarks/fuzz.py [--what data|runs|recordings]`` prints what came of every format and every kind of damage,
then one JSON line. What failed is written to the folder ``--keep`` names, with a recipe. With ``--log FILE`` each
outcome is written down as it comes, and the same command goes on from there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch
from fuzzing.mutations.mutants import OF_KIND, Mutant, make_mutant
from fuzzing.opening.log import NO_LOG, Log
from fuzzing.opening.opening import FAILURES, Outcome, is_mnist
from fuzzing.opening.workers import Worker, worker
from fuzzing.seeds.base import base
from fuzzing.seeds.begun import BEGUN, PARTS
from fuzzing.seeds.checkpoints import FORMATS, kind_of, make_seed, width_of, write
from fuzzing.seeds.data import AGAIN, DATA, RUNS
from fuzzing.seeds.foreign import FOREIGN
from fuzzing.seeds.pages import BASELINES, PAGES
from fuzzing.seeds.paths import PATHS
from fuzzing.seeds.recordings import RECORDINGS

from interp.cli import guarded
from interp.store import write_text

KINDS = ("opened", "refused", *FAILURES)
WHAT = {
    "checkpoints": (*FORMATS, *FOREIGN),
    "data": (*DATA,),
    "runs": (*RUNS, *AGAIN, *PARTS, *PAGES, *BASELINES),
    "recordings": (*RECORDINGS, *BEGUN),
}
COMMANDS: dict[str, Callable[[Path], list[str]]] = {
    "checkpoint": lambda path: ["inspect", str(path)],
    "member": lambda path: ["inspect", str(path), "--member", "0"],
    "data": lambda path: ["inspect", str(base() / "net.pt"), "--offline", *_data_options(path)],
    "run": lambda path: ["boundaries", "--out", str(path)],
    "recording": lambda path: ["fit", "--out", str(path)],
    "foreign": lambda path: ["inspect", str(path)],
    "begun": lambda path: ["record", str(base() / "net.pt"), "--data", str(base() / "data.npz"), "--out", str(path)],
    "part": lambda path: ["read", "--out", str(path)],
    "again": lambda path: ["read", "--out", str(path)],
    "page": lambda path: ["fit", "--out", str(path)],
    "baseline": lambda path: [
        "check",
        str(base() / "net.pt"),
        *_data_options(base() / "data.npz"),
        "--against",
        str(path),
    ],
}
"""Kind -> what a user would type."""
COVERED = ("run", "again", "part", "recording", "begun")
"""Kinds of files with checksums: damaged they must not give other numbers."""
Row = tuple[str, str, Outcome]
"""Format, damage, what came of it."""


def _data_options(path: Path) -> list[str]:
    return ["--data", "mnist", "--data-root", str(path)] if is_mnist(path) else ["--data", str(path)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5000, help="mutants (default: 5000)")
    parser.add_argument("--each", type=int, help="mutants of each format, in place of --count")
    parser.add_argument(
        "--log", type=Path, help="file of the outcomes, a line each; those that it has are not made again"
    )
    parser.add_argument("--first", type=int, default=0, help="number of the first one (default: 0)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--commands", type=int, default=30, help="how many also go through the command line")
    parser.add_argument("--keep", type=Path, help="folder for those that fail")
    parser.add_argument("--formats", nargs="*", choices=sum(WHAT.values(), ()), metavar="FORMAT")
    parser.add_argument("--damage", nargs="*", default=[], help="names of the ways to damage files (default: all)")
    parser.add_argument("--what", default="checkpoints", choices=list(WHAT), help="default: checkpoints")
    args = parser.parse_args()
    args.formats = args.formats or list(WHAT[args.what])
    args.count = args.each * len(args.formats) if args.each else args.count
    torch.set_num_threads(1)  # a process with threads cannot be forked
    begin = time.perf_counter()
    numbers = range(args.first, args.first + args.count)
    with tempfile.TemporaryDirectory() as name, worker(Path(name), args.formats) as opener:
        rows = [*sound(opener, args.formats), *odd_paths(opener)]
        log = Log(args.log, {"seed": args.seed, "formats": args.formats, "damage": args.damage})
        rows += mutated(opener, numbers, args.seed, tuple(args.formats), args.keep, log, tuple(args.damage))
        rows += commands(opener.scratch, numbers[:: max(len(numbers) // max(args.commands, 1), 1)], args)
    show(rows, args, time.perf_counter() - begin)
    sys.exit(any(outcome.is_failure for _, _, outcome in rows))


def sound(opener: Worker, formats: Sequence[str]) -> Iterator[Row]:
    """Open every format undamaged: one that does not open would make its mutants worthless."""
    for number, format in enumerate(formats):
        yield format, "none", open_mutant(opener, Mutant(number, format, (), make_seed(format)))


def odd_paths(opener: Worker) -> Iterator[Row]:
    """Open what is no file."""
    for name, make in PATHS.items():
        with tempfile.TemporaryDirectory() as folder:
            yield "-", f"path: {name}", opener.open(make(Path(folder) / "file"), 0)


def mutated(
    opener: Worker,
    numbers: Sequence[int],
    seed: int,
    formats: tuple[str, ...],
    keep: Path | None = None,
    log: Log = NO_LOG,
    damage: tuple[str, ...] = (),
) -> Iterator[Row]:
    """Open mutants by number, but for those in the log; those that fail are written to `keep`."""
    for number in numbers:
        if number in log.known:
            yield log.known[number]
            continue
        mutant = make_mutant(seed, number, formats, damage)
        outcome = open_mutant(opener, mutant)
        if outcome.is_failure and keep is not None:
            keep_failure(keep, seed, mutant, outcome)
        row = mutant.format, " + ".join(mutant.mutators) or "none", outcome
        log.add(number, row)
        yield row


def open_mutant(opener: Worker, mutant: Mutant) -> Outcome:
    """Write a mutant's files and open them, every other one with data."""
    with tempfile.TemporaryDirectory() as folder:
        path = write(mutant.checkpoint, Path(folder))
        kind = kind_of(mutant.format)
        if kind in ("checkpoint", "member", "foreign"):
            return opener.open(path, width_of(mutant.format) if mutant.number // 2 % 2 else 0, kind)
        found = opener.open(path, mutant.number, kind)
    is_sealed = mutant.is_sealed_again and kind != "begun"  # whose checksums no seal gives anew
    is_covered = kind in COVERED and mutant.mutators and not is_sealed
    if is_covered and found.kind == "opened" and found.digest != sound_digest(opener, mutant.format):
        return replace(found, kind="other numbers")
    return found


@cache
def sound_digest(opener: Worker, format: str) -> str:
    """Give the digest of the numbers that a sound file gives."""
    return open_mutant(opener, Mutant(0, format, (), make_seed(format))).digest


def keep_failure(keep: Path, seed: int, mutant: Mutant, outcome: Outcome) -> None:
    """Write a mutant that failed, with what it takes to make it anew."""
    folder = keep / f"{seed}-{mutant.number}-{outcome.kind}"
    write(mutant.checkpoint, folder)
    recipe = {"seed": seed, "number": mutant.number, "format": mutant.format, "mutators": mutant.mutators}
    recipe |= {"outcome": outcome.kind, "message": outcome.message}
    write_text(folder / "recipe.json", json.dumps(recipe, indent=2))


def commands(scratch: Path, numbers: Sequence[int], args: argparse.Namespace) -> Iterator[Row]:
    """Give mutants to the command itself: its own progress on its error output, or one line and exit code 2."""
    for number in numbers if args.commands else ():
        mutant = make_mutant(args.seed, number, tuple(args.formats), tuple(args.damage))
        with tempfile.TemporaryDirectory() as folder:
            path = write(mutant.checkpoint, Path(folder))
            command = [sys.executable, "-m", "interp", *COMMANDS[kind_of(mutant.format)](path)]
            try:
                ran = subprocess.run(command, cwd=scratch, capture_output=True, text=True, timeout=600, check=False)
            except subprocess.TimeoutExpired as error:
                yield mutant.format, "command line", Outcome("hang", str(error))
                continue
        lines = [line for line in ran.stderr.splitlines() if ran.returncode or not line.startswith(f"{command[3]}: ")]
        fine = (ran.returncode, len(lines)) in ((0, 0), (2, 1)) and not (scratch / "MARK").exists()
        kind = {0: "opened", 2: "refused"}.get(ran.returncode, "crash") if fine else "noise"
        yield mutant.format, "command line", Outcome(kind, ran.stderr[-2000:])


# --------------------------------------------------------------------------- what came of it


def show(rows: Sequence[Row], args: argparse.Namespace, seconds: float) -> None:
    """Print a table by format, one by damage, every failure's message once, and one JSON line."""
    table("format", [(format, outcome) for format, _, outcome in rows])
    table("damage", [(_family(damage), outcome) for _, damage, outcome in rows])
    failures = [row for row in rows if row[2].is_failure]
    for format, damage, outcome in failures[:20]:
        print(f"\n{outcome.kind}: {format}, {damage}\n{outcome.message}")
    total = Counter(outcome.kind for _, _, outcome in rows)
    facts = {"benchmark": "fuzz", "files": len(rows), "seed": args.seed, "formats": len(args.formats)}
    mutators = {name for format in args.formats for name in OF_KIND[kind_of(format)]}
    facts |= {"mutators": len(mutators), "failures": len(failures), **{kind: total[kind] for kind in KINDS}}
    facts |= {"largest_memory_mb": round(max(row[2].memory for row in rows) / 1e6), "seconds": round(seconds)}
    facts["versions"] = {"python": platform.python_version(), "torch": torch.__version__}
    print(json.dumps(facts))


def _family(damage: str) -> str:
    """Give the first of the ways in which a file was damaged; of odd paths that they are."""
    return "path" if damage.startswith("path: ") else damage.partition(" + ")[0]


def table(head: str, rows: Sequence[tuple[str, Outcome]]) -> None:
    """Print how often each outcome came of each row's first column."""
    counts = Counter((name, outcome.kind) for name, outcome in rows)
    names = sorted(dict.fromkeys(name for name, _ in rows))
    print(f"\n| {head} | files | {' | '.join(KINDS)} |\n|---|{'---:|' * (len(KINDS) + 1)}")
    for name in names:
        cells = [counts[name, kind] for kind in KINDS]
        print(f"| {name} | {sum(cells):,} | {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    sys.exit(guarded(main))
