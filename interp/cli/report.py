"""Run every stage, and write the page."""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path

from interp.checkpoints.architectures.named import out_name
from interp.cli.arguments import OVERWRITE, add_settings, said
from interp.cli.call import Call
from interp.ranks import current
from interp.report.page import write_report
from interp.report.sections import SECTIONS
from interp.run import (
    all_settings,
    cut_names,
    data_options_from,
    load_options_from,
    locked,
    one_line,
    options_from,
    remove_run,
    run_all,
    run_stages,
    start,
    told,
)
from interp.run.timings import keep_timing, timing_lines
from interp.safety import import_name
from interp.store import check_writable
from interp.types import Timing


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Add the arguments and every setting.

    Parameters
    ----------
    parser
        Command line that gets the arguments.
    command
        Name of the command, ``report``.
    """
    parser.description = __doc__
    parser.add_argument("checkpoint", help="file of the trained network")
    parser.add_argument("others", nargs="*", default=[], help="further runs of that architecture, to test over all")
    parser.add_argument("--out", help="folder for the report (default: report-NAME)")
    parser.add_argument("--overwrite", action="store_true", help=OVERWRITE)
    for what in ("stages", "sections"):
        text = f"further {what}, each package.module:name, separated by commas"
        parser.add_argument(f"--{what}", metavar="NAMES", help=text)
    parser.add_argument("--until", metavar="STAGE", help="last stage before the page (default: all of them)")
    parser.add_argument("--timings", action="store_true", help="say on the error stream how long each step took")
    add_settings(parser, all_settings().values())


def run(args: argparse.Namespace, call: Call) -> None:
    """Run every stage, write the page, and print the verdict.

    Parameters
    ----------
    args
        Parsed command line.
    call
        Command as it was typed, printed under "Reproduce" on the page.

    Raises
    ------
    InterpError
        If the options, the network, the data or the folder cannot be used.
    """
    begun = time.perf_counter()
    values, out = said(args), Path(args.out or f"report-{out_name(args.checkpoint)}")
    current().from_first(partial(check_writable, out))  # which leaves nothing behind, and so cannot be done by two
    sections = {name: name for name in _names(args, "sections")}
    for name in sections:
        import_name(name, "--sections")  # a wrong one is refused before the long work
    options, load, where = options_from(values, "--"), load_options_from(values, "--"), data_options_from(values, "--")
    further = _names(args, "stages")
    run = start(
        args.checkpoint, out, args.data, load, where, options, args.others, further, args.until or "", args.overwrite
    )
    print(one_line(run.model))
    before = (Timing("imports", begun - call.begun), Timing("load", time.perf_counter() - begun))
    with locked(out, run.ranks):
        if args.overwrite:
            run.ranks.from_first(lambda: remove_run(out, [stage.file for stage in run.stages.values()]))
        if not run.ranks.is_first:
            run_stages(run)
            return
        results = run_all(run, told, before)
        drawn = time.perf_counter()
        write_report(results, out, call.typed, SECTIONS | sections)
        timings = (*results.timings, Timing("page", time.perf_counter() - drawn))
        for one in (*before, timings[-1]):
            keep_timing(out, one.step, one.seconds)
    if args.timings:
        print(*timing_lines(timings), sep="\n", file=sys.stderr)
    print(results.verdict.headline)
    print(out / "report.html")


def _names(args: argparse.Namespace, what: str) -> tuple[str, ...]:
    """Cut the names of a further option at their commas; none where it was not given."""
    text = getattr(args, what)
    return () if text is None else cut_names(text, f"--{what}")
