"""Stages in order, on one model, one data set and one folder."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interp.run.folder import locked, remove_run
    from interp.run.pipeline import Done, read_run, run_all, run_stage, run_stages
    from interp.run.progress import told
    from interp.run.resumption import resume
    from interp.run.run import Run, run_on, start
    from interp.run.settings.limits import Limits
    from interp.run.settings.options import Options
    from interp.run.settings.said import data_options_from, load_options_from, options_from
    from interp.run.settings.settings import Setting, all_settings, cut_names
    from interp.run.stage import Stage
    from interp.run.stages import SEVERAL, STAGES, all_stages, find_stage
    from interp.run.summaries import describe, limited, one_line

__all__ = [
    "SEVERAL",
    "STAGES",
    "Done",
    "Limits",
    "Options",
    "Run",
    "Setting",
    "Stage",
    "all_settings",
    "all_stages",
    "cut_names",
    "data_options_from",
    "describe",
    "find_stage",
    "limited",
    "load_options_from",
    "locked",
    "one_line",
    "options_from",
    "read_run",
    "remove_run",
    "resume",
    "run_all",
    "run_on",
    "run_stage",
    "run_stages",
    "start",
    "told",
]

_HOMES = {
    "folder": ("locked", "remove_run"),
    "pipeline": ("Done", "read_run", "run_all", "run_stage", "run_stages"),
    "progress": ("told",),
    "resumption": ("resume",),
    "run": ("Run", "run_on", "start"),
    "settings.limits": ("Limits",),
    "settings.options": ("Options",),
    "settings.said": ("data_options_from", "load_options_from", "options_from"),
    "settings.settings": ("Setting", "all_settings", "cut_names"),
    "stage": ("Stage",),
    "stages": ("SEVERAL", "STAGES", "all_stages", "find_stage"),
    "summaries": ("describe", "limited", "one_line"),
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: ``--help`` reads the list of stages and must not wait for torch."""
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'interp.run' has no attribute {name!r}")
    return getattr(importlib.import_module(f"interp.run.{home}"), name)
