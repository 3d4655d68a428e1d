"""The calls of a program in running order, with what was changed in place told from what was not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from interp.checkpoints.graph.aten_calls import read_operation
from interp.checkpoints.graph.steps import Graph, Part, Step, UnknownOperation
from interp.checkpoints.graph.values import Ref
from interp.network.branches import INPUT

COPIES = ("clone", "_to_copy", "lift_fresh_copy")
COPY = "Copy"
"""Kind of the steps that stand for copies until the program's end is known; no graph has them."""

VIEWS = ("Flatten", "Reshape", "Permute", "Squeeze")
"""Kinds of parts whose values may lie in the memory of what they read."""


@dataclass
class Program:
    """Steps of a program met so far.

    In a graph every value is made once. A program may write another value over one, as `relu_` does; who reads the old
    name from then on reads the new value.

    Attributes
    ----------
    now
        Value that was written over -> value that took its place.
    memory
        Value -> first value in the memory where it lies.
    lying
        First value in a memory -> all values that lie there.
    stale
        Values that were written over through another value in the same memory, and are unknown since.
    """

    steps: list[Step] = field(default_factory=list)
    now: dict[str, str] = field(default_factory=dict)
    memory: dict[str, str] = field(default_factory=lambda: {INPUT: INPUT})
    lying: dict[str, list[str]] = field(default_factory=lambda: {INPUT: [INPUT]})
    stale: set[str] = field(default_factory=set)

    def call(self, name: str, given: Sequence[Any], named: Mapping[str, Any], output: str) -> Any:
        """Read a call, as `read_operation` does, and give its value: a `Ref` where it makes a step.

        Raises
        ------
        UnknownOperation
            If it is not listed, or reads what was written over through a view.
        """
        given, named = self._current(list(given)), {key: self._current(value) for key, value in named.items()}
        if name in COPIES and isinstance(given[0] if given else None, Ref):
            made: Any = Step(output, Part(COPY), (given[0].name,), output)
        else:
            made = read_operation(name, given, named, output)
        if isinstance(made, Step):
            self._add(made)
            made = Ref(made.output)
        if name.endswith("_") and not name.endswith("__") and isinstance(made, Ref):
            self._write(given[0], made)
        return made

    def graph(self, end: Any) -> Graph:
        """Give the steps as a graph that ends in a value.

        Raises
        ------
        UnknownOperation
            If that is no value that a step makes.
        """
        end = self._current(end)
        if not isinstance(end, Ref):
            raise UnknownOperation("an output that no operation makes")
        same: dict[str, str] = {}
        kept = []
        for step in self.steps:
            step = replace(step, inputs=tuple(same.get(value, value) for value in step.inputs))
            if step.part.kind == COPY:
                same[step.output] = step.inputs[0]
            else:
                kept.append(step)
        return Graph(tuple(kept), same.get(end.name, end.name))

    def _current(self, value: Any) -> Any:
        """Give what a value is by now, lists one by one."""
        if isinstance(value, list):
            return [self._current(one) for one in value]
        if not isinstance(value, Ref):
            return value
        name = value.name
        while name in self.now:
            name = self.now[name]
        if name != value.name:
            self.now[value.name] = name  # saves the search the next time
        if name in self.stale:
            raise UnknownOperation("a value that is changed in place through a view of it")
        return Ref(name)

    def _add(self, step: Step) -> None:
        self.steps.append(step)
        where = self.memory[step.inputs[0]] if step.part.kind in VIEWS else step.output
        self.memory[step.output] = where
        self.lying.setdefault(where, []).append(step.output)

    def _write(self, old: Any, new: Ref) -> None:
        """Note that a value took the place of another, in its memory."""
        if not isinstance(old, Ref) or old == new:
            return
        where = self.memory[old.name]
        self.stale |= set(self.lying[where]) - {old.name}
        self.lying[where] = [new.name]
        self.now[old.name], self.memory[new.name] = new.name, where
