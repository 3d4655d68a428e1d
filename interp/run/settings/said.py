"""Settings by name, as a user gave them -> the options of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from interp.analysis import preset
from interp.checkpoints import LoadOptions
from interp.data import DataOptions
from interp.errors import UsageError
from interp.run.settings.begun import check_recording
from interp.run.settings.options import Options
from interp.run.settings.settings import all_settings, check_settings, label_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Instance = TypeVar("Instance", bound="DataclassInstance")

STORED = {"dtype": "store_dtype", "forward": "forward_dtype", "codec": "codec"}
"""Field of `StoreOptions` that says how values are stored or computed -> its setting."""


def options_from(values: Mapping[str, Any], dashes: str = "") -> Options:
    """Make the options of a run from settings by name.

    Parameters
    ----------
    values
        Name of a setting -> value; what is missing, or None, takes its default.
    dashes
        Prefix of a setting's name in errors: two dashes on the command line.

    Returns
    -------
    Options
        Options that shape the results.

    Raises
    ------
    UsageError
        If a value is of another type, or out of range, or says how to store what is not stored.

    Examples
    --------
    >>> options_from({"levels": 5, "seed": 3}).interventions.levels
    5
    """
    said = check_settings(values, dashes)
    if said.get("curve_levels") == 1:
        label = label_of("curve_levels", dashes)
        raise UsageError(label, found="1", expected="0, or 2 and more", do="leave it out for the default")
    options = _filled(Options(thresholds=preset(said.get("preset", "default"))), "", said)
    labels = {field: label_of(name, dashes) for field, name in STORED.items()}
    check_recording(options, labels, "--no-store" if dashes else "store=False")
    groups = (*((node,) for node in said.get("nodes", ())), *(tuple(sites) for sites in said.get("together", ())))
    caps = {name: said[name] for name in ("levels", "curve_levels") if name in said}
    return replace(
        options,
        interventions=replace(options.interventions, seed=options.seed, groups=groups),
        clusters=replace(options.clusters, seed=options.seed),
        attribution=replace(options.attribution, seed=options.seed),
        reading=replace(options.reading, seed=options.seed),
        limits=replace(options.limits, **caps),
    )


def load_options_from(values: Mapping[str, Any], dashes: str = "") -> LoadOptions:
    """Make the options of how a model is opened from settings by name; parameters and errors as of `options_from`.

    Examples
    --------
    >>> load_options_from({"activation": "relu", "seed": 3}).activation
    'relu'
    """
    said = check_settings(values, dashes)
    options = replace(_filled(LoadOptions(), "load.", said), seed=said.get("seed", 0))
    return options if options.weights is None else replace(options, weights=str(Path(options.weights).resolve()))


def data_options_from(values: Mapping[str, Any], dashes: str = "") -> DataOptions:
    """Make the options of where data are found from settings by name; parameters and errors as of `options_from`.

    Examples
    --------
    >>> data_options_from({"offline": True}).offline
    True
    """
    return _filled(DataOptions(), "data.", check_settings(values, dashes))


def _filled(options: Instance, prefix: str, said: Mapping[str, Any]) -> Instance:
    """Put what was said into the fields of options, and of the options that these hold."""
    settings = {setting.path: setting.name for setting in all_settings().values()}
    changes: dict[str, Any] = {}
    for each in fields(options):
        value, path = getattr(options, each.name), prefix + each.name
        if is_dataclass(value) and not isinstance(value, type):
            changes[each.name] = _filled(value, f"{path}.", said)
        elif settings.get(path) in said:
            given = said[settings[path]]
            changes[each.name] = tuple(given) if isinstance(given, list) else given
    return replace(options, **changes)
