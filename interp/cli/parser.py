"""A command line that reports its faults like everything else."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import NoReturn

from interp.errors import UsageError

FLAG = re.compile(r"--?[A-Za-z][^\s=]*")
"""What argparse takes for a flag, up to the value behind it: no negative number, and no text with blanks."""


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

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Refuse an unknown flag before anything that is missing: the missing word may stand behind it."""
        words = sys.argv[1:] if args is None else list(args)
        if unknown := list(self._unknown_flags(words)):
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return super().parse_known_args(words, namespace)

    def _unknown_flags(self, words: Sequence[str]) -> Iterator[str]:
        """Yield the unknown flags before ``--``; where there are commands, those before the first word."""
        own = takewhile(lambda word: word != "--" and (self._subparsers is None or word.startswith("-")), words)
        for word in own:
            found = FLAG.match(word)
            if found and " " not in word and not any(name.startswith(found[0]) for name in self._option_string_actions):
                yield found[0]
