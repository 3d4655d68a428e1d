"""Importance of each node, by Captum and by our own ablation, on the same inputs."""

from interp.verdict.attribution.attribute import AttributionOptions, attribute

__all__ = ["AttributionOptions", "attribute"]
