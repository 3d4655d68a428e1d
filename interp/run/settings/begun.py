"""Options of what is recorded, and how, as the recording of a folder was made with: later commands go on with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from interp.errors import MismatchError, UsageError, unknown_name
from interp.recording import StoreOptions
from interp.recording.kept import store_of
from interp.recording.options import FORWARD
from interp.run.settings.looked_at import QUICK_LAYERS
from interp.run.settings.options import Options
from interp.store.codec.rows import find_codec
from interp.store.precision.kinds import find_kind
from interp.types import Provenance
from interp.types.annotations.flags import Seed
from interp.types.annotations.held import Misfit, check_value


def as_recorded(options: Options, made: Provenance, path: Path) -> Options:
    """Give options whose parts that shape a recording are those that a folder's recording was made with.

    These are the samples that are stored, the seed that drew them and the positions, the layers of a quick look, and
    every field of `StoreOptions`; a field that the recording does not name, since it is no part of it or of an earlier
    version, has its default.

    Parameters
    ----------
    options
        Options that shape the results.
    made
        Provenance of the recording, or of the statistics in its place.
    path
        File that it was read from, for the error.

    Raises
    ------
    MismatchError
        If the file holds values that no option has.

    Examples
    --------
    >>> made = Provenance("ab", "cd", 3, {}, {"options": {"recording.predictions": False, "store": False}})
    >>> found = as_recorded(Options(seed=5), made, Path("statistics.h5"))
    >>> found.seed, found.recorded_seed, found.recording.predictions, found.store
    (5, 3, False, False)
    """
    said = _flat(made.settings.get("options"))
    named = {f"recording.{each.name}": each.name for each in fields(StoreOptions)}
    how = StoreOptions(**{name: said[path] for path, name in named.items() if path in said})
    try:
        check_value("recording", how, StoreOptions, {})
        check_value("seed", made.seed, Seed, {})
        layers = tuple(made.settings.get(QUICK_LAYERS, ()))
        check_value(QUICK_LAYERS, layers, tuple[str, ...], {})
        store = store_of(said.get("store", True), "store")
        check_recording(replace(options, recording=how, store=store))
    except (Misfit, UsageError) as error:
        wanted, remedy = "options that a recording can have", "run `python -m interp record`"
        raise MismatchError(path, found=f"a recording with {error.where}", expected=wanted, do=remedy) from error
    return replace(options, recording=how, store=store, store_seed=made.seed, quick_layers=layers)


def _flat(said: Any) -> dict[str, Any]:
    """Give options by their dotted names, also those that are saved as a group."""
    found: dict[str, Any] = {}
    for name, value in said.items() if isinstance(said, Mapping) else ():
        parts = {f"{name}.{part}": one for part, one in value.items()} if isinstance(value, Mapping) else {name: value}
        found.update(parts)
    return found


LABELS = {name: f"options.recording.{name}" for name in ("dtype", "forward", "codec")}
"""Field of `StoreOptions` that says how values are stored or computed -> its name in errors."""


def check_recording(options: Options, labels: Mapping[str, str] = LABELS, no_store: str = "store=False") -> None:
    """See that options say how to record in words that are known, and only of activations that are stored.

    Parameters
    ----------
    options
        Options that shape the results.
    labels
        Field of `StoreOptions` -> its name in errors.
    no_store
        Words by which the user leaves activations unstored, for the error.

    Raises
    ------
    UsageError
        If a type or codec is unknown, or something is said of how values are stored where none are.

    Examples
    --------
    >>> check_recording(Options(store=False, recording=StoreOptions(forward="bfloat16")))
    Traceback (most recent call last):
    ...
    interp.errors.UsageError: options.recording.forward: found bfloat16; expected activations that are stored; leave \
it out, or store=False
    """
    find_kind(options.recording.dtype, labels["dtype"])
    find_codec(options.recording.codec, labels["codec"])
    if options.recording.forward not in FORWARD:
        raise unknown_name(labels["forward"], options.recording.forward, FORWARD)
    for name, label in labels.items():
        value = getattr(options.recording, name)
        if not options.store and value != getattr(StoreOptions(), name):
            do = f"leave it out, or {no_store}"
            raise UsageError(label, found=value, expected="activations that are stored", do=do)
