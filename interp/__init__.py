"""See what each node of a trained network learned, and what the network runs on.

Examples
--------
>>> import interp
>>> import numpy as np
>>> interp.fit_gaussians(np.array([[-1.0], [0.0], [1.0], [2.0]])).mean
array([0.5])
"""

from __future__ import annotations

from interp.exports import on_first_use

TYPE_CHECKING = False  # type checkers read it as true; `typing` itself takes longer to import than all that is here

if TYPE_CHECKING:
    from interp.analysis import (
        ClusterOptions,
        GaussianOptions,
        PrototypeOptions,
        classify_boundaries,
        find_prototypes,
        fit_gaussians,
        match_clusters,
    )
    from interp.api import Analysis, analyse, check, compare, export
    from interp.checkpoints import LoadOptions, as_found, load_model
    from interp.data import DataOptions, load_dataset, stream
    from interp.errors import CheckpointError, DataError, InterpError, MismatchError, UsageError
    from interp.interventions import Edit, InterventionOptions, Ranges, intervene
    from interp.recording import record_activations
    from interp.report import write_report
    from interp.run import Options, run_all, start
    from interp.store import open_recording
    from interp.types import Dataset, LabelledInputs, LayerRows, LoadedModel, Provenance, Results, Split, Thresholds
    from interp.verdict.attribution import AttributionOptions, attribute

__all__ = [
    "Analysis",
    "AttributionOptions",
    "CheckpointError",
    "ClusterOptions",
    "DataError",
    "DataOptions",
    "Dataset",
    "Edit",
    "GaussianOptions",
    "InterpError",
    "InterventionOptions",
    "LabelledInputs",
    "LayerRows",
    "LoadOptions",
    "LoadedModel",
    "MismatchError",
    "Options",
    "PrototypeOptions",
    "Provenance",
    "Ranges",
    "Results",
    "Split",
    "Thresholds",
    "UsageError",
    "analyse",
    "as_found",
    "attribute",
    "check",
    "classify_boundaries",
    "compare",
    "export",
    "find_prototypes",
    "fit_gaussians",
    "intervene",
    "load_dataset",
    "load_model",
    "match_clusters",
    "open_recording",
    "record_activations",
    "run_all",
    "start",
    "stream",
    "write_report",
]

_HOMES = {
    "interp.analysis": (
        "ClusterOptions",
        "GaussianOptions",
        "PrototypeOptions",
        "classify_boundaries",
        "find_prototypes",
        "fit_gaussians",
        "match_clusters",
    ),
    "interp.api": ("Analysis", "analyse", "check", "compare", "export"),
    "interp.checkpoints": ("LoadOptions", "as_found", "load_model"),
    "interp.data": ("DataOptions", "load_dataset", "stream"),
    "interp.errors": ("CheckpointError", "DataError", "InterpError", "MismatchError", "UsageError"),
    "interp.interventions": ("Edit", "InterventionOptions", "Ranges", "intervene"),
    "interp.recording": ("record_activations",),
    "interp.report": ("write_report",),
    "interp.run": ("Options", "run_all", "start"),
    "interp.store": ("open_recording",),
    "interp.types": (
        "Dataset",
        "LabelledInputs",
        "LayerRows",
        "LoadedModel",
        "Provenance",
        "Results",
        "Split",
        "Thresholds",
    ),
    "interp.verdict.attribution": ("AttributionOptions", "attribute"),
}
"""Module -> the public names that it holds; the same as above, for when the program runs."""

if not TYPE_CHECKING:  # type checkers see the imports above, and find wrong names
    __getattr__ = on_first_use(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
