"""What the results say, in plain words; computed once, here."""

from interp.verdict.attribution import AttributionOptions, attribute
from interp.verdict.evidence import Evidence
from interp.verdict.judge import judge

__all__ = ["AttributionOptions", "Evidence", "attribute", "judge"]
