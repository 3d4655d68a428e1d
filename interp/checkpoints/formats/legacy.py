"""Whole modules in the pickle streams of torch before 1.6, made readable for `torch.load(weights_only=True)`.

Such a file is four pickles (magic number, protocol, machine, object), the keys of its storages and their bytes. In the
object's pickle each class stands, once, as a persistent id ``("module", class, file, source)``, which weights_only
refuses. Here every such id is turned into a call of a function of ours that gives the class, which is a stand-in by
then; nothing else of the file changes, and torch's own restricted unpickler still reads it.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Iterator
from typing import Any, NamedTuple

TAKE_CLASS = "interp.checkpoints.formats.legacy.take_class"
BEFORE = b"c" + TAKE_CLASS.rpartition(".")[0].encode() + b"\ntake_class\n"  # GLOBAL, below the id on the stack
AFTER = b"\x85R"  # TUPLE1, REDUCE: call it with the id as its one argument
HEADERS = 3  # pickles before the object's


class Op(NamedTuple):
    """One instruction of a pickle, with its place in the file."""

    name: str
    argument: Any
    start: int


def take_class(identity: Any) -> Any:
    """Give the class of a module's persistent id, (word, class, file, source)."""
    return identity[1]


def without_sources(content: bytes) -> io.BytesIO:
    """Rewrite a legacy file so that the classes of its modules are read as plain names."""
    stream = io.BytesIO(content)
    for _ in range(HEADERS):
        list(pickletools.genops(stream))
    cuts = list(_module_ids([Op(op.name, argument, at or 0) for op, argument, at in pickletools.genops(stream)]))
    rewritten, done = io.BytesIO(), 0
    for mark, persist in cuts:
        rewritten.write(content[done:mark] + BEFORE + content[mark:persist] + AFTER)
        done = persist + 1
    rewritten.write(content[done:])
    rewritten.seek(0)
    return rewritten


def _module_ids(ops: list[Op]) -> Iterator[tuple[int, int]]:
    """Yield the positions of (MARK, BINPERSID) around each flat id of a module."""
    mark, is_module = -1, False
    memo: set[int] = set()  # memo entries that hold the word
    for number, op in enumerate(ops):
        if op.name == "MARK":
            mark, is_module = number, False
        elif mark == number - 1 and mark >= 0:  # first word of the id: the type of what it names
            is_module = op.argument == "module" or (op.name in ("BINGET", "LONG_BINGET") and op.argument in memo)
        if op.name in ("BINPUT", "LONG_BINPUT") and ops[number - 1].argument == "module":
            memo.add(op.argument)
        if op.name == "BINPERSID" and is_module:
            yield ops[mark].start, op.start
            is_module = False
