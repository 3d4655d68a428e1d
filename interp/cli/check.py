"""Turn a network down where a condition fails: for build servers."""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from interp.cli.arguments import OUT, OVERWRITE, add_settings, said, settings_of
from interp.cli.call import Call
from interp.gate.check import DEFAULT, conditions_of, facts_for, judged
from interp.gate.conditions import METRICS
from interp.gate.written import junit, summary
from interp.run import (
    data_options_from,
    find_stage,
    load_options_from,
    locked,
    options_from,
    remove_run,
    start,
)
from interp.store import check_writable, write_text

STAGES = ("record", "fit", "boundaries")
"""Stages whose settings a gate takes."""


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Add the arguments: the network, the conditions, the files to write, and the settings that shape what is found.

    Parameters
    ----------
    parser
        Command line that gets the arguments.
    command
        Name of the command, ``check``.
    """
    parser.description = f"{__doc__} Exit code 0: all conditions pass; 1: one fails; 2: it could not be checked."
    parser.add_argument("checkpoint", help="file of the trained network")
    names = ", ".join(METRICS)
    text = (
        'conditions, such as "dead>5%%, test_score<0.97, alert:untrained": '
        f"{names}; alert:NAME, or alert:error, alert:warning (default: {DEFAULT}, or those of --against)"
    )
    parser.add_argument("--fail-on", metavar="CONDITIONS", help=text)
    parser.add_argument("--against", metavar="FILE", help="report.json of an earlier run, to be no worse than")
    parser.add_argument("--junit", metavar="FILE", help="file to write the outcome into, as JUnit XML")
    parser.add_argument("--summary", metavar="FILE", help="file to write the outcome into, as Markdown")
    parser.add_argument("--out", help=f"{OUT} (default: a temporary one)")
    parser.add_argument("--overwrite", action="store_true", help=OVERWRITE)
    add_settings(parser, settings_of(*map(find_stage, STAGES)))


def run(args: argparse.Namespace, call: Call) -> int:
    """Check the network, and print a line a condition.

    Parameters
    ----------
    args
        Parsed command line.
    call
        Command as it was typed.

    Returns
    -------
    int
        Exit code: 0 where all conditions pass, 1 where one fails.

    Raises
    ------
    InterpError
        If the options, the network, the data or a file cannot be used.
    """
    begun, values = time.perf_counter(), said(args)
    conditions = conditions_of(args.fail_on, args.against, values.get("task"))
    for path in filter(None, (args.junit, args.summary)):
        check_writable(Path(path).parent)
    options, load, where = options_from(values, "--"), load_options_from(values, "--"), data_options_from(values, "--")
    with ExitStack() as stack:
        out = args.out or stack.enter_context(tempfile.TemporaryDirectory(prefix="interp-"))
        check_writable(Path(out))
        opened = start(args.checkpoint, out, args.data, load, where, options, overwrite=args.overwrite)
        if args.overwrite:
            with locked(opened.out):
                remove_run(opened.out, [stage.file for stage in opened.stages.values()])
        gate = judged(opened, facts_for(opened, conditions), conditions, time.perf_counter() - begun)
    for path, text in ((args.junit, junit), (args.summary, summary)):
        if path:
            write_text(Path(path), text(gate))
    print("\n".join(gate.lines()))
    return 0 if gate.passed else 1
