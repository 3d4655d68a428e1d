"""The program's entry: ``interp``, ``python -m interp`` and ``python -m interp.report``. Imports next to nothing."""

from __future__ import annotations

import sys
import time

from interp.cli.guard import guarded, whole_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None, program: Sequence[str] = ("interp",)) -> int:
    """Run one command.

    Parameters
    ----------
    arguments
        Words of the command line; None for those that were typed.
    program
        Words before them, such as ``("python", "-m", "interp")``.

    Returns
    -------
    int
        Exit code: 0; 1 where ``check`` turns a network down; 2 with one line for a problem that the user can act on;
        130 when interrupted.

    Examples
    --------
    >>> main(["inspect", "zoo/pretrained/abs-digits.pt"])  # doctest: +ELLIPSIS
    zoo/pretrained/abs-digits.pt  (zoo)
      hidden: linear, 48 nodes, abs
      ...
    0
    """
    begun = time.perf_counter()

    def run() -> int:
        from interp.cli.commands import dispatch
        from interp.ranks import job

        with job(is_program=True):
            return dispatch(tuple(sys.argv[1:] if arguments is None else arguments), tuple(program), begun)

    return guarded(run)


def report(arguments: Sequence[str] | None = None) -> int:
    """Run the command ``report``, as ``python -m interp.report`` does.

    Parameters
    ----------
    arguments
        Words of the command line; None for those that were typed.

    Returns
    -------
    int
        Exit code, as of `main`.
    """
    begun = time.perf_counter()

    def run() -> int:
        from interp.cli.call import Call
        from interp.cli.commands import run_command
        from interp.ranks import job

        words = tuple(sys.argv[1:] if arguments is None else arguments)
        with job(is_program=True):
            return run_command(Call(("python", "-m", "interp.report"), "report", words, begun))

    return guarded(run)


def program() -> int:
    """Run the program ``interp``, as its script does, and end the process with it.

    Returns
    -------
    int
        Exit code, as of `main`.
    """
    return whole_process(main)
