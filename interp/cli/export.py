"""Write what a run recorded and found for another program."""

from __future__ import annotations

import argparse

from interp.api.exporting import export
from interp.cli.call import Call
from interp.interchange import FORMATS
from interp.run import cut_names


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Add the arguments: the folder of the run, the format, and what of the run is written.

    Parameters
    ----------
    parser
        Command line that gets the arguments.
    command
        Name of the command, ``export``.
    """
    parser.description = __doc__
    parser.add_argument("folder", help="folder of a run, with the files of its stages")
    formats = "; ".join(f"{name}: {each.does}" for name, each in FORMATS.items())
    parser.add_argument("--to", required=True, metavar="FORMAT", help=f"{formats}; or package.module:name of your own")
    parser.add_argument("--out", help="file or folder to make (default: beside the run, named by it)")
    for what in ("layers", "splits"):
        parser.add_argument(f"--{what}", metavar="NAMES", help=f"{what}, separated by commas (default: all)")


def run(args: argparse.Namespace, call: Call) -> None:
    """Write the files, and print their name.

    Parameters
    ----------
    args
        Parsed command line.
    call
        Command as it was typed.

    Raises
    ------
    InterpError
        If the run, the format or the destination cannot be used.
    """
    layers, splits = (
        cut_names(text, f"--{what}") if (text := getattr(args, what)) else () for what in ("layers", "splits")
    )
    print(export(args.folder, args.to, args.out, layers, splits))
