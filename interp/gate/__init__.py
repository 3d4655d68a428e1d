"""The gate: conditions on a network, for build servers and tests."""

from __future__ import annotations

from interp.exports import on_first_use

TYPE_CHECKING = False  # type checkers read it as true

if TYPE_CHECKING:
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
    "interp.gate.against": ("conditions_against", "read_baseline"),
    "interp.gate.check": ("Gate", "conditions_of"),
    "interp.gate.conditions": ("METRICS", "Condition", "Metric", "Outcome", "parse_conditions"),
    "interp.gate.written": ("junit", "summary"),
}

if not TYPE_CHECKING:  # the pytest plugin lies here: nothing is imported before it is used
    __getattr__ = on_first_use(__name__, _HOMES)
