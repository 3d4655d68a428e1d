"""See what each node of a trained network learned, and what the network runs on.

Examples
--------
>>> import interp
>>> z = [[-1.0], [0.0], [1.0], [2.0]]
>>> import numpy as np
>>> interp.fit_gaussians(np.array(z)).mean
array([0.5])
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "DataOptions": "interp.data",
    "InterpError": "interp.errors",
    "LoadOptions": "interp.checkpoints",
    "Options": "interp.run.options",
    "Thresholds": "interp.types",
    "attribute": "interp.verdict.attribution",
    "classify_boundaries": "interp.analysis.boundaries",
    "find_prototypes": "interp.analysis.prototypes",
    "fit_gaussians": "interp.analysis.gaussians",
    "intervene": "interp.interventions",
    "load_dataset": "interp.data",
    "load_model": "interp.checkpoints",
    "match_clusters": "interp.analysis.clusters",
    "open_recording": "interp.store",
    "record_activations": "interp.recording.record",
    "run_all": "interp.run.pipeline",
    "start": "interp.run.run",
    "write_report": "interp.report.page",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import interp`` is quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'interp' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
