"""Pickles checked before they are loaded: a small one may take endless time or memory to build, hash or print.

`torch.load(weights_only=True)` runs no code of the file, but it builds whatever the opcodes say: tuples that hold the
same tuple twice, sixty levels deep, and are then hashed as a key; arrays of a terabyte, made by one number. So the
opcodes are first followed without building anything, on a stack of descriptions of the values.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterable
from typing import IO, Any

LARGEST_VALUE = 2_000_000  # parts, each counted as often as it would be printed
LARGEST_KEY = 100  # parts
LARGEST_DEPTH = 500  # levels; a module's child is three levels deeper than the module
MOST_MARKS = 10_000  # marks at once, each of a value that is begun; one takes a byte of the file, and 70 of memory
CODECS = ("latin1", "latin-1", "utf-8")  # those that pickled bytes use; others may take time or memory
CONTAINERS = ("collections.", "builtins.", "__builtin__.", "torch.Size")
"""Beginnings of classes that print and hash their arguments; objects of all other classes print and hash by name."""

TAKE_CLASS = "interp.checkpoints.formats.legacy.take_class"
"""Function that stands for a class, which the second part of its argument names."""

REBUILD = "torch._tensor._rebuild_from_type_v2"
"""Function that calls its first argument with its third."""


class UnsafePickle(ValueError):
    """A pickle whose values would take far more time or memory than a file of its size should."""


class Value:
    """Description of the value that an opcode would push onto the stack.

    Attributes
    ----------
    name
        Dotted name of a class or function; empty for any other value.
    atom
        Number or text; None for any other value.
    parts
        Values that would be printed or hashed together with this one.
    opaque
        Whether printing and hashing this value leaves its parts out.
    depth
        Number of levels to which parts are nested.
    size
        Number of parts at all levels, each counted as often as it would be printed.
    made_by
        Dotted name of the class or function that was called for it; empty for any other value.
    """

    __slots__ = ("atom", "depth", "made_by", "name", "opaque", "parts", "size")
    depth: int
    size: int
    made_by: str

    def __init__(self, parts: Iterable[Value] = (), name: str = "", atom: Any = None, opaque: bool = False) -> None:
        self.parts, self.name, self.atom, self.opaque = list(parts), name, atom, opaque
        self.made_by = ""
        self.measure()

    def measure(self) -> None:
        """Count the parts and the levels to which they are nested; an opaque part counts as one.

        Raises
        ------
        UnsafePickle
            If there are too many of either.
        """
        shown = [part for part in self.parts if not part.opaque]
        self.size = 1 + sum(part.size for part in shown) + len(self.parts) - len(shown)
        self.depth = 1 + max((part.depth for part in shown), default=0)
        if self.depth > LARGEST_DEPTH:
            raise UnsafePickle(f"values nested over {LARGEST_DEPTH} deep")
        if self.size > LARGEST_VALUE:
            raise UnsafePickle(f"a value of over {LARGEST_VALUE:,} parts, most of them the same ones")


def check_pickle(file: IO[bytes]) -> dict[str, type]:
    r"""Follow the opcodes of one pickle to its end, or to where `torch.load` would refuse it.

    Parameters
    ----------
    file
        Stream at the beginning of the pickle.

    Returns
    -------
    dict
        Dotted name of each class or function whose results are given items, as objects of a subclass of `dict` are ->
        `dict` where items have keys, `list` where they are appended.

    Raises
    ------
    UnsafePickle
        If its values would take far more time or memory than a file of its size should.
    ValueError
        If the opcodes end early, or are no opcodes.

    Examples
    --------
    >>> import io, pickle
    >>> from collections import deque
    >>> check_pickle(io.BytesIO(pickle.dumps({"weight": [0.5, 1.5], "losses": deque([0.25])}, protocol=2)))
    {'collections.deque': <class 'list'>}
    >>> check_pickle(io.BytesIO(b"]q\x00" + b"h\x00h\x00\x86q\x00" * 40 + b"."))  # a pair of the same, 40 times
    Traceback (most recent call last):
    interp.safety.pickle_scan.UnsafePickle: a value of over 2,000,000 parts, most of them the same ones
    """
    machine = _Machine()
    following = True
    for opcode, argument, _ in pickletools.genops(file):
        if following:
            following = machine.follow(opcode.name, argument)
    _check_sizes(machine.containers)
    return machine.given


class _Machine:
    """The stacks of an unpickler, with values that say only what they hold."""

    def __init__(self) -> None:
        self.stack: list[Value] = []
        self.below: list[list[Value]] = []
        self.memo: dict[int, Value] = {}
        self.containers: list[Value] = []
        self.given: dict[str, type] = {}

    def follow(self, name: str, argument: Any) -> bool:
        """Apply an opcode to the stack; gives False where loading would end with an error."""
        try:
            if name in ATOMS:
                self.stack.append(Value(atom=argument))
            elif name in STEPS:
                STEPS[name](self, argument)
            else:
                return False
        except (IndexError, KeyError):  # nothing on the stack or in the memo
            return False
        return True

    def push(self, value: Value) -> None:
        self.containers.append(value)
        self.stack.append(value)

    def marked(self) -> list[Value]:
        """Take the values that were pushed since the last mark."""
        items, self.stack = self.stack, self.below.pop()
        return items

    def mark(self, _: Any) -> None:
        if len(self.below) >= MOST_MARKS:
            raise UnsafePickle(f"over {MOST_MARKS:,} values begun one within another")
        self.below.append(self.stack)
        self.stack = []

    def name(self, argument: str) -> None:
        self.stack.append(Value(name=argument.replace(" ", ".", 1)))

    def last(self, count: int) -> list[Value]:
        """Take the last `count` values off the stack."""
        if len(self.stack) < count:
            raise IndexError
        taken = self.stack[-count:]
        del self.stack[-count:]
        return taken

    def put_in(self, parts: list[Value]) -> None:
        self.stack[-1].parts += parts

    def set_items(self, items: list[Value]) -> None:
        for key in items[::2]:
            _check_key(key)
        self.hold(dict, items)

    def hold(self, kind: type, items: list[Value]) -> None:
        """Put items into the last value, which they show to be a container whatever class it is of."""
        self.stack[-1].opaque = False
        if self.stack[-1].made_by:
            self.given[self.stack[-1].made_by] = kind
        self.put_in(items)

    def build(self, _: Any) -> None:
        """Put a state into the last value; of what was given items, states become attributes, which are not printed."""
        states = self.last(1)
        maker = self.stack[-1].made_by
        if maker not in self.given or maker.startswith(CONTAINERS):
            self.put_in(states)

    def call(self, _: Any) -> None:
        function, arguments = self.last(2)
        _check_call(function, arguments)
        if function.name == TAKE_CLASS:
            self.stack.append(Value(name=arguments.parts[0].parts[1].name))
        else:
            self.push(Value(arguments.parts, opaque=not function.name.startswith(CONTAINERS)))
            self.stack[-1].made_by = function.name

    def storage(self, _: Any) -> None:
        identifier = self.stack.pop()
        if identifier.parts[0].atom != "storage":  # weights_only refuses anything else
            raise IndexError
        if identifier.size > LARGEST_KEY:
            raise UnsafePickle("a storage whose name is no name")
        self.stack.append(Value(opaque=True))

    def put(self, index: int) -> None:
        self.memo[index] = self.stack[-1]


ATOMS = {
    *("NONE", "NEWFALSE", "NEWTRUE", "BININT", "BININT1", "BININT2", "BINFLOAT", "BINUNICODE", "SHORT_BINSTRING"),
    "LONG1",
}
STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda machine, _: None,
    "STOP": lambda machine, _: None,
    "MARK": _Machine.mark,
    "GLOBAL": _Machine.name,
    "EMPTY_TUPLE": lambda machine, _: machine.stack.append(Value()),
    "EMPTY_LIST": lambda machine, _: machine.push(Value()),
    "EMPTY_DICT": lambda machine, _: machine.push(Value()),
    "EMPTY_SET": lambda machine, _: machine.push(Value()),
    "TUPLE": lambda machine, _: machine.push(Value(machine.marked())),
    "TUPLE1": lambda machine, _: machine.push(Value(machine.last(1))),
    "TUPLE2": lambda machine, _: machine.push(Value(machine.last(2))),
    "TUPLE3": lambda machine, _: machine.push(Value(machine.last(3))),
    "APPEND": lambda machine, _: machine.hold(list, machine.last(1)),
    "APPENDS": lambda machine, _: machine.hold(list, machine.marked()),
    "SETITEM": lambda machine, _: machine.set_items(machine.last(2)),
    "SETITEMS": lambda machine, _: machine.set_items(machine.marked()),
    "BUILD": _Machine.build,
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.call,
    "BINPERSID": _Machine.storage,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "BINGET": lambda machine, index: machine.stack.append(machine.memo[index]),
    "LONG_BINGET": lambda machine, index: machine.stack.append(machine.memo[index]),
}
"""Opcode -> function that applies it to the stack; those that torch refuses are left out."""


def _check_key(key: Value) -> None:
    if key.size > LARGEST_KEY:
        raise UnsafePickle(f"a key of over {LARGEST_KEY} parts")


def _check_call(function: Value, arguments: Value) -> None:
    """Refuse calls that allocate memory by a number, encode with a codec that the file names, or hash large values."""
    name, given = function.name, [part.atom for part in arguments.parts]
    if not name:
        raise UnsafePickle("a call of what is no function")
    if name == REBUILD:
        _check_call(arguments.parts[0], arguments.parts[2])
    if name.startswith("torch.") and name.endswith(("Tensor", "Storage")) and given:
        raise UnsafePickle(f"{name} made by size")
    if name in ("builtins.bytearray", "__builtin__.bytearray") and any(isinstance(atom, int) for atom in given):
        raise UnsafePickle("an array of bytes made by size")
    if name == "_codecs.encode" and given[1:] not in ([codec] for codec in CODECS):
        raise UnsafePickle(f"bytes encoded as {given[1:]}"[:100])
    if name.endswith((".set", ".Counter")):
        for part in arguments.parts:
            for key in part.parts:
                _check_key(key)


def _check_sizes(containers: Iterable[Value]) -> None:
    """Measure every container again, now that all its parts are in it; refuse those that hold themselves."""
    begun: set[int] = set()
    done: set[int] = set()
    for first in containers:
        path = [first]
        while path:
            value = path[-1]
            if id(value) in done or id(value) in begun:
                if id(value) not in done:
                    value.measure()
                    done.add(id(value))
                path.pop()
                continue
            begun.add(id(value))
            ahead = [part for part in value.parts if part.parts and not part.opaque and id(part) not in done]
            if any(id(part) in begun for part in ahead):
                raise UnsafePickle("a value that holds itself")
            path += ahead
