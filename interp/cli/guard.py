"""How a program of ours ends: its exit code, and one line for whatever goes wrong. Imports nothing that is slow."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from interp.errors import InterpError, UsageError, first_line


class Parser(argparse.ArgumentParser):
    """A command line whose faults are reported in one line like every other."""

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError` in place of printing the usage."""
        raise UsageError(self.prog, found=message, expected="a command line as --help shows", do="see --help")


def guarded(main: Callable[[], None], interrupted: str = "") -> int:
    """Run a program.

    Parameters
    ----------
    main
        What it does, imports of slow libraries included.
    interrupted
        What to say after "interrupted", where the interrupt itself says nothing.

    Returns
    -------
    int
        0; or 2 with one line for a problem that the user can act on; or 130 when interrupted.
    """
    # Waiting threads sleep instead of spinning: on a busy machine spinning makes torch ten times slower.
    # The runtime reads this when torch is first imported, which is after this line.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        main()
        sys.stdout.flush()
    except InterpError as error:
        return _refused(error)
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # a full disk, a file that vanished: not ours to repair
        where, found = error.filename or "a file", first_line(error)
        return _refused(UsageError(where, found=found, expected="to read and write it", do="see to it, run again"))
    except KeyboardInterrupt as error:
        print(f"interrupted{str(error) or interrupted}", file=sys.stderr)
        return 130
    return 0


def _refused(error: InterpError) -> int:
    print(f"error: {error}", file=sys.stderr)
    return 2
