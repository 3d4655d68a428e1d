"""Whether a change leaves every number of twelve reports as it was, to the last digit.

::

    python benchmarks/same_numbers.py make INPUTS            write the networks and their data, once
    python benchmarks/same_numbers.py run OUT                report on each, with the code in the current directory
    python benchmarks/same_numbers.py compare BEFORE AFTER   hold two such folders against each other

``run`` is given once in a checkout of the code before the change and once after it, on one machine with one set of
packages, and with the same inputs: those in INPUTS, the folder ``inputs`` beside OUT unless ``--inputs`` says
otherwise (made if it is missing). What is finished is skipped as long as neither code nor command has changed.
``compare`` holds a row of a table against that of the same layer, node, level and so on, wherever it stands. It ends
with 1 if a number of a report.json was changed, lost or added. Texts may be reworded, and are listed.
The arrays of the stage files are looked for by their values, under any name: those lost are counted.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from same_inputs import LISTING, RUNS, changed_inputs, make_inputs
from same_rows import by_identity
from same_schema import schema_2

RENAMES: dict[str, str] = {}
"""Key before -> key after, dotted; ``*`` stands for one part, such as the place in a list, and what lies below a key
moves with it: ``"nodes.*.kind": "nodes.*.boundary.kind"``."""

LEFT_OUT = (
    "provenance.versions",
    "provenance.settings.checkpoint",
    "provenance.settings.command",
    "sections.reproduce.tables",  # the same for the page
)
"""Keys, before and after, with all below them, that say where and with what a report was made, not what it found:
versions of packages, paths, the command. Digests, seeds and options are compared."""

SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
    "PYTHONHASHSEED": "0",
    "CUDA_VISIBLE_DEVICES": "",
}
"""Of the environment. Two threads add sums up in another order than one and round differently: k-means then ends
elsewhere, and 1,370 of the 30,460 numbers of the report on LeNet change, some in the third digit."""

MARK = "same_numbers.json"


# --------------------------------------------------------------------------- running


def code_digest(tree: Path) -> str:
    """Name the code of a checkout by its content."""
    files = sorted(path for part in ("interp", "zoo") for path in (tree / part).rglob("*") if path.is_file())
    total = sha256()
    for path in files:
        if "__pycache__" not in path.parts:
            total.update(f"{path.relative_to(tree)}\n".encode() + sha256(path.read_bytes()).digest())
    return total.hexdigest()


def environment(tree: Path, inputs: Path) -> dict[str, str]:
    """Give the environment in which `tree` is what ``import interp`` finds."""
    return {**os.environ, **SETTINGS, "PYTHONPATH": os.pathsep.join([str(tree), str(inputs)])}


def run_all(tree: Path, out: Path, inputs: Path, names: list[str]) -> int:
    """Report on each input with the code of `tree`; give 1 if one of them failed."""
    env = environment(tree, inputs)
    asked = [sys.executable, "-c", "import interp; print(interp.__file__)"]
    found = Path(subprocess.run(asked, env=env, cwd=inputs, capture_output=True, text=True, check=True).stdout.strip())
    if tree not in found.parents:
        raise SystemExit(
            f"error: interp is that of {found.parent}, expected one in {tree}; run in the root of a checkout"
        )
    digest, failed = code_digest(tree), 0
    for name in names:
        failed += not run_one(name, out, inputs, digest, env)
    print(f"{len(names) - failed} of {len(names)} reports are in {out}")
    return int(failed > 0)


def run_one(name: str, out: Path, inputs: Path, digest: str, env: Mapping[str, str]) -> bool:
    """Report on one input, unless that is done; whether it succeeded."""
    folder, log = out / name, out / f"{name}.log"
    done = {
        "arguments": list(RUNS[name]),
        "code": digest,
        "inputs": sha256((inputs / LISTING).read_bytes()).hexdigest(),
    }
    if (folder / MARK).exists():
        kept = json.loads((folder / MARK).read_text())
        if {key: kept.get(key) for key in done} == done:
            print(f"{name:12} {kept['seconds']:6.1f} s, done before")
            return True
    if folder.exists():  # its files would be taken over instead of being made anew
        shutil.rmtree(folder)
    out.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "interp.report", *RUNS[name], "--offline", "--out", str(folder)]
    begin, spent = time.perf_counter(), processor_seconds()
    with log.open("w") as file:
        code = subprocess.run(
            command, env=env, cwd=inputs, stdout=file, stderr=subprocess.STDOUT, check=False
        ).returncode
    took, spent = round(time.perf_counter() - begin, 1), round(processor_seconds() - spent, 1)
    if code:
        lines = log.read_text().strip().splitlines()
        print(f"{name:12} {took:6.1f} s, failed ({code}): {lines[-1] if lines else 'no output'}", flush=True)
        return False
    (folder / MARK).write_text(json.dumps({**done, "seconds": took, "processor": spent}))
    print(f"{name:12} {took:6.1f} s, {spent:6.1f} s of the processor", flush=True)
    return True


def processor_seconds() -> float:
    """Give what finished child processes have taken of the processor: on a busy machine less than the time passed."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# --------------------------------------------------------------------------- comparing


@dataclass
class Comparison:
    """Comparison of two reports.

    Attributes
    ----------
    equal, texts
        Numbers and texts that are the same in both.
    changed, reworded
        Key after -> its number or text before and after; None stands for a text that one of them lacks.
    only_before, only_after
        Keys that have a number in one alone.
    arrays, lost
        Arrays in the stage files before, and those of them that no stage file after has.
    """

    equal: int = 0
    texts: int = 0
    changed: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    reworded: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    only_before: list[str] = field(default_factory=list)
    only_after: list[str] = field(default_factory=list)
    arrays: int = 0
    lost: list[str] = field(default_factory=list)

    @property
    def is_same(self) -> bool:
        """Whether no number was changed, lost or added."""
        return not (self.changed or self.only_before or self.only_after)

    @property
    def refigured(self) -> list[str]:
        """Keys of reworded texts whose figures are others, too."""
        return [key for key, (old, new) in self.reworded.items() if figures(old or "") != figures(new or "")]


def figures(text: str) -> Counter[str]:
    """Count the numbers written in a text, in any order.

    Examples
    --------
    >>> sorted(figures("3 of 1,024 nodes (0.3%)."))
    ['0.3', '1,024', '3']
    """
    return Counter(re.findall(r"\d+(?:[.,]\d+)*", text))


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted key, number, text or None) of a JSON value; an empty list or object counts as None.

    Examples
    --------
    >>> dict(leaves({"a": [1.5, "b"], "c": {}}))
    {'a.0': 1.5, 'a.1': 'b', 'c': None}
    """
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not parts:
        yield key, None if isinstance(value, dict | list) else value
    for part, below in parts:
        yield from leaves(below, f"{key}.{part}" if key else str(part))


def renamed(key: str, renames: Mapping[str, str]) -> str:
    """Give the key that a dotted key has after the change; the first pattern that fits decides.

    Examples
    --------
    >>> renamed("nodes.12.kind.label", {"nodes.*.kind": "sites.*.sort"})
    'sites.12.sort.label'
    """
    parts = key.split(".")
    for old, new in renames.items():
        pattern = old.split(".")
        if len(pattern) <= len(parts) and all(own in ("*", part) for own, part in zip(pattern, parts, strict=False)):
            stars = iter([part for own, part in zip(pattern, parts, strict=False) if own == "*"])
            put = [next(stars) if own == "*" else own for own in new.split(".")]
            return ".".join([*put, *parts[len(pattern) :]])
    return key


def is_equal(before: Any, after: Any) -> bool:
    """Whether two numbers are the same to the last digit; True and 1 are not, nor are 0 and -0, but 1 and 1.0 are."""
    if before is None or after is None or isinstance(before, bool | str) or isinstance(after, bool | str):
        return type(before) is type(after) and before == after
    return before == after and repr(float(before)) == repr(float(after))


def compare(before: Any, after: Any, renames: Mapping[str, str]) -> Comparison:
    """Compare the values of two reports, key by key.

    Parameters
    ----------
    before, after
        Contents of the two report.json files.
    renames
        Key before -> key after, as in `RENAMES`.
    """
    old = kept_leaves(before, renames)
    new = kept_leaves(after, {})
    found = Comparison()
    for key in {**old, **new}:
        pair = old.get(key), new.get(key)
        sides = [side[key] for side in (old, new) if key in side]
        if all(isinstance(value, str) for value in sides):
            if pair[0] == pair[1]:
                found.texts += 1
            else:
                found.reworded[key] = pair
        elif key not in new:
            found.only_before.append(key)
        elif key not in old:
            found.only_after.append(key)
        elif is_equal(*pair):
            found.equal += 1
        else:
            found.changed[key] = pair
    return found


def kept_leaves(report: Any, renames: Mapping[str, str]) -> dict[str, Any]:
    """Give what is compared of a report by its key after the change.

    Raises
    ------
    SystemExit
        If the renames give two values one key.
    """
    found: dict[str, Any] = {}
    for key, value in leaves(by_identity(report)):
        if any(key == name or key.startswith(f"{name}.") for name in LEFT_OUT):
            continue
        new = renamed(key, renames)
        if new in found:
            raise SystemExit(f"error: {key} is renamed to {new}, as another value is")
        found[new] = value
    return found


def stored_arrays(folder: Path) -> dict[str, str]:
    """Give the name of every array of numbers in a folder's stage files, and a digest of its shape and values."""
    found = {}
    for path in sorted(folder.glob("*.h5")):
        with h5py.File(path) as file:
            datasets: list[h5py.Dataset] = []
            file.visititems(lambda _, item, put=datasets.append: put(item) if isinstance(item, h5py.Dataset) else None)
            for item in datasets:
                if item.dtype.kind in "fiub" and item.size > 1:
                    values = np.ascontiguousarray(item[()], dtype=np.float64)
                    digest = sha256(str(values.shape).encode() + values.tobytes()).hexdigest()
                    found[f"{path.name}{item.name}"] = digest
    return found


def patterns(keys: list[str]) -> list[tuple[str, str, int]]:
    """Gather keys that differ in their places alone: (pattern, its first key, how many).

    Examples
    --------
    >>> patterns(["nodes.0.mean", "nodes.10.mean", "seed"])
    [('nodes.*.mean', 'nodes.0.mean', 2), ('seed', 'seed', 1)]
    """
    found: dict[str, list[str]] = {}
    for key in keys:
        found.setdefault(re.sub(r"(?<![^.])\d+(?![^.])", "*", key), []).append(key)
    return [(pattern, own[0], len(own)) for pattern, own in found.items()]


def print_details(name: str, found: Comparison, most: int) -> None:
    """Say which keys differ, one line for those that differ in their places alone."""
    kinds: list[tuple[str, list[str], Mapping[str, tuple[Any, Any]]]] = [
        ("changed", list(found.changed), found.changed),
        ("only before", found.only_before, {}),
        ("only after", found.only_after, {}),
        ("array lost", found.lost, {}),
        ("text with other figures", found.refigured, found.reworded),
        ("text", [key for key in found.reworded if key not in found.refigured], found.reworded),
    ]
    for kind, keys, pairs in kinds:
        gathered = patterns(keys)
        for pattern, first, count in gathered[:most]:
            shown = f": {pairs[first][0]!r:.120} -> {pairs[first][1]!r:.120}" if first in pairs else ""
            print(f"{name}, {kind}: {pattern}" + (f" ({count}), first {first}" if count > 1 else "") + shown)
        if len(gathered) > most:
            print(f"{name}, {kind}: {len(gathered) - most} more patterns; --most {len(gathered)} lists them")


def row(name: str, found: Comparison) -> dict[str, Any]:
    """Give one line of the table."""
    return {
        "run": name,
        "numbers": found.equal + len(found.changed),
        "equal": found.equal,
        "changed": len(found.changed),
        "only before": len(found.only_before),
        "only after": len(found.only_after),
        "texts": found.texts + len(found.reworded),
        "texts changed": len(found.reworded),
        "their figures": len(found.refigured),
        "arrays": found.arrays,
        "lost": len(found.lost),
    }


def compare_all(before: Path, after: Path, renames: Mapping[str, str], names: list[str], most: int) -> int:
    """Print a table of all runs, and what differs; give 1 if a number does, or a report is missing."""
    compared: dict[str, Comparison] = {}
    missing = []
    for name in names:
        files = [folder / name / "report.json" for folder in (before, after)]
        if absent := [str(file) for file in files if not file.exists()]:
            missing += absent
            continue
        old, new = (json.loads(file.read_text()) for file in files)
        found = compared[name] = compare(schema_2(old), schema_2(new), renames)
        arrays, kept = (stored_arrays(folder / name) for folder in (before, after))
        digests = set(kept.values())
        found.arrays, found.lost = len(arrays), [key for key, digest in arrays.items() if digest not in digests]
    if compared:
        print(pd.DataFrame([row(name, found) for name, found in compared.items()]).to_string(index=False))
    for name, found in compared.items():
        print_details(name, found, most)
    for file in missing:
        print(f"missing: {file}")
    is_same = not missing and all(found.is_same for found in compared.values())
    print("every number of report.json is the same" if is_same else "DIFFERENT")
    return int(not is_same)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make", help="write the networks and their data, once")
    make.add_argument("inputs", type=Path)
    run = commands.add_parser("run", help="report on each with the code in the current directory")
    run.add_argument("out", type=Path)
    run.add_argument("--inputs", type=Path, help="as make wrote them (default: the folder inputs beside OUT)")
    held = commands.add_parser("compare", help="hold two folders of reports against each other")
    held.add_argument("before", type=Path)
    held.add_argument("after", type=Path)
    held.add_argument("--renames", type=Path, help="JSON object of key before -> key after, beside those of the script")
    held.add_argument(
        "--most", type=int, default=20, help="patterns of keys listed, of each kind and run (default: 20)"
    )
    for command in (run, held):
        command.add_argument("--only", metavar="NAME", nargs="+", choices=list(RUNS), default=list(RUNS))
    options = parser.parse_args()
    if options.command == "make":
        make_inputs(options.inputs.resolve())
        return 0
    if options.command == "compare":
        more = json.loads(options.renames.read_text()) if options.renames else {}
        return compare_all(options.before, options.after, {**more, **RENAMES}, options.only, options.most)
    out = options.out.resolve()
    inputs = (options.inputs or out.parent / "inputs").resolve()
    if not (inputs / LISTING).exists():
        make_inputs(inputs)
    if changed := changed_inputs(inputs):
        raise SystemExit(f"error: {inputs} has other files than were made: {', '.join(changed)}")
    return run_all(Path.cwd().resolve(), out, inputs, options.only)


if __name__ == "__main__":
    sys.exit(main())
