"""What interventions on layers, groups of layers and nodes do to the network's score."""

from interp.report.sections.interventions.sweeps import section

__all__ = ["section"]
