"""Axes as products of factors, whose entries may stand in any order or not; factors that go together are one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

Axes = tuple[tuple[int, ...], ...]
"""Factors of each axis of an array, the slowest first; none for an axis of size 1."""


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

    def size(self, factor: int) -> int:
        """Give the number of entries of a factor."""
        return self._sizes[factor]

    def is_fixed(self, leaf: int) -> bool:
        """Whether the entries of a factor that is not split must keep their order."""
        return self._root(leaf) in self._fixed

    def leaves(self, factors: Iterable[int]) -> list[int]:
        """Give the factors that these have become: split ones by their parts, joined ones by one of them."""
        found: list[int] = []
        for factor in factors:
            root = self._root(factor)
            found += self.leaves(self._children[root]) if root in self._children else [root]
        return found

    def fix(self, factors: Iterable[int]) -> bool:
        """Make entries keep their order; tell whether they did not have to before."""
        loose = [leaf for leaf in self.leaves(factors) if leaf not in self._fixed]
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
                self._unite(a, b)
                ours, theirs = ours[1:], theirs[1:]
            elif not self._split_to_fit(a, b):
                return not (self.fix(first) | self.fix(second))
        return True

    def _split_to_fit(self, a: int, b: int) -> bool:
        large, small = (a, b) if self.size(a) > self.size(b) else (b, a)
        return self._split(large, self.size(small))

    def _split(self, leaf: int, outer: int) -> bool:
        if self.size(leaf) % outer:
            return False
        fixed = leaf in self._fixed
        self._children[leaf] = (*self.new(outer, fixed), *self.new(self.size(leaf) // outer, fixed))
        return True

    def _unite(self, a: int, b: int) -> None:
        if a == b:
            return
        self._parent[b] = a
        if b in self._fixed:
            self._fixed.add(a)

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
        """Give what a factor is at one entry of a divider; a factor that keeps its order stays what it is."""
        if self.is_fixed(leaf):
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
        while self._settle_once([self.leaves(factor for axis in axes for factor in axis) for axes in arrays]):
            pass

    def _settle_once(self, arrays: Sequence[Sequence[int]]) -> bool:
        known: dict[tuple[int, int, int], int] = {}
        changed = False
        for (factor, divider, entry), part in list(self.parts.items()):
            own, other = self.leaves([factor]), self.leaves([divider])
            if len(own) > 1 and len(other) == 1:  # the factor was split since: so are its parts
                del self.parts[factor, divider, entry]
                self.join([part], [self.part(leaf, other[0], entry) for leaf in own])
                changed = True
            elif self.leaves([part]) != own and not _always_with(own, other, arrays, self._fixed):
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
