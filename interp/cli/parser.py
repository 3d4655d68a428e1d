"""A command line that reports its faults like everything else."""

from __future__ import annotations

import argparse
from typing import NoReturn

from interp.errors import UsageError


class Parser(argparse.ArgumentParser):
    """A command line whose faults are one line, not its usage.

    Examples
    --------
    >>> Parser(prog="interp").parse_args(["--levles"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    interp.errors.UsageError: interp: found unrecognized arguments: --levles; expected ...; see --help
    """

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError` in place of printing the usage.

        Parameters
        ----------
        message
            Fault, as argparse words it.
        """
        raise UsageError(self.prog, found=message, expected="a command line as --help shows", do="see --help")
