"""Run one stage from the files of those before it."""

from __future__ import annotations

import argparse
from pathlib import Path

from interp.cli.arguments import OUT, OVERWRITE, add_settings, said, settings_of
from interp.cli.call import Call
from interp.run.folder import locked, remove_run
from interp.run.pipeline import run_stage
from interp.run.progress import told
from interp.run.resumption import resume
from interp.run.run import Run, start
from interp.run.settings.said import data_options_from, load_options_from, options_from
from interp.run.stages import SEVERAL, find_stage
from interp.run.summaries import limited
from interp.store import check_writable

OVER_NETWORKS = {"intervene": SEVERAL}
"""Stage -> the one that is run in its place where several networks are given."""


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Add the stage's own options."""
    stage = find_stage(command)
    parser.description = stage.does
    if stage.needs:
        parser.add_argument("checkpoint", nargs="?", help="file of the network (default: what the folder was made of)")
    else:
        parser.add_argument("checkpoint", help="file of the trained network")
        parser.add_argument("--overwrite", action="store_true", help=OVERWRITE)
    if command in OVER_NETWORKS:
        parser.add_argument("others", nargs="*", default=[], help="further runs of that architecture, to test over all")
    parser.add_argument("--out", required=True, help=OUT)
    add_settings(parser, settings_of(stage))


def run(args: argparse.Namespace, call: Call) -> None:
    """Run the stage, and print a line a layer and the name of its file."""
    run = _opened(args, call.command)
    stage = find_stage(OVER_NETWORKS[call.command]) if run.others else run.stage(find_stage(call.command).name)
    with locked(run.out):
        if getattr(args, "overwrite", False):
            remove_run(run.out, [stage.file for stage in run.stages.values()])
        _, *lines = stage.lines(run_stage(run, stage, told))
    for line in (*lines, *limited(run.limits)):
        print(line)
    print(run.out / stage.file)


def _opened(args: argparse.Namespace, command: str) -> Run:
    """Open the checkpoint that was given, or else what the folder was made of."""
    out, values = Path(args.out), said(args)
    check_writable(out)
    options, load, where = options_from(values, "--"), load_options_from(values, "--"), data_options_from(values, "--")
    further = [command] if ":" in command else []
    if args.checkpoint is None:
        return resume(out, options, load, args.data, further)
    return start(args.checkpoint, out, args.data, load, where, options, getattr(args, "others", ()), further)
