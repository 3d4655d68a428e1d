"""A command line that reports its faults like everything else."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from typing import Any, NoReturn

from interp.errors import UsageError

FLAG = re.compile(r"--?[A-Za-z][^\s=]*")
"""What argparse takes for a flag, up to the value behind it: no negative number, and no text with blanks."""


NUMBER = re.compile(r"[0-9.]+%?")
"""What is meant as a number or a share, right or wrong: a value, and no file."""


class MayTake(argparse.Action):
    """A flag whose value may be left out, also where another word is behind it that is none of its values.

    Parameters
    ----------
    takes
        Function that tells whether a word can be its value.
    const
        Value where none is given, as text.
    **given
        All else that `argparse.Action` takes.

    Examples
    --------
    >>> parser = Parser()
    >>> _ = parser.add_argument("--store", action=MayTake, takes=str.isalpha, const="all")
    >>> _ = parser.add_argument("file")
    >>> parser.parse_args(["--store", "net.pt"]), parser.parse_args(["--store", "some", "net.pt"])
    (Namespace(store='all', file='net.pt'), Namespace(store='some', file='net.pt'))
    """

    def __init__(self, *, takes: Callable[[str], bool], const: str, **given: Any) -> None:
        super().__init__(nargs="?", const=const, **given)
        self.takes = takes

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        """Keep the value; refuse a part beside the flag that takes none, whichever is last."""
        if getattr(namespace, self.dest) is False and values != self.const:
            parser.error(f"{option} {values} beside --no-{str(option)[2:]}")
        setattr(namespace, self.dest, values)

    def completed(self, word: str, behind: str) -> str:
        """Give the flag as it was typed, with the value that it has without one where the next word is none.

        Parameters
        ----------
        word
            Flag as it was typed.
        behind
            Next word; empty where there is none.
        """
        is_value = bool(NUMBER.fullmatch(behind)) or self.takes(behind)
        return word if not behind or behind.startswith("-") or is_value else f"{word}={self.const}"


class TakesNone(argparse.Action):
    """A flag without a value that says none, beside one that `MayTake` a part; of all and none the last is taken.

    Parameters
    ----------
    const
        Value of the other flag where none is given, as text.
    **given
        All else that `argparse.Action` takes.

    Examples
    --------
    >>> parser = Parser(prog="interp")
    >>> _ = parser.add_argument("--store", action=MayTake, takes=str.isalpha, const="all")
    >>> _ = parser.add_argument("--no-store", dest="store", action=TakesNone, const="all")
    >>> parser.parse_args(["--store", "--no-store"])
    Namespace(store=False)
    >>> parser.parse_args(["--store", "some", "--no-store"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    interp.errors.UsageError: interp: found --no-store beside --store some; expected ...; see --help
    """

    def __init__(self, *, const: str, **given: Any) -> None:
        super().__init__(nargs=0, const=const, **given)

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        """Keep that there are none; refuse that beside a part."""
        before = getattr(namespace, self.dest)
        if before not in (None, False, self.const):
            parser.error(f"{option} beside --{str(option)[5:]} {before}")
        setattr(namespace, self.dest, False)


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
        return super().parse_known_args(list(self._completed(words)), namespace)

    def _completed(self, words: Sequence[str]) -> Iterator[str]:
        """Yield all words, each flag that would take a word that is none of its values with a value of its own."""
        own = words.index("--") if "--" in words else len(words)
        for i, word in enumerate(words):
            action = self._option_string_actions.get(word)
            behind = "".join(words[i + 1 : i + 2])
            yield action.completed(word, behind) if i < own and isinstance(action, MayTake) else word

    def _unknown_flags(self, words: Sequence[str]) -> Iterator[str]:
        """Yield the unknown flags before ``--``; where there are commands, those before the first word."""
        own = takewhile(lambda word: word != "--" and (self._subparsers is None or word.startswith("-")), words)
        for word in own:
            found = FLAG.match(word)
            if found and " " not in word and not any(name.startswith(found[0]) for name in self._option_string_actions):
                yield found[0]
