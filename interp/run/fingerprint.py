"""Whether a stage would find the same again: one digest over all that what it finds depends on."""

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
from typing import TYPE_CHECKING, Any

from interp.run.stage import Stage
from interp.types import Provenance, as_json

if TYPE_CHECKING:
    from interp.run.run import Run

PACKAGE = Path(__file__).parents[1]
SHOWS_ONLY = ("report", "cli", "api", "__main__.py")
"""What of the package changes no result of a stage."""


def stage_provenance(run: Run, stage: Stage) -> Provenance:
    """Give where the results of a stage come from, with their fingerprint.

    Raises
    ------
    MismatchError
        If a stage that it needs has not been run.
    """
    made = run.provenance
    said = {key: made.settings.get(key) for key in ("checkpoint", "data", "data_options", "load", "reading")}
    settings = {**said, "stage": stage.name, "options": options_of(run, stage)}
    facts = {
        **settings,
        "model": made.model_digest,
        "data": made.data_digest,
        "seed": made.seed,
        "versions": made.versions,
        "needs": {name: fingerprint_of(run.provenance_of(name)) for name in stage.needs},
        "inputs": None if stage.inputs is None else stage.inputs(run),
        "code": [code_digest(), *user_code(run, stage, settings)],
    }
    del facts["checkpoint"], facts["data_options"]  # the same files elsewhere give the same results
    fingerprint = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
    return replace(made, settings={**settings, "fingerprint": fingerprint})


def fingerprint_of(provenance: Provenance) -> str:
    """Give the fingerprint that a file was written with; empty for files of versions without."""
    return str(provenance.settings.get("fingerprint", ""))


def options_of(run: Run, stage: Stage) -> dict[str, Any]:
    """Give the values of the options that shape what a stage finds, as JSON has them."""
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
    """Give the SHA-256 of the files that a network's classes, a stage and what options name were imported from.

    What such a file imports in turn is not looked at.
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
    installed = (*(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")), str(PACKAGE))
    path = Path(found).resolve()
    return None if any(path.is_relative_to(folder) for folder in installed) or not path.is_file() else path
