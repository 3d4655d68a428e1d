"""Rows of a report.json named by what they are of, so that a row more or another order changes no other row."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

IDENTITY = ("network", "group", "layer", "node", "name", "intervention", "level", "split", "side", "class", "copy", "k")
"""Keys that say what a row is of."""


def by_identity(value: Any) -> Any:
    """Give every list of rows that are all of something different as an object: number of what a row is of -> row.

    Examples
    --------
    >>> first, second = {"layer": "fc1", "score": 0.5}, {"layer": "fc2", "score": 0.7}
    >>> by_identity([first, second]) == by_identity([second, first])
    True
    >>> by_identity([{"score": 0.5}, {"score": 0.7}])
    [{'score': 0.5}, {'score': 0.7}]
    """
    if isinstance(value, dict):
        return {key: by_identity(part) for key, part in value.items()}
    if not isinstance(value, list):
        return value
    named = {_number(row): by_identity(row) for row in value}
    return named if len(named) == len(value) and "" not in named else [by_identity(row) for row in value]


def _number(row: Any) -> str:
    """Give a number for what a row is of; empty where it does not say so."""
    named = {key: row.get(key) for key in IDENTITY} if isinstance(row, dict) else {}
    found = {key: value for key, value in named.items() if isinstance(value, int | float | str)}
    return str(int(sha256(json.dumps(found).encode()).hexdigest()[:12], 16)) if found else ""
