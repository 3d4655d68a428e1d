"""The gate: conditions on a network, for build servers and tests."""

from __future__ import annotations

TYPE_CHECKING = False  # the pytest plugin lies here: nothing is imported before it is used

if TYPE_CHECKING:
    from typing import Any

    from interp.gate.against import conditions_against, read_baseline
    from interp.gate.check import Gate, conditions_of
    from interp.gate.conditions import METRICS, Condition, Metric, Outcome, parse_conditions
    from interp.gate.written import junit, summary

__all__ = [
    "METRICS",
    "Condition",
    "Gate",
    "Metric",
    "Outcome",
    "conditions_against",
    "conditions_of",
    "junit",
    "parse_conditions",
    "read_baseline",
    "summary",
]

_HOMES = {
    "against": ("conditions_against", "read_baseline"),
    "check": ("Gate", "conditions_of"),
    "conditions": ("METRICS", "Condition", "Metric", "Outcome", "parse_conditions"),
    "written": ("junit", "summary"),
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used."""
    import importlib

    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'interp.gate' has no attribute {name!r}")
    return getattr(importlib.import_module(f"interp.gate.{home}"), name)
