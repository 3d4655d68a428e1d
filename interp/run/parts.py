"""Parts of a stage that is not finished, each in a hidden file beside the one that it will be part of.

A part is kept once it is whole, so that an interrupt or kill costs the part that was being made and no more. What took
less than `LEAST_SECONDS` is made again: writing it would take longer.
"""

from __future__ import annotations

import glob
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from interp.errors import MismatchError, UsageError
from interp.ranks import ALONE, Ranks
from interp.store import read_results, write_results
from interp.types import Provenance
from interp.types.parts import AtOnce, Makes, in_turn

LEAST_SECONDS = 1.0
"""Shortest time that a part takes to make which is worth keeping."""

Part = TypeVar("Part")


@dataclass(frozen=True)
class Parts:
    """Keeps parts of one stage in the folder of its run; a `Keep`.

    Attributes
    ----------
    path
        File of the stage, in whose place the parts are kept until it is written.
    result
        Class of what the stage finds.
    provenance
        Provenance of the stage's results; parts with another fingerprint are made anew.
    ranks
        Processes that the parts are divided over: each makes some, and all get all.
    asked
        Number of times that a part of each name was asked for: a stage may go through the layers twice.
    """

    path: Path
    result: type
    provenance: Provenance
    ranks: Ranks = ALONE
    asked: Counter[str] = field(default_factory=Counter)

    def __call__(self, name: str, make: Callable[[], Part], kind: type | None = None) -> Part:
        """Give the part of a name: as it was kept, or else made now, and kept if that took long.

        Parameters
        ----------
        name
            Name of the part, such as that of a layer.
        make
            Function that makes it.
        kind
            Class of the part, or of each member where it is a tuple; None for the class of the stage's results.
        """
        return self.each([(name, make)], kind)[0]

    def each(self, makes: Makes[Part], kind: type | None = None, at_once: AtOnce[Part] | None = None) -> list[Part]:
        """Give several parts, each made by one of the processes; see `interp.types.parts.Keep`.

        Parameters
        ----------
        makes
            Name of each part and the function that makes it.
        kind
            Class of each part, as of one.
        at_once
            Function that makes several parts, some at once; None to make one after the other.
        """
        mine: list[int] = []

        def own() -> Iterator[Callable[[], Part]]:
            for index, (name, make) in enumerate(makes):
                key = self._key(name)  # of the others' parts too: all processes count alike
                if self.ranks.has(index):
                    mine.append(index)
                    yield partial(self._one, key, make, kind)

        found = list((at_once or in_turn)(own()))
        return self.ranks.joined(dict(zip(mine, found, strict=True)))

    def _key(self, name: str) -> str:
        """Give what tells a part from the others of its name."""
        self.asked[name] += 1
        return f"{name}, {self.asked[name]}"

    def _one(self, key: str, make: Callable[[], Part], kind: type | None) -> Part:
        """Give the part of a key: as it was kept, or else made now, and kept if that took long."""
        path = self.path.with_name(f".{self.path.name}.{sha256(key.encode()).hexdigest()[:16]}.part")
        with suppress(MismatchError):  # missing or damaged
            found: dict[str, Part]
            found, provenance = read_results(path, kind or self.result, "")
            if provenance.fingerprint == self.provenance.fingerprint and set(found) == {key}:
                return found[key]
        begun = time.perf_counter()
        part = make()
        if time.perf_counter() - begun >= LEAST_SECONDS:
            self._keep(path, key, part)
        return part

    def _keep(self, path: Path, key: str, part: Part) -> None:
        """Write a part; where there is no room, the error names the stage's file, and not a hidden one beside it."""
        try:
            write_results(path, {key: part}, self.provenance)
        except UsageError as error:
            raise UsageError(self.path, found=error.found, expected=error.expected, do=error.do) from error


def parts_of(path: Path) -> list[Path]:
    """List the files of the parts that are kept for a stage's file.

    Parameters
    ----------
    path
        Path of the stage's file.
    """
    return sorted(path.parent.glob(f".{glob.escape(path.name)}.*.part"))


def remove_parts(path: Path) -> None:
    """Remove the parts that were kept for a stage's file, and those that were being written.

    Parameters
    ----------
    path
        Path of the stage's file.
    """
    for part in (*parts_of(path), *path.parent.glob(f"..{glob.escape(path.name)}.*.part.*.partial")):
        part.unlink(missing_ok=True)
