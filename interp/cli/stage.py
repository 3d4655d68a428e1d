"""Run one stage from the files of those before it."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from interp.cli.arguments import OUT, OVERWRITE, add_settings, said, settings_of
from interp.cli.call import Call
from interp.ranks import current
from interp.run import (
    SEVERAL,
    Run,
    as_begun,
    data_options_from,
    find_stage,
    limited,
    load_options_from,
    locked,
    options_from,
    remove_run,
    resume,
    run_stage,
    start,
    told,
)
from interp.store import check_writable
from interp.store.shards.opening import file_of

OVER_NETWORKS = {"intervene": SEVERAL}
"""Stage -> the one that is run in its place where several networks are given."""


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Add the arguments of one stage: the network, the folder, and the settings that shape its results.

    Parameters
    ----------
    parser
        Command line that gets the arguments.
    command
        Name of the stage, or ``package.module:name`` of a user's own.
    """
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
    """Run the stage, and print a line a layer and the name of its file.

    Parameters
    ----------
    args
        Parsed command line.
    call
        Command as it was typed.

    Raises
    ------
    InterpError
        If the options, the network, the data or the folder cannot be used.
    """
    run = _opened(args, call.command)
    stage = find_stage(OVER_NETWORKS[call.command]) if run.others else run.stage(find_stage(call.command).name)
    with locked(run.out, run.ranks):
        if getattr(args, "overwrite", False):
            run.ranks.from_first(lambda: remove_run(run.out, [stage.file for stage in run.stages.values()]))
        found = run_stage(run, stage, told)
    if not run.ranks.is_first:
        return
    _, *lines = stage.lines(found)
    for line in (*lines, *limited(run.limits)):
        print(line)
    print(file_of(run.out / stage.file))


def _opened(args: argparse.Namespace, command: str) -> Run:
    """Open the checkpoint that was given, or else what the folder was made of."""
    out, values = Path(args.out), said(args)
    current().from_first(partial(check_writable, out))  # which leaves nothing behind, and so cannot be done by two
    options, load, where = options_from(values, "--"), load_options_from(values, "--"), data_options_from(values, "--")
    further = [command] if ":" in command else []
    if args.checkpoint is None:
        return resume(out, options, load, args.data, further, where, said=values)
    if "store" not in find_stage(command).options:  # which `record` alone is asked
        options = as_begun(out, options)
    return start(args.checkpoint, out, args.data, load, where, options, getattr(args, "others", ()), further)
