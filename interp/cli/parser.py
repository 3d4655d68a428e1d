"""A command line that reports its faults like everything else."""

from __future__ import annotations

import argparse
from typing import NoReturn

from interp.errors import UsageError


class Parser(argparse.ArgumentParser):
    """A command line whose faults are one line, not its usage."""

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError` in place of printing the usage."""
        raise UsageError(self.prog, found=message, expected="a command line as --help shows", do="see --help")
