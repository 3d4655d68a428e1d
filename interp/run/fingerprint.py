"""Fingerprints of stages: one digest over all that a stage's results depend on."""

from __future__ import annotations

import hashlib
import json
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any

from interp.run.settings.looked_at import QUICK_LAYERS
from interp.run.stage import Run, Stage
from interp.types import Provenance, as_json

PACKAGE = Path(__file__).parents[1]
SHOWS_ONLY = ("report", "gate", "comparison", "cli", "api", "__main__.py")
"""Rooms of the package that change no result of a stage."""

SAID = ("checkpoint", "data", "data_options", "load", "reading")
"""Settings of a run that results hang on."""


def stage_provenance(run: Run, stage: Stage) -> Provenance:
    """Give the provenance that results of a stage have now, with their fingerprint and those of what they need.

    Parameters
    ----------
    run
        Model, data, options and folder.
    stage
        Stage whose results they are.

    Raises
    ------
    MismatchError
        If a stage that it needs has not been run.
    """
    made = _own_seed(run, stage)
    said = {key: made.settings.get(key) for key in SAID}
    said |= {key: made.settings[key] for key in (QUICK_LAYERS,) if key in made.settings}
    needs = {name: run.provenance_of(name).fingerprint for name in stage.needs}
    settings = {**said, "stage": stage.name, "options": options_of(run, stage), "needs": needs}
    facts = {
        **settings,
        "model": made.model_digest,
        "data": made.data_digest,
        "seed": made.seed,
        "versions": made.versions,
        "inputs": None if stage.inputs is None else stage.inputs(run),
        "code": [code_digest(), *user_code(run, stage, settings)],
    }
    del facts["checkpoint"], facts["data_options"]  # the same files elsewhere give the same results
    fingerprint = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
    return replace(made, settings={**settings, "fingerprint": fingerprint})


def _own_seed(run: Run, stage: Stage) -> Provenance:
    """Give the provenance of a run with the seed that a stage draws with: what is recorded may have its own."""
    is_recording = "recorded_seed" in stage.options
    return replace(run.provenance, seed=run.options.recorded_seed) if is_recording else run.provenance


def options_of(run: Run, stage: Stage) -> dict[str, Any]:
    """Give the values of the options that shape what a stage finds.

    Parameters
    ----------
    run
        Run with all options.
    stage
        Stage, which names its options.

    Returns
    -------
    dict
        Dotted name of an option -> value, as JSON has it.
    """
    return {name: as_json(attrgetter(name)(run.options), exact=True) for name in stage.options}


@cache
def code_digest() -> str:
    """Give the SHA-256 of the package's own code, less what only shows results."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE)
        if name.parts[0] not in SHOWS_ONLY:
            digest.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def user_code(run: Run, stage: Stage, settings: Mapping[str, Any]) -> list[str]:
    """Give the digests of the user's own code that a stage runs.

    These are the files that the network's classes, the stage and the values of its options were imported from; what
    such a file imports in turn is not looked at.

    Parameters
    ----------
    run
        Run with the network.
    stage
        Stage that is run.
    settings
        Settings of its provenance: ``load`` and ``options``.

    Returns
    -------
    list of str
        SHA-256 of each file, in the order of their paths.
    """
    named = {word.partition(":")[0] for word in _words((settings["load"], settings["options"])) if ":" in word}
    classes = {type(module).__module__ for module in run.model.module.modules()}
    files = {_own_file(name) for name in (*named, *classes, stage.run.__module__)}
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(filter(None, files))]


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _words(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _words(part)


def _own_file(module: str) -> Path | None:
    """Give the file of an imported module that is the user's own: of no package that is installed, nor of ours."""
    found = getattr(sys.modules.get(module), "__file__", None)
    if found is None:
        return None
    path = Path(found).resolve()
    return None if any(path.is_relative_to(folder) for folder in _installed()) or not path.is_file() else path


@cache
def _installed() -> tuple[str, ...]:
    return (*(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")), str(PACKAGE))
