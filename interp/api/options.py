"""Keywords of `analyse`, as type checkers and editors see them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, get_type_hints

import numpy as np

from interp.errors import unknown_name
from interp.run import all_settings

OWN = ("stages", "until", "others", "out", "overwrite", "progress")
"""What is said in a call, and is no setting of the command line."""


class Said(TypedDict, total=False):
    """Keywords of `analyse` that are named as on the command line; None stands for what was not said."""

    seed: int | None
    store: bool | float | str | None
    store_dtype: str | None
    predictions: bool | None
    forward_dtype: str | None
    positions: int | None
    codec: str | None
    preset: str | None
    epsilon: float | None
    scaling: str | None
    activation: str | None
    output: str | None
    task: str | None
    logits: str | None
    format: str | None
    member: str | None
    prefix: str | None
    fixed_point: int | None
    label_order: str | None
    heads: int | None
    weighed_rows: int | None
    only: str | None
    model: str | None
    weights: str | Path | None
    allow_pickle: bool | None
    target: str | None
    data_root: str | Path | None
    offline: bool | None
    header: str | None
    fill: str | None
    categories: str | None
    image_size: int | None
    interventions: Sequence[str] | None
    levels: int | None
    layers: Sequence[str] | None
    nodes: Sequence[str] | None
    together: Sequence[Sequence[str]] | None
    curve_levels: int | None
    ablation: bool | None
    everything: bool | None
    quick: bool | None
    nodes_per_layer: int | None
    single_nodes: int | None
    swept_layers: int | None
    inputs: int | None
    read_copies: int | None


def settings_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """Give keywords in plain types, as the command line has them.

    Parameters
    ----------
    said
        Keyword -> value; None where the user gave none.

    Returns
    -------
    dict
        Keyword -> value of a plain Python type, without those that are None.

    Raises
    ------
    UsageError
        If a name is unknown, with the close ones.

    Examples
    --------
    >>> settings_of({"levels": np.int64(5), "layers": ["fc1"], "seed": None})
    {'levels': 5, 'layers': ['fc1']}
    """
    known = (*all_settings(), *OWN)
    for name in said:
        if name not in known:
            raise unknown_name("option of analyse", name, known)
    return {name: _plain(value) for name, value in said.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    return str(value) if isinstance(value, Path) else value


def spelled_out(function: Any) -> inspect.Signature:
    """Give a function's signature with every keyword of `Said` in place of ``**options``, as a notebook shows it.

    Parameters
    ----------
    function
        Function whose last parameter is ``**options``.

    Examples
    --------
    >>> def analyse(source, **options): ...
    >>> list(spelled_out(analyse).parameters)[:2]
    ['source', 'seed']
    """
    plain = inspect.signature(function)
    said = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in get_type_hints(Said).items()
    ]
    own = [each for each in plain.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    return plain.replace(parameters=[*own, *said])
