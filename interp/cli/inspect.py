"""Say what is in a file, and what was inferred of it."""

from __future__ import annotations

import argparse
import json

from interp.checkpoints import load_model
from interp.checkpoints.inspection import inspection
from interp.cli.arguments import add_settings, said, settings_of
from interp.cli.call import Call
from interp.run import data_options_from, describe, load_options_from


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Add the arguments that say how to open a model and its data.

    Parameters
    ----------
    parser
        Command line that gets the arguments.
    command
        Name of the command, ``inspect``.
    """
    parser.description = __doc__
    parser.add_argument("checkpoint", help="file of the trained network")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_settings(parser, settings_of())


def run(args: argparse.Namespace, call: Call) -> None:
    """Print what is in a file.

    Parameters
    ----------
    args
        Parsed command line.
    call
        Command as it was typed.

    Raises
    ------
    CheckpointError
        If the network cannot be read or run.
    DataError
        If the data cannot be used.
    """
    values = said(args)
    model, _ = load_model(args.checkpoint, args.data, load_options_from(values, "--"), data_options_from(values, "--"))
    found = inspection(model)
    print(json.dumps(found, indent=2, allow_nan=False) if args.json else describe(found))
