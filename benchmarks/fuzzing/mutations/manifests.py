"""Damage to the manifest of a recording in several files: what it says of each, and which it names."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from fuzzing.mutations.headers import ODD_VALUES
from fuzzing.mutations.plain_bytes import Mutator

NAMES = (
    "activations.0-of-1.h5", "activations.2-of-3.h5", "activations.1-of-3.h5", "../activations.0-of-2.h5",
    "/etc/passwd", "", "activations.h5", "activations.00-of-2.h5", "activations.1-of-2.h5",
    "activations.\u0660-of-2.h5",
)  # fmt: skip


def _edited(edit: Callable[[dict[str, Any], Random], object]) -> Mutator:
    def mutate(data: bytes, rng: Random) -> bytes | None:
        if not data.startswith(b"{") or b'"files"' not in data:
            return None
        content = json.loads(data)
        edit(content, rng)
        return json.dumps(content).encode()

    return mutate


def _entry(content: dict[str, Any], rng: Random) -> None:
    """Say something else of a file."""
    one = rng.choice(content["files"])
    key = rng.choice([*one, "extra"])
    one[key] = rng.choice((*ODD_VALUES, rng.choice(NAMES), rng.choice(content["files"]).get(key)))


def _rows(content: dict[str, Any], rng: Random) -> None:
    """Say that a file holds other samples."""
    one = rng.choice(content["files"])
    split = rng.choice([*one["rows"], "test", "extra"])
    first, last = one["rows"].get(split, (0, 40))
    others = ((first, last - 1), (first + 1, last), (0, last), (first, 2**63), (last, first), (-1, last), (first,))
    one["rows"][split] = rng.choice((*others, (float(first), last + 0.5), (str(first), str(last)), ("a", "b"), None))


def _fewer(content: dict[str, Any], rng: Random) -> None:
    """Leave a file or a split out, name one twice, or change their order."""
    files = content["files"]
    way = rng.randrange(4)
    if way == 0:
        files.pop(rng.randrange(len(files)))
    elif way == 1:
        files.append(rng.choice(files))
    elif way == 2:
        files.reverse()
    else:
        rows = rng.choice(files)["rows"]
        rows.pop(rng.choice(list(rows)))


def _head(content: dict[str, Any], rng: Random) -> None:
    """Say another format or version, or hold what is no list of files."""
    content[rng.choice(list(content))] = rng.choice((*ODD_VALUES, "interp-shards", 1.0, 2))


MANIFESTS: dict[str, Mutator] = {
    "manifest: entries": _edited(_entry),
    "manifest: rows": _edited(_rows),
    "manifest: fewer files": _edited(_fewer),
    "manifest: head": _edited(_head),
}
