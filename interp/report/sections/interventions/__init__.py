"""Costs of interventions on layers, groups of layers and nodes."""

from interp.report.sections.interventions.sweeps import section

__all__ = ["section"]
