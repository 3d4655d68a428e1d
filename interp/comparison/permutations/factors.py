"""Axes as products of factors, whose entries may stand in any order or not; factors that go together are one.

A factor may be cut: its entries are those of several axes one after another, as where layers are put beside each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

Axes = tuple[tuple[int, ...], ...]
"""Factors of each axis of an array, the slowest first; none for an axis of size 1."""

Run = tuple[int, tuple[int, ...]]
"""Number of entries of a run of a cut factor, and the factors of these entries."""


class Factors:
    """Factors of the axes of all arrays of a network.

    A factor is split where a part of the network takes its axis for several, and joined with another where entries
    meet one by one. It has `parts` where the network takes out one entry of another axis (the divider): what follows
    may then have an order of its own for each of these entries, as queries, keys and values of one map have.
    """

    def __init__(self) -> None:
        self._sizes: list[int] = []
        self._parent: list[int] = []
        self._children: dict[int, tuple[int, ...]] = {}
        self._cuts: dict[int, tuple[Run, ...]] = {}
        self._fixed: set[int] = set()
        self.parts: dict[tuple[int, int, int], int] = {}

    def new(self, size: int, fixed: bool = False) -> tuple[int, ...]:
        """Give the factors of a new axis: none where it has one entry."""
        if size == 1:
            return ()
        self._sizes.append(size)
        self._parent.append(len(self._parent))
        if fixed:
            self._fixed.add(len(self._parent) - 1)
        return (len(self._parent) - 1,)

    def cut(self, runs: Sequence[Run]) -> tuple[int, ...]:
        """Give the factor of an axis that holds runs of entries one after another, each with factors of its own."""
        if len(runs) == 1:
            return runs[0][1]
        (whole,) = self.new(sum(size for size, _ in runs))
        self._cuts[whole] = tuple(runs)
        return (whole,)

    def runs(self, leaf: int) -> list[Run]:
        """Give the runs of a cut factor, those of runs that are cut themselves in their place; none of any other."""
        found: list[Run] = []
        for size, factors in self._cuts.get(self._root(leaf), ()):
            own = self.leaves(factors)
            inner = self.runs(own[0]) if len(own) == 1 else []
            found += inner or [(size, tuple(own))]
        return found

    def run_of(self, factors: Sequence[int], start: int, length: int) -> tuple[int, ...] | None:
        """Give the factors of some entries of a cut axis; None where they are not whole runs of it."""
        own = self.leaves(factors)
        found, place = [], 0
        for size, inner in self.runs(own[0]) if len(own) == 1 else []:
            if start <= place and place + size <= start + length:
                found.append((size, inner))
            place += size
        return self.cut(found) if found and sum(size for size, _ in found) == length else None

    def atoms(self, factors: Iterable[int]) -> list[int]:
        """Give the factors that these have become, in place of cut ones those of their runs."""
        found: list[int] = []
        for leaf in self.leaves(factors):
            runs = self.runs(leaf)
            found += self.atoms(one for _, inner in runs for one in inner) if runs else [leaf]
        return found

    def size(self, factor: int) -> int:
        """Give the number of entries of a factor."""
        return self._sizes[factor]

    def is_fixed(self, leaf: int) -> bool:
        """Whether the entries of a factor that is not split must keep their order."""
        return all(one in self._fixed for one in self.atoms([leaf]))

    def leaves(self, factors: Iterable[int]) -> list[int]:
        """Give the factors that these have become: split ones by their parts, joined ones by one of them."""
        found: list[int] = []
        for factor in factors:
            root = self._root(factor)
            found += self.leaves(self._children[root]) if root in self._children else [root]
        return found

    def fix(self, factors: Iterable[int]) -> bool:
        """Make entries keep their order; tell whether they did not have to before."""
        loose = [leaf for leaf in self.atoms(factors) if leaf not in self._fixed]
        self._fixed.update(loose)
        return bool(loose)

    def join(self, first: Sequence[int], second: Sequence[int]) -> bool:
        """Let the entries of two axes go together; tell whether their factors fit, else both keep their order."""
        ours, theirs = self.leaves(first), self.leaves(second)
        if prod(map(self.size, ours)) != prod(map(self.size, theirs)):
            return not (self.fix(first) | self.fix(second))
        while ours and theirs:
            a, b = self._root(ours[0]), self._root(theirs[0])
            if a in self._children or b in self._children:  # split by a step before
                ours, theirs = self.leaves(ours), self.leaves(theirs)
            elif self.size(a) == self.size(b):
                if not self._unite(a, b):
                    return not (self.fix(first) | self.fix(second))
                ours, theirs = ours[1:], theirs[1:]
            elif not self._split_to_fit(a, b):
                return not (self.fix(first) | self.fix(second))
        return True

    def _split_to_fit(self, a: int, b: int) -> bool:
        large, small = (a, b) if self.size(a) > self.size(b) else (b, a)
        return self._split(large, self.size(small))

    def _split(self, leaf: int, outer: int) -> bool:
        if self.size(leaf) % outer or leaf in self._cuts:
            return False
        fixed = leaf in self._fixed
        self._children[leaf] = (*self.new(outer, fixed), *self.new(self.size(leaf) // outer, fixed))
        return True

    def _unite(self, a: int, b: int) -> bool:
        """Make two factors of one size one; tell whether they could be: two that are cut must be cut alike."""
        if a == b:
            return True
        if b in self._cuts and a not in self._cuts:
            a, b = b, a
        ours, theirs = self.runs(a), self.runs(b)
        if theirs and not self._align(ours, theirs):
            return False
        is_fixed = b in self._fixed
        self._parent[b] = a
        if is_fixed:
            self.fix([a])
        return True

    def _align(self, ours: list[Run], theirs: list[Run]) -> bool:
        """Let the runs of two cut factors go together, longer ones cut further; tell whether they could be."""
        while ours and theirs:
            (size, first), (other, second) = self._next(ours), self._next(theirs)
            if size == other:
                if not self.join(first, second):
                    return False
                continue
            longer, waiting = (first, ours) if size > other else (second, theirs)
            rest = self._cut_further(longer, min(size, other))
            if rest is None:
                return False
            ours[:0] = [(size, first)] if size < other else []
            theirs[:0] = [(other, second)] if other < size else []
            waiting[:0] = rest
        return True

    def _next(self, waiting: list[Run]) -> Run:
        """Take the first run, which may have been cut since."""
        own = self.leaves(waiting[0][1])
        if len(own) == 1 and own[0] in self._cuts:
            waiting[:1] = self.runs(own[0])
        return waiting.pop(0)

    def _cut_further(self, factors: Sequence[int], first: int) -> list[Run] | None:
        """Cut a factor into its first entries and the others; None where it is several."""
        own = self.leaves(factors)
        if len(own) != 1:
            return None
        fixed, sizes = own[0] in self._fixed, (first, self.size(own[0]) - first)
        self._cuts[own[0]] = tuple((size, self.new(size, fixed)) for size in sizes)
        self._fixed.discard(own[0])
        return list(self._cuts[own[0]])

    def _root(self, factor: int) -> int:
        while self._parent[factor] != factor:
            factor = self._parent[factor]
        return factor

    def reshaped(self, axes: Axes, shape: Sequence[int]) -> Axes | None:
        """Give the factors of an array's axes in another shape, entries in the same order; None where none fit."""
        waiting = self.leaves(factor for axis in axes for factor in axis)
        found: list[tuple[int, ...]] = []
        for size in shape:
            axis: list[int] = []
            while size > 1:
                if not waiting:
                    return None
                leaf = waiting.pop(0)
                if self.size(leaf) > size:
                    if not self._split(leaf, size):
                        return None
                    leaf, rest = self._children[leaf]
                    waiting.insert(0, rest)
                if size % self.size(leaf):
                    return None
                axis.append(leaf)
                size //= self.size(leaf)
            found.append(tuple(axis))
        return None if waiting else tuple(found)

    def part(self, leaf: int, divider: int, entry: int) -> int:
        """Give what a factor is at one entry of a divider; one that keeps its order, or is cut, stays what it is."""
        if self.is_fixed(leaf) or leaf in self._cuts:
            return leaf
        for (own, other, place), found in self.parts.items():
            if (self._root(own), self._root(other), place) == (leaf, divider, entry):
                return found
        (self.parts[leaf, divider, entry],) = self.new(self.size(leaf))
        return self.parts[leaf, divider, entry]

    def taken(self, axes: Axes, axis: int, entry: int) -> Axes:
        """Give the factors of what is left where one entry of an axis is taken out."""
        self.fix(axes[axis])
        dividers = self.leaves(axes[axis])
        rest = [self.leaves(factors) for place, factors in enumerate(axes) if place != axis]
        for divider in reversed(dividers):
            entry, place = divmod(entry, self.size(divider))
            rest = [[self.part(leaf, divider, place) for leaf in self.leaves(factors)] for factors in rest]
        return tuple(tuple(factors) for factors in rest)

    def settle(self, arrays: Sequence[Axes]) -> None:
        """Make factors and their parts one wherever an array holds the factor without the divider.

        Parameters
        ----------
        arrays
            Factors of every array of the network.
        """
        while self._settle_once([flat for axes in arrays for flat in self._flat(sum(axes, ()))]):
            pass

    def _flat(self, factors: Iterable[int]) -> list[list[int]]:
        """Give the factors of an array; of one whose axes are cut, those of each combination of runs."""
        own = self.leaves(factors)
        place = next((at for at, leaf in enumerate(own) if leaf in self._cuts), None)
        if place is None:
            return [own]
        runs = self.runs(own[place])
        return [flat for _, inner in runs for flat in self._flat([*own[:place], *inner, *own[place + 1 :]])]

    def _settle_once(self, arrays: Sequence[Sequence[int]]) -> bool:
        known: dict[tuple[int, int, int], int] = {}
        changed = False
        for (factor, divider, entry), part in list(self.parts.items()):
            own, other = self.leaves([factor]), self.leaves([divider])
            if len(own) > 1 and len(other) == 1:  # the factor was split since: so are its parts
                del self.parts[factor, divider, entry]
                self.join([part], [self.part(leaf, other[0], entry) for leaf in own])
                changed = True
            elif self.leaves([part]) != own and not (
                len(own) == 1 and own[0] not in self._cuts and _always_with(own, other, arrays, self._fixed)
            ):
                if not self.join([part], own):  # split in two ways: all of it keeps its order now
                    del self.parts[factor, divider, entry]
                changed = True
            elif len(own) == 1 and (twin := known.setdefault((own[0], other[0], entry), part)) != part:
                changed |= self.leaves([twin]) != self.leaves([part])
                self.join([twin], [part])
        return changed

    def open_parts(self, leaf: int, divider: int) -> dict[int, int]:
        """Give the parts of a factor that are not the factor itself, by entry of the divider."""
        return {
            entry: part
            for (own, other, entry), part in self.parts.items()
            if self.leaves([own]) == [leaf] and self.leaves([other]) == [divider] and self.leaves([part]) != [leaf]
        }


def _always_with(own: Sequence[int], divider: Sequence[int], arrays: Sequence[Sequence[int]], fixed: set[int]) -> bool:
    """Whether a factor is whole and free, and the divider stands once in each array that holds it."""
    if len(own) != 1 or len(divider) != 1 or own[0] in fixed:
        return False
    return all(leaves.count(divider[0]) == 1 for leaves in arrays if own[0] in leaves)
