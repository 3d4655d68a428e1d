"""Runs the command that is asked for, and imports no other's code."""

from __future__ import annotations

import importlib
from importlib.metadata import version
from importlib.util import find_spec
from pydoc import synopsis

from interp.cli.call import Call
from interp.cli.guard import imported
from interp.cli.parser import Parser
from interp.errors import unknown_name
from interp.ranks import apart, current
from interp.run import STAGES

COMMANDS = {
    "report": "interp.cli.report",
    "inspect": "interp.cli.inspect",
    "check": "interp.cli.check",
    "compare": "interp.cli.compare",
    "export": "interp.cli.export",
    **dict.fromkeys(STAGES, "interp.cli.stage"),
}
"""Command -> the module whose `add_arguments` and `run` are its own."""

DIVIDED = ("interp.cli.report", "interp.cli.stage")
"""Modules of commands that the processes of a job run together; others by the first, for which the rest wait."""


def dispatch(words: tuple[str, ...], program: tuple[str, ...], begun: float) -> int:
    """Run the command that the first word names.

    Parameters
    ----------
    words
        Words of the command line, the command first; a stage of the user's own is ``package.module:name``.
    program
        Words before them, such as ``("python", "-m", "interp")``.
    begun
        Reading of `time.perf_counter` when the program began.

    Returns
    -------
    int
        Exit code.

    Raises
    ------
    UsageError
        If there is no such command.
    """
    name = words[0] if words else ""
    if name in COMMANDS or ":" in name:
        return run_command(Call((*program, name), name, words[1:], begun))
    if name and not name.startswith("-"):
        raise unknown_name("command", name, COMMANDS)
    overview(" ".join(program)).parse_args(words)
    return 0


def run_command(call: Call) -> int:
    """Parse the rest of a command line, and run the command.

    Parameters
    ----------
    call
        Command as it was typed.

    Returns
    -------
    int
        Exit code of the command: 0, or what it returns.

    Raises
    ------
    InterpError
        If the command line, the network or the data cannot be used.
    """
    name = COMMANDS.get(call.command, "interp.cli.stage")
    module = importlib.import_module(name)
    imported()
    parser = Parser(prog=" ".join(call.program))
    module.add_arguments(parser, call.command)
    arguments, ranks = parser.parse_args(call.words), current()
    if name in DIVIDED:
        return int(module.run(arguments, call) or 0)
    with apart():
        return ranks.from_first(lambda: int(module.run(arguments, call) or 0))


def overview(program: str) -> Parser:
    """Build the command line that lists the commands.

    Parameters
    ----------
    program
        Name of the program, as its usage shows it.
    """
    top = Parser(prog=program, description="See what each node of a trained network learned.")
    top.add_argument("--version", action="version", version=version("interp"))
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for name in COMMANDS:
        commands.add_parser(name, help=does(name), add_help=False)
    return top


def does(command: str) -> str:
    """Say what a command does, without importing it: the first line of its module.

    Parameters
    ----------
    command
        Name of the command.

    Examples
    --------
    >>> does("fit")
    'Fit 1D Gaussians and mixtures to every node.'
    """
    stage = STAGES.get(command, COMMANDS[command])
    if not isinstance(stage, str):
        return stage.does
    spec = find_spec(stage.partition(":")[0])
    return "" if spec is None or spec.origin is None else synopsis(spec.origin) or ""
