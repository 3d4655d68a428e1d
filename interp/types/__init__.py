"""The results that flow from stage to stage: frozen dataclasses of plain arrays.

Axis letters: S samples (rows), N nodes of one layer, K mixture components, C classes, D inputs,
E levels of a threshold, R repetitions of a null, T exemplars.
"""

from __future__ import annotations

from interp.types.arrays import Array, Rows, as_column, as_indices, as_rows
from interp.types.boundaries import KINDS, UNSAMPLED, Boundaries, Coherence, Screening, Thresholds
from interp.types.data import Dataset, InputPart, Split
from interp.types.effects import Attribution, Effects, RunEffects
from interp.types.gaussians import GaussianFit
from interp.types.json_values import as_json
from interp.types.networks import Confidence, Inference, LoadedModel, NodeLayer, Scaling
from interp.types.page import Figure, Section, Table
from interp.types.prototypes import ClusterMatch, Prototypes
from interp.types.reading import Beside, LayerVerdict, Leaning, ReadingProfile
from interp.types.recordings import ForwardLoss, LabelledInputs, LayerRows, Provenance, Recording
from interp.types.results import SEVERITIES, Alert, Answer, Limit, Made, Results, Severity, Timing, Verdict

__all__ = [
    "KINDS",
    "SEVERITIES",
    "UNSAMPLED",
    "Alert",
    "Answer",
    "Array",
    "Attribution",
    "Beside",
    "Boundaries",
    "ClusterMatch",
    "Coherence",
    "Confidence",
    "Dataset",
    "Effects",
    "Figure",
    "ForwardLoss",
    "GaussianFit",
    "Inference",
    "InputPart",
    "LabelledInputs",
    "LayerRows",
    "LayerVerdict",
    "Leaning",
    "Limit",
    "LoadedModel",
    "Made",
    "NodeLayer",
    "Prototypes",
    "Provenance",
    "ReadingProfile",
    "Recording",
    "Results",
    "Rows",
    "RunEffects",
    "Scaling",
    "Screening",
    "Section",
    "Severity",
    "Split",
    "Table",
    "Thresholds",
    "Timing",
    "Verdict",
    "as_column",
    "as_indices",
    "as_json",
    "as_rows",
]
