"""Shapes and kinds of what results hold, checked when a file is read: later stages trust them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

FLOAT, WHOLE, TEXT = "biuf", "iu", "UO"

ARRAYS: dict[str, dict[str, tuple[str, str]]] = {
    "GaussianFit": {
        **dict.fromkeys(("mean", "var", "skewness", "kurtosis", "minimum", "maximum"), (FLOAT, "N")),
        **dict.fromkeys(("ks", "ks_mixture", "positive_share"), (FLOAT, "N")),
        "class_count": (FLOAT, "C"),
        **dict.fromkeys(("class_mean", "class_var"), (FLOAT, "CN")),
        **dict.fromkeys(("weight", "component_mean", "component_var", "bic"), (FLOAT, "NK")),
        "components": (WHOLE, "N"),
        "histogram": (FLOAT, "NB"),
        "sampled": (WHOLE, "M"),
    },
    "Boundaries": {
        "kind": (TEXT, "N"),
        "component": (WHOLE, "N"),
        **dict.fromkeys(("distance", "distance_low", "distance_high", "p_value", "q_value"), (FLOAT, "N")),
        "component_distance": (FLOAT, "NK"),
        **dict.fromkeys(("epsilons", "share", "share_low", "share_high", "share_p_value"), (FLOAT, "E")),
        **dict.fromkeys(("null_share", "null_low", "null_high"), (FLOAT, "E")),
    },
    "Prototypes": {
        "layer_input": (FLOAT, "ND"),
        "network_input": (FLOAT, "NI"),
        "effective_count": (FLOAT, "N"),
        "exemplars": (WHOLE, "NT"),
        "input_mean": (FLOAT, "D"),
        "network_mean": (FLOAT, "I"),
        **dict.fromkeys(("projection", "weight"), (FLOAT, "ND")),
        "principal_coordinates": (FLOAT, "NP"),
        "whitening": (FLOAT, "N"),
        "sampled": (WHOLE, "N"),
    },
    "ClusterMatch": {
        "centroids": (FLOAT, "kD"),
        "match": (WHOLE, "N"),
        "distance": (FLOAT, "N"),
        "null_distance": (FLOAT, "R"),
    },
    "Attribution": dict.fromkeys(("conductance", "ablation", "captum_ablation"), (FLOAT, "N")),
}
"""Class -> field -> kinds of numpy's, and a letter an axis; one letter has one length within a result."""

OPTIONAL = ("sampled",)
"""Fields that may be None."""

TABLES: dict[str, dict[str, tuple[str, str]]] = {
    "ClusterMatch": {
        "agreement": ("pair", "ari nmi null_ari null_nmi"),
        "accuracy": ("classifier", "accuracy low high agreement samples"),
    },
    "Effects": {
        "table": (
            "layer intervention split",
            "node level samples accuracy low high loss difference difference_low difference_high p_value q_value",
        )
    },
    "RunEffects": {
        "table": (
            "layer intervention split",
            "level runs accuracy low high difference difference_low difference_high t p_value effect_size q_value",
        ),
        "single": ("layer intervention split", "run level accuracy difference"),
        "networks": ("checkpoint digest split", "run samples accuracy"),
    },
}
"""Class -> table -> its columns of text, and those of numbers."""


def check_shapes(result: Any) -> None:
    """Hold a result against what its class says.

    Raises
    ------
    ValueError
        Where an array has another kind or shape, or a column of a table other values.
    """
    name = type(result).__name__
    lengths: dict[str, int] = {}
    for field, (kinds, axes) in ARRAYS.get(name, {}).items():
        for array in () if field in OPTIONAL and getattr(result, field) is None else _arrays(getattr(result, field)):
            if not isinstance(array, np.ndarray) or array.dtype.kind not in kinds or array.ndim != len(axes):
                raise ValueError(f"{name}.{field} is no array ({', '.join(axes)})")
            for axis, length in zip(axes, array.shape, strict=True):
                if lengths.setdefault(axis, length) != length:
                    raise ValueError(f"{name}.{field} of shape {array.shape}")
    for field, (text, numbers) in TABLES.get(name, {}).items():
        _check_columns(f"{name}.{field}", getattr(result, field), text.split(), numbers.split())


def missing_columns(result: Any) -> list[str]:
    """List the columns that later stages read and a result's tables lack; an empty table may lack all."""
    tables = TABLES.get(type(result).__name__, {})
    return [
        f"{field}.{column}"
        for field, columns in tables.items()
        for column in " ".join(columns).split()
        if len(getattr(result, field)) and column not in getattr(result, field)
    ]


def _arrays(value: Any) -> Iterator[Any]:
    """Yield an array, or all those in mappings."""
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _arrays(part)
    else:
        yield value


def _check_columns(name: str, table: Any, text: list[str], numbers: list[str]) -> None:
    """Hold the columns that are there against what they should hold; an empty one may be of any kind."""
    if not isinstance(table, pd.DataFrame):
        raise ValueError(f"{name} is no table")
    odd = [one for one in numbers if one in table and len(table) and table[one].dtype.kind not in FLOAT]
    odd += [one for one in text if one in table and any(not isinstance(value, str) for value in table[one])]
    if odd:
        raise ValueError(f"{name} with other values in {', '.join(odd)}")
