"""TorchScript's code as a graph: its text is parsed and followed on stand-ins for values, and never executed.

What torch writes is a small part of Python: assignments, calls, attributes, branches on constants. Calls of torch's
operations become steps, calls of the archive's own functions and methods are followed into their bodies; a branch
whose condition only a run would tell is followed where the other side only raises an error.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor

from interp.checkpoints.formats.inert import Inert, is_module
from interp.checkpoints.graph.program import Program
from interp.checkpoints.graph.steps import Graph, UnknownOperation
from interp.checkpoints.graph.values import UNKNOWN, Ref, Stored
from interp.network.branches import INPUT

MOST_WORK = 50_000  # statements and expressions
DEEPEST = 60  # calls within calls
LONGEST = 1_000_000  # characters of code, which take seconds to parse


class Module(NamedTuple):
    """A scripted module: what the file holds of it, and its dotted name."""

    value: Inert
    name: str


class Global(NamedTuple):
    """A dotted name that is no variable, such as ``torch.relu``."""

    name: str


class Returned(NamedTuple):
    """What a function gives back."""

    value: Any


def follow(root: Inert, sources: Mapping[str, str], constants: Sequence[Tensor]) -> Graph:
    """Follow the forward function of a scripted module.

    Parameters
    ----------
    root
        Stand-in for the network's module.
    sources
        Dotted name of a code file (``__torch__.torch.nn.functional``) -> text of that file.
    constants
        Tensors of a frozen module, which its code calls ``CONSTANTS.c0``, ``CONSTANTS.c1`` and so on.

    Raises
    ------
    UnknownOperation
        If the code does anything but run listed operations one after the other on one input.
    """
    if sum(map(len, sources.values())) > LONGEST:
        raise UnknownOperation("code of unusual length")
    run = _Run(sources, constants)
    try:
        end = run.method(Module(root, ""), "forward", [Ref(INPUT)])
    except (SyntaxError, RecursionError, MemoryError, ValueError) as error:  # not what torch writes
        raise UnknownOperation("code that does not parse") from error
    return run.program.graph(end)


@dataclass
class _Run:
    """The steps met so far, and how much work that was."""

    sources: Mapping[str, str]
    constants: Sequence[Tensor]
    program: Program = field(default_factory=Program)
    files: dict[str, dict[str, ast.stmt]] = field(default_factory=dict)
    work: int = 0
    depth: int = 0

    # ----------------------------------------------------------------------- functions

    def method(self, module: Module, name: str, given: list[Any]) -> Any:
        """Follow a method of a module's class.

        Raises
        ------
        UnknownOperation
            If the class has no such method.
        """
        found = self._members(module).get(name)
        if not isinstance(found, ast.FunctionDef):
            raise UnknownOperation(f"a call of {name}")
        return self._call(found, [module, *given], {})

    def _members(self, module: Module) -> Mapping[str, ast.stmt]:
        """Give what the class of a module defines, by name."""
        file, _, own = module.value.class_name.rpartition(".")
        known = f"{file}:{own}"
        if known not in self.files:
            found = self._defined(file).get(own)
            if not isinstance(found, ast.ClassDef):
                raise UnknownOperation(f"a module without code ({own})")
            self.files[known] = _by_name(found.body)
        return self.files[known]

    def _defined(self, file: str) -> Mapping[str, ast.stmt]:
        """Give what a code file defines, by name; it is parsed when first asked for."""
        if file not in self.files:
            self.files[file] = _by_name(ast.parse(self.sources.get(file, "")).body)
        return self.files[file]

    def _count(self, steps: int = 1) -> None:
        self.work += steps
        if self.work > MOST_WORK:
            raise UnknownOperation("code that takes too long to follow")

    def _call(self, function: ast.FunctionDef, given: list[Any], named: dict[str, Any]) -> Any:
        self.depth += 1
        if self.depth > DEEPEST:
            raise UnknownOperation("calls nested too deep")
        names = [argument.arg for argument in function.args.args]
        defaults = function.args.defaults
        known = {
            name: self._value(node, {})
            for name, node in zip(names[len(names) - len(defaults) :], defaults, strict=True)
        }
        known |= {**dict(zip(names, given, strict=False)), **named}
        if len(given) > len(names) or any(name not in known for name in names):
            raise UnknownOperation(f"{len(names) - 1} inputs")
        result = self._block(function.body, known)
        self.depth -= 1
        return result.value if result is not None else None

    # ----------------------------------------------------------------------- statements

    def _block(self, body: Sequence[ast.stmt], known: dict[str, Any]) -> Returned | None:
        for statement in body:
            self._count()
            if isinstance(statement, ast.Return):
                return Returned(self._value(statement.value, known) if statement.value else None)
            if isinstance(statement, ast.If):
                result = self._branch(statement, known)
                if result is not None:
                    return result
            elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                self._assign(statement.targets[0], self._value(statement.value, known), known)
            elif isinstance(statement, ast.Expr):
                self._value(statement.value, known)
            elif not isinstance(statement, ast.Pass):
                raise UnknownOperation(f"a statement of kind {type(statement).__name__}")
        return None

    def _assign(self, target: ast.expr, value: Any, known: dict[str, Any]) -> None:
        if isinstance(target, ast.Name):
            known[target.id] = value
        elif isinstance(target, ast.Tuple):
            self._count(len(target.elts))
            values = (
                value if isinstance(value, list) and len(value) == len(target.elts) else [UNKNOWN] * len(target.elts)
            )
            for one, part in zip(target.elts, values, strict=True):
                self._assign(one, part, known)
        else:
            raise UnknownOperation("an assignment to a part")

    def _branch(self, choice: ast.If, known: dict[str, Any]) -> Returned | None:
        test = self._value(choice.test, known)
        if isinstance(test, bool):
            return self._block(choice.body if test else choice.orelse, known)
        if _raises(choice.body) != _raises(choice.orelse):
            return self._block(choice.orelse if _raises(choice.body) else choice.body, known)
        self._either(choice, known)
        return None

    def _either(self, choice: ast.If, known: dict[str, Any]) -> None:
        """Follow both sides of a branch that computes numbers alone; where they differ, they are unknown."""
        sides = [dict(known), dict(known)]
        steps = len(self.program.steps)
        returns = [self._block(body, side) for body, side in zip((choice.body, choice.orelse), sides, strict=True)]
        if len(self.program.steps) > steps or returns != [None, None]:
            raise UnknownOperation("a branch that depends on the input")
        for name in {*sides[0], *sides[1]}:
            one, other = (side.get(name, UNKNOWN) for side in sides)
            known[name] = one if one is other else UNKNOWN

    # ----------------------------------------------------------------------- expressions

    def _value(self, node: ast.expr, known: dict[str, Any]) -> Any:
        self._count()
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return known[node.id] if node.id in known else Global(node.id)
        if isinstance(node, ast.Attribute):
            return self._attribute(self._value(node.value, known), node.attr)
        if isinstance(node, (ast.List, ast.Tuple)):
            return [self._value(one, known) for one in node.elts]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value = self._value(node.operand, known)
            return -value if _is_number(value) else UNKNOWN
        if isinstance(node, ast.Call):
            return self._called(node, known)
        if isinstance(node, ast.Subscript):
            return _item(self._value(node.value, known), self._value(node.slice, known))
        raise UnknownOperation(f"an expression of kind {type(node).__name__}")

    def _attribute(self, holder: Any, name: str) -> Any:
        if isinstance(holder, Global):
            if holder.name == "CONSTANTS" and name[1:].isdigit() and int(name[1:]) < len(self.constants):
                return Stored("", self.constants[int(name[1:])])
            return Global(f"{holder.name}.{name}")
        if not isinstance(holder, Module):
            return UNKNOWN
        if name == "training":
            return False
        dotted = f"{holder.name}.{name}" if holder.name else name
        if name not in holder.value.state:
            return self._constant(holder, name)
        value = holder.value.state[name]
        if isinstance(value, Tensor):
            return Stored(dotted, value.detach())
        return Module(value, dotted) if is_module(value) else list(value) if isinstance(value, tuple) else value

    def _constant(self, module: Module, name: str) -> Any:
        """Give what a class states in its body, as ``stride : Final[int] = 2``."""
        item = self._members(module).get(name)
        return self._value(item.value, {}) if isinstance(item, ast.AnnAssign) and item.value is not None else UNKNOWN

    def _called(self, node: ast.Call, known: dict[str, Any]) -> Any:
        if isinstance(node.func, ast.Name) and node.func.id in ("annotate", "unchecked_cast"):
            return self._value(node.args[1], known)  # the first is a type
        given = [self._value(one, known) for one in node.args]
        named = {one.arg: self._value(one.value, known) for one in node.keywords if one.arg}
        if isinstance(node.func, ast.Attribute):
            holder = self._value(node.func.value, known)
            if isinstance(holder, Module):
                return self.method(holder, node.func.attr, given)
        function = self._value(node.func, known)
        if not isinstance(function, Global):
            raise UnknownOperation("a call of a value")
        return self._global(function.name, given, named)

    def _global(self, name: str, given: list[Any], named: dict[str, Any]) -> Any:
        file, _, own = name.rpartition(".")
        if name in DIRECT:
            return self._operation(own, given, named)
        if file in self.sources:
            found = self._defined(file).get(own)
            if not isinstance(found, ast.FunctionDef):
                raise UnknownOperation(name)
            return self._call(found, given, named)
        if name == "getattr" and len(given) == 2:
            return self._attribute(given[0], str(given[1]))
        if name in ("int", "float", "bool") and len(given) == 1:
            return given[0] if _is_number(given[0]) else UNKNOWN
        if file == "torch":
            return self._operation(own, given, named)
        return UNKNOWN  # what is made of it stays unknown, and no layer takes that

    def _operation(self, name: str, given: list[Any], named: dict[str, Any]) -> Any:
        if name in ("__is__", "__isnot__"):
            return UNKNOWN if UNKNOWN in given else (given[0] is given[1]) == (name == "__is__")
        if name in COMPARISONS and all(_is_number(value) or isinstance(value, str) for value in given):
            return COMPARISONS[name](*given)
        if name == "__not__" and isinstance(given[0], bool):
            return not given[0]
        if name in OF_SHAPES or name in COMPARISONS:
            return UNKNOWN
        return self.program.call(name, given, named, f"{name.strip('_')}_{len(self.program.steps)}")


COMPARISONS: dict[str, Callable[..., bool]] = {
    name: getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")
}
OF_SHAPES = ("size", "dim", "len", "numel", "format", "is_grad_enabled", "floordiv", "warn")
DIRECT = ("__torch__.torch.nn.functional.adaptive_avg_pool2d", "__torch__.torch.nn.functional.adaptive_max_pool2d")
"""Functions whose bodies loop over sizes, but whose arguments are those of the operation they call."""


def _by_name(body: Sequence[ast.stmt]) -> dict[str, ast.stmt]:
    """Give functions, classes and annotated attributes by name, the first of each."""
    found: dict[str, ast.stmt] = {}
    for item in body:
        if isinstance(item, (ast.FunctionDef, ast.ClassDef)):
            found.setdefault(item.name, item)
        elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            found.setdefault(item.target.id, item)
    return found


def _raises(body: Sequence[ast.stmt]) -> bool:
    """Whether a branch always ends in an error; one that only may, deeper in, does not count."""
    calls = (statement.value for statement in body if isinstance(statement, ast.Expr))
    return any(
        isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "RaiseException"
        for call in calls
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float))


def _item(values: Any, index: Any) -> Any:
    within = isinstance(values, list) and type(index) is int and -len(values) <= index < len(values)
    return values[index] if within else UNKNOWN
