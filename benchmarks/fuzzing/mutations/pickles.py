"""Damage to the pickles inside torch files."""

from __future__ import annotations

import struct
from collections.abc import Callable
from random import Random

from fuzzing.mutations.opcodes import (
    EMPTY_DICT,
    EMPTY_TUPLE,
    SETITEM,
    STOP,
    TUPLE2,
    edit_pickle,
    keyed,
    name,
    number,
    split,
    text,
    together,
)
from fuzzing.mutations.payloads import BOMBS, CODE
from fuzzing.mutations.plain_bytes import Mutator, bit_flips

KINDS = tuple(
    f"{kind}Storage"
    for kind in ("Double", "Half", "BFloat16", "Bool", "Byte", "Long", "ComplexFloat", "QInt8", "QUInt4x2")
)
ODD_NUMBERS = (-1, 0, 1, 2, 255, 2**16, 2**31 - 1, -(2**31), 2**31, 2**40, 2**62, 2**63 - 1, 2**63, 2**64, -(2**63))
ODD_TEXTS = ("", "cuda", "cuda:99", "meta", "privateuseone", "../x", "\x00", "weight", "0.weight", "x" * 300, "cpu:7")
PROTOCOL = b"\x80\x02"


def _on_pickle(edit: Callable[[bytes, Random], bytes]) -> Mutator:
    """Make a mutator of a function of one whole pickle."""

    def mutate(data: bytes, rng: Random) -> bytes | None:
        try:
            return edit_pickle(data, lambda pickled: edit(pickled, rng))
        except (ValueError, IndexError):  # a pickle that was damaged before
            return None

    return mutate


def _opcodes(edit: Callable[[list[bytes], Random], list[bytes]]) -> Mutator:
    return _on_pickle(lambda pickled, rng: b"".join(edit(split(pickled), rng)))


def splice(pickled: bytes, value: bytes, rng: Random) -> bytes:
    """Put a pickled value in place of a pickle's, beside it, before it, as a key, or deep inside."""
    opcodes = split(pickled)
    inside = b"".join(opcodes[1:-1])
    wrapped = EMPTY_DICT + text("state_dict") + inside + SETITEM
    atoms = [i for i, opcode in enumerate(opcodes) if opcode[:1] in b"XKMJ"]
    at = rng.choice(atoms) if atoms else 1
    ways = {
        "in place": value,
        "beside": wrapped + text("extra") + value + SETITEM,
        "key": wrapped + value + b"N" + SETITEM,
        "before": EMPTY_DICT + text("config") + value + SETITEM + text("model") + inside + SETITEM,
        "pair": inside + value + TUPLE2,
        "inside": b"".join([*opcodes[1:at], value, *opcodes[at + 1 : -1]]),
    }
    return PROTOCOL + ways[rng.choice(list(ways))] + STOP


def code(pickled: bytes, rng: Random) -> bytes:
    """Add a value that runs code when a plain unpickler builds it."""
    return splice(pickled, CODE[rng.choice(list(CODE))], rng)


def bombs(pickled: bytes, rng: Random) -> bytes:
    """Add a value that is small in the file and large to whoever builds or walks it."""
    return splice(pickled, BOMBS[rng.choice(list(BOMBS))](rng), rng)


def _dropped(opcodes: list[bytes], rng: Random) -> list[bytes]:
    at = rng.randrange(len(opcodes))
    return opcodes[:at] + opcodes[at + rng.choice((1, 1, 3)) :]


def _repeated(opcodes: list[bytes], rng: Random) -> list[bytes]:
    at = rng.randrange(len(opcodes))
    return opcodes[:at] + [opcodes[at]] * rng.choice((2, 3, 1000)) + opcodes[at + 1 :]


def _exchanged(opcodes: list[bytes], rng: Random) -> list[bytes]:
    i, j = rng.randrange(len(opcodes)), rng.randrange(len(opcodes))
    opcodes[i], opcodes[j] = opcodes[j], opcodes[i]
    return opcodes


def _strange_opcode(opcodes: list[bytes], rng: Random) -> list[bytes]:
    at = rng.randrange(1, len(opcodes))
    return [*opcodes[:at], bytes([rng.randrange(256)]), *opcodes[at:]]


def _replaced(opcodes: list[bytes], rng: Random, codes: bytes, values: list[bytes]) -> list[bytes]:
    """Put one of `values` in place of an opcode that is one of `codes`."""
    places = [i for i, opcode in enumerate(opcodes) if opcode[:1] in codes] or [1]
    for at in rng.choices(places, k=rng.choice((1, 1, 2))):
        opcodes[at] = rng.choice(values)
    return opcodes


def _numbers(opcodes: list[bytes], rng: Random) -> list[bytes]:
    """State other shapes, strides, offsets, sizes and versions."""
    return _replaced(opcodes, rng, b"KMJ\x8a", [number(value) for value in ODD_NUMBERS])


def _texts(opcodes: list[bytes], rng: Random) -> list[bytes]:
    """State other names, keys and devices."""
    return _replaced(opcodes, rng, b"X", [text(value) for value in ODD_TEXTS])


def _values(opcodes: list[bytes], rng: Random) -> list[bytes]:
    """Put values of other types where names and numbers are expected."""
    others = [b"N", b"\x88", EMPTY_DICT, EMPTY_TUPLE, b"G" + struct.pack(">d", float("nan")), together(number(1))]
    return _replaced(opcodes, rng, b"XKMJ})N\x88\x89", [*others, keyed((number(1), b"N")), b"]", b"U\x02\xff\xfe"])


def _types(opcodes: list[bytes], rng: Random) -> list[bytes]:
    """Refer to other classes, functions and element types."""
    kinds = [name("torch", kind) for kind in KINDS]
    rebuilds = (
        "_rebuild_tensor",
        "_rebuild_qtensor",
        "_rebuild_sparse_tensor",
        "_rebuild_parameter",
        "_rebuild_tensor_v3",
    )
    functions = [name("torch._utils", function) for function in rebuilds]
    dtypes = [name("torch", dtype) for dtype in ("float8_e4m3fn", "bits8", "uint16", "complex32", "int1")]
    classes = [name("torch.nn.modules.linear", "Linear"), name("torch", "Tensor"), name("no_such_package", "Thing")]
    return _replaced(opcodes, rng, b"c", [*kinds, *functions, *dtypes, *classes])


def _long_lengths(opcodes: list[bytes], rng: Random) -> list[bytes]:
    """Declare texts far longer than what is left of the file."""
    places = [i for i, opcode in enumerate(opcodes) if opcode[:1] == b"X"] or [1]
    at = rng.choice(places)
    opcodes[at] = b"X" + struct.pack("<I", rng.choice((10**6, 10**9, 2**32 - 1))) + opcodes[at][5:]
    return opcodes


PICKLES: dict[str, Mutator] = {
    "pickle runs code": _on_pickle(code),
    "pickle bomb": _on_pickle(bombs),
    "pickle bits": _on_pickle(bit_flips),
    "pickle opcode dropped": _opcodes(_dropped),
    "pickle opcode repeated": _opcodes(_repeated),
    "pickle opcodes exchanged": _opcodes(_exchanged),
    "pickle opcode strange": _opcodes(_strange_opcode),
    "pickle numbers": _opcodes(_numbers),
    "pickle texts": _opcodes(_texts),
    "pickle values": _opcodes(_values),
    "pickle types": _opcodes(_types),
    "pickle lengths": _opcodes(_long_lengths),
}
