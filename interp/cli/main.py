"""Finds the command that is asked for, and imports no other's code."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pydoc import synopsis

from interp.cli.call import Call
from interp.cli.guard import Parser, guarded
from interp.errors import unknown_name
from interp.run.stages import STAGES

COMMANDS = {
    "report": "interp.cli.report",
    "inspect": "interp.cli.inspect",
    **dict.fromkeys(STAGES, "interp.cli.stage"),
}
"""Command -> the module whose `add_arguments` and `run` are its own; a stage of the user's own is one too."""


def main(arguments: Sequence[str] | None = None, program: Sequence[str] = ("interp",)) -> int:
    """Run one command.

    Parameters
    ----------
    arguments
        Words of the command line; None for those that were typed.
    program
        Words before them.

    Returns
    -------
    int
        Exit code: 0; 2 with one line for a problem that the user can act on; 130 when interrupted.
    """
    words = tuple(sys.argv[1:] if arguments is None else arguments)
    return guarded(lambda: _dispatch(words, tuple(program)))


def report(arguments: Sequence[str] | None = None) -> int:
    """Run the command `report` as ``python -m interp.report``; returns as `main` does."""
    words = tuple(sys.argv[1:] if arguments is None else arguments)
    return guarded(lambda: run_command(Call(("python", "-m", "interp.report"), "report", words)))


def _dispatch(words: tuple[str, ...], program: tuple[str, ...]) -> None:
    name = words[0] if words else ""
    if name in COMMANDS or ":" in name:
        run_command(Call((*program, name), name, words[1:]))
    elif name and not name.startswith("-"):
        raise unknown_name("command", name, COMMANDS)
    else:
        overview(" ".join(program)).parse_args(words)


def run_command(call: Call) -> None:
    """Read the rest of the command line, and do as it says."""
    module = importlib.import_module(COMMANDS.get(call.command, COMMANDS["record"]))
    parser = Parser(prog=" ".join(call.program))
    module.add_arguments(parser, call.command)
    module.run(parser.parse_args(call.words), call)


def overview(program: str) -> Parser:
    """Build the command line that lists the commands."""
    top = Parser(prog=program, description="See what each node of a trained network learned.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for name in COMMANDS:
        commands.add_parser(name, help=does(name), add_help=False)
    return top


def does(command: str) -> str:
    """Say what a command does, without importing it: the first line of its module."""
    stage = STAGES.get(command, COMMANDS[command])
    if not isinstance(stage, str):
        return stage.does
    spec = find_spec(stage.partition(":")[0])
    return "" if spec is None or spec.origin is None else synopsis(spec.origin) or ""
