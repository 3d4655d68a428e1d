"""Damage to what later commands read of a page's values and of the times of a run."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from fuzzing.mutations.headers import ODD_VALUES
from fuzzing.mutations.payloads import SIDE_EFFECT
from fuzzing.mutations.plain_bytes import Mutator

READ = ("model", "data", "provenance", "layers", "nodes", "alerts", "sections", "verdict")
"""Keys of ``report.json`` that are read again."""
FILES = (
    "figures/..", "figures/.", "figures/notes.txt", "figures/../notes.txt", "notes.txt", "/etc/hostname", "figures/",
    "figures/a\0b", "figures/" + "x" * 5000, "figures/\ud800", "figures\\..\\notes.txt", "../notes.txt", "", "figures",
)  # fmt: skip
NUMBERS = (-1, 0, 0.5, 2, 1e308, -1e308, 2**63, 10**400, float("nan"), float("inf"), -float("inf"), True, "0.5", None)


CODE = f"{SIDE_EFFECT}:run"


def _some(content: Any, rng: Random, depth: int) -> tuple[Any, Any]:
    """Give a place in nested values, and its key."""
    keys = list(content) if isinstance(content, dict) else list(range(len(content)))
    key = rng.choice(keys)
    if depth and isinstance(content[key], (dict, list)) and content[key] and rng.random() < 0.85:
        return _some(content[key], rng, depth - 1)
    return content, key


def page_values(data: bytes, rng: Random) -> bytes | None:
    """Say something else at one to three places that are read: another type, number, file or key, or nothing."""
    if not data.startswith(b"{"):
        return None
    content = json.loads(data)
    for _ in range(rng.choice((1, 1, 3))):
        first = rng.choice([key for key in READ if key in content] or list(content))
        place, key = _some(content[first], rng, 4) if content[first] else (content, first)
        figures = [one for part in content.get("sections", {}).values() for one in part.get("figures", [])]
        way = rng.random()
        if way < 0.2 and figures:
            rng.choice(figures)["file"] = rng.choice(FILES)
        elif way < 0.35:
            del place[key]
        elif isinstance(place[key], (int, float)) and way < 0.8:
            place[key] = rng.choice(NUMBERS)
        else:
            place[key] = rng.choice((*ODD_VALUES, *NUMBERS, "a\nb", "x" * 100_000, CODE))
    return json.dumps(content).encode()


PAGE_VALUES: dict[str, Mutator] = {"page values": page_values}
