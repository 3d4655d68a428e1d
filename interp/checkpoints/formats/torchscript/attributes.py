"""The table of attributes in TorchScript archives of torch 1.1 to 1.3: which tensor each one is.

From these versions on buffers, such as the statistics of a batch norm, are attributes, and what ``model.json`` gives is
their place in a pickled table (``attributes.pkl``), whose tensors are numbers of the list in ``model.json``
(``Pickler::pushTensorReference`` in ``torch/csrc/jit``). The pickle is followed here one operation at a time and
nothing is called: a value is a number, a list, or of no interest.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass, field
from typing import Any

MOST_OPERATIONS = 2_000_000
"""Largest number of operations that are followed."""

TENSORS = ("torch.jit._pickle build_tensor_from_id", "torch.jit._pickle TensorID", "__main__ TensorID")
"""Names that stand before the number of a tensor, of torch 1.2 and later, and of 1.1."""


@dataclass(frozen=True)
class _Tensor:
    number: int


@dataclass(frozen=True)
class _Name:
    name: str

    def of(self, value: Any) -> Any:
        """Give what the name makes of a value: a tensor of its number, and lists as they are."""
        number = value[0] if isinstance(value, list) and len(value) == 1 else value
        return _Tensor(number) if self.name in TENSORS and isinstance(number, int) else value


def numbers_of(content: bytes) -> list[int | None]:
    """Give the number of each attribute's tensor, in the order of the table.

    Parameters
    ----------
    content
        Pickled table.

    Returns
    -------
    list
        Number in the list of tensors; None for an attribute that is no tensor.

    Raises
    ------
    ValueError
        If it is no such table.

    Examples
    --------
    >>> import pickle
    >>> numbers_of(pickle.dumps((True, [1, 2], "words"), 2))
    [None, None, None]
    """
    table = _Machine().run(content)
    if not isinstance(table, list):
        raise ValueError("a table of attributes that is no list")
    return [one.number if isinstance(one, _Tensor) else None for one in table]


@dataclass
class _Machine:
    """Stack and memory of a pickle."""

    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def run(self, content: bytes) -> Any:
        """Follow all operations, and give the value that is left."""
        for count, (operation, argument, _) in enumerate(pickletools.genops(content)):
            if count > MOST_OPERATIONS:
                raise ValueError(f"a table of attributes of over {MOST_OPERATIONS:,} operations")
            if operation.name == "STOP":
                break
            self._follow(operation.name, argument)
        return self.stack.pop()

    def _follow(self, name: str, argument: Any) -> None:
        match name:
            case "MARK":
                self.marks.append(len(self.stack))
            case "TUPLE" | "LIST":
                self.stack.append(self._since_mark())
            case "EMPTY_TUPLE" | "EMPTY_LIST" | "EMPTY_DICT":
                self.stack.append([])
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                self.stack.append(self._since(len(self.stack) - int(name[-1])))
            case "APPEND" | "APPENDS":
                items = [self.stack.pop()] if name == "APPEND" else self._since_mark()
                self.stack[-1].extend(items)
            case "SETITEM" | "SETITEMS":
                self._since(len(self.stack) - 2) if name == "SETITEM" else self._since_mark()
            case "GLOBAL":
                self.stack.append(_Name(argument))
            case "REDUCE" | "BUILD":
                value, own = self.stack.pop(), self.stack.pop()
                self.stack.append(own.of(value) if isinstance(own, _Name) else own)
            case "BINPUT" | "LONG_BINPUT" | "PUT":
                self.memo[argument] = self.stack[-1]
            case "BINGET" | "LONG_BINGET" | "GET":
                self.stack.append(self.memo[argument])
            case "PROTO":
                pass
            case _:
                self._constant(name, argument)

    def _constant(self, name: str, argument: Any) -> None:
        known = ("INT", "LONG", "BIN", "NEWTRUE", "NEWFALSE", "NONE", "SHORT_BIN", "FLOAT")
        if not name.startswith(known) or name == "BINPERSID":
            raise ValueError(f"{name} in a table of attributes")
        self.stack.append(argument if isinstance(argument, int) else None)

    def _since_mark(self) -> list[Any]:
        return self._since(self.marks.pop())

    def _since(self, place: int) -> list[Any]:
        items = self.stack[place:]
        del self.stack[place:]
        return items
