"""Stages in order, on one model, one data set and one folder."""

from __future__ import annotations

from interp.exports import on_first_use

TYPE_CHECKING = False  # type checkers read it as true

if TYPE_CHECKING:
    from interp.run.find import all_stages, find_stage
    from interp.run.folder import locked, remove_run
    from interp.run.pipeline import Done, read_run, run_all, run_stage, run_stages
    from interp.run.progress import told
    from interp.run.resumption import as_begun, resume
    from interp.run.run import run_on, start
    from interp.run.settings.limits import Limits
    from interp.run.settings.options import Options
    from interp.run.settings.said import data_options_from, load_options_from, options_from
    from interp.run.settings.settings import Setting, all_settings, cut_names
    from interp.run.stage import Run, Stage
    from interp.run.stages import SEVERAL, STAGES
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
    "as_begun",
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
    "interp.run.find": ("all_stages", "find_stage"),
    "interp.run.folder": ("locked", "remove_run"),
    "interp.run.pipeline": ("Done", "read_run", "run_all", "run_stage", "run_stages"),
    "interp.run.progress": ("told",),
    "interp.run.resumption": ("as_begun", "resume"),
    "interp.run.run": ("run_on", "start"),
    "interp.run.settings.limits": ("Limits",),
    "interp.run.settings.options": ("Options",),
    "interp.run.settings.said": ("data_options_from", "load_options_from", "options_from"),
    "interp.run.settings.settings": ("Setting", "all_settings", "cut_names"),
    "interp.run.stage": ("Run", "Stage"),
    "interp.run.stages": ("SEVERAL", "STAGES"),
    "interp.run.summaries": ("describe", "limited", "one_line"),
}

if not TYPE_CHECKING:  # ``--help`` reads the list of stages, and must not wait for torch
    __getattr__ = on_first_use(__name__, _HOMES)
