"""Compare networks: scores, errors, layers and nodes side by side."""

from __future__ import annotations

import argparse
from pathlib import Path

from interp.cli.arguments import OVERWRITE, add_settings, said, settings_of
from interp.cli.call import Call
from interp.comparison.compare import compare_members
from interp.comparison.members import STAGES, open_members, sources_of
from interp.comparison.snapshots import unpacked
from interp.report.comparison.page import write_comparison
from interp.run import (
    data_options_from,
    find_stage,
    load_options_from,
    options_from,
    told,
)
from interp.store import check_writable

NEEDED = ("record", "fit", *STAGES)
"""Stages whose settings a comparison takes."""


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Add the arguments: the networks, the folder, and the settings that shape what is found of each.

    Parameters
    ----------
    parser
        Command line that gets the arguments.
    command
        Name of the command, ``compare``.
    """
    parser.description = __doc__
    parser.add_argument("networks", nargs="+", help="files of trained networks, or folders of them (runs of one group)")
    parser.add_argument("--out", default="compare", help="folder for the page and each network's files")
    parser.add_argument("--overwrite", action="store_true", help=OVERWRITE)
    parser.add_argument("--brief", action="store_true", help="leave out prototypes and what layers are read at")
    parser.add_argument(
        "--snapshots",
        action="store_true",
        help="the networks are snapshots of one training: show what changed along it",
    )
    add_settings(parser, settings_of(*map(find_stage, NEEDED)))


def run(args: argparse.Namespace, call: Call) -> None:
    """Compare the networks, write the page, and print what differs.

    Parameters
    ----------
    args
        Parsed command line.
    call
        Command as it was typed.

    Raises
    ------
    InterpError
        If the options, a network, the data or the folder cannot be used.
    """
    check_writable(Path(args.out))
    given = unpacked(args.networks, args.out) if args.snapshots else args.networks
    values, sources = said(args), sources_of(given)
    options, load, where = options_from(values, "--"), load_options_from(values, "--"), data_options_from(values, "--")
    stages = STAGES[:1] if args.brief else STAGES
    members = open_members(sources, args.data, args.out, load, where, options, stages, args.overwrite, told)
    found = compare_members(members, args.snapshots)
    page = write_comparison(found, args.out, call.typed)
    columns = ["first", "second", "difference", "p_value", "agreement"]
    print(found.networks[["network", "score", "low", "high"]].to_string(index=False))
    print(found.pairs[columns].to_string(index=False))
    print(page)
