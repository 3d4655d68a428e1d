"""Damage to what safetensors, ONNX and JSON files declare."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from fuzzing.mutations.archives import archive_of, members_of
from fuzzing.mutations.plain_bytes import Mutator
from fuzzing.seeds.protobuf import field, varint, varint_places

DTYPES = ("F64", "F16", "BF16", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F4", "I64", "U8", "U64", "BOOL", "C64", "X", "")
ODD_VALUES = (None, -1, 0, 1.5, 1e400, 2**31, 2**63, 2**64, 10**40, "", "x", [], [[]], {}, True, "\ud800", "a\nb")
DEEP = 200_000

Header = dict[str, Any]


def _safetensors(data: bytes) -> tuple[Header, bytes] | None:
    """Give the header and the bytes behind it, or None for another file."""
    size = int.from_bytes(data[:8], "little")
    if not 2 <= size < len(data) or data[8:9] != b"{":
        return None
    try:
        header = json.loads(data[8 : 8 + size])
    except ValueError:  # one damaged before
        return None
    return header, data[8 + size :]


def _with_header(text: bytes, rest: bytes, size: int | None = None) -> bytes:
    return ((len(text) if size is None else size) % 2**64).to_bytes(8, "little") + text + rest


def _on_header(edit: Callable[[Header, Random], object]) -> Mutator:
    def mutate(data: bytes, rng: Random) -> bytes | None:
        parts = _safetensors(data)
        if parts is None:
            return None
        header, rest = parts
        edit(header, rng)
        return _with_header(json.dumps(header).encode(), rest)

    return mutate


def _tensor(header: Header, rng: Random) -> Header:
    return header[rng.choice([name for name in header if name != "__metadata__"])]


def _dtype(header: Header, rng: Random) -> None:
    _tensor(header, rng)["dtype"] = rng.choice(DTYPES)


def _shape(header: Header, rng: Random) -> None:
    shapes = ([0], [2**63, 2], [2**32, 2**32], [-1], [3, 5, 1], [], [1] * 100, [15], [5, 3], [0, 5], [2**64], "x", None)
    _tensor(header, rng)["shape"] = rng.choice(shapes)


def _offsets(header: Header, rng: Random) -> None:
    places = ([0, 0], [0, 2**63], [60, 0], [-4, 56], [1, 61], [0], [0, 60, 120], [2**64, 2**64 + 60], None)
    _tensor(header, rng)["data_offsets"] = rng.choice(places)


def _whole_type(header: Header, rng: Random) -> None:
    """Change a tensor's type and shape so that its bytes still add up."""
    info = _tensor(header, rng)
    size = info["data_offsets"][1] - info["data_offsets"][0]
    bytes_of = {8: ("F64", "I64", "U64", "C64"), 2: ("U16", "F16"), 1: ("F8_E4M3", "F8_E5M2", "F8_E8M0", "U8", "BOOL")}
    kinds = {kind: width for width, names in bytes_of.items() for kind in names}
    info["dtype"] = rng.choice([kind for kind, width in kinds.items() if size % width == 0])
    info["shape"] = rng.choice(([size // kinds[info["dtype"]]], [1, size // kinds[info["dtype"]]]))


def _names(header: Header, rng: Random) -> None:
    old = rng.choice(list(header))
    names = ("", "\n", "\u202e", "\ud800", "x" * 100_000, "weight", "a/../b", "__class__", "0.bias", "running_mean")
    header[rng.choice(names)] = header.pop(old)


def _odd_values(header: Header, rng: Random) -> None:
    at: Any = rng.choice((header, _tensor(header, rng), header.setdefault("__metadata__", {})))
    at[rng.choice([*at, "extra"])] = rng.choice(ODD_VALUES)


def _many(header: Header, rng: Random) -> None:
    """Add tensors of no values, or of the same bytes."""
    first = _tensor(header, rng)
    empty = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    header.update({f"t{i}": rng.choice((first, empty)) for i in range(rng.choice((10, 5000)))})


def header_length(data: bytes, rng: Random) -> bytes | None:
    """Declare another length of the header."""
    parts = _safetensors(data)
    if parts is None:
        return None
    size = int.from_bytes(data[:8], "little")
    sizes = (0, 1, 2, size - 1, size + 1, size + 8, len(data), 99_999_999, 100_000_001, 2**31, 2**63, 2**64 - 1)
    return _with_header(data[8 : 8 + size], parts[1], rng.choice(sizes))


def deep_json(data: bytes, rng: Random) -> bytes | None:
    """Nest a JSON text, or a safetensors header, deeper than a parser can follow."""
    text = rng.choice((b'{"a":' * DEEP + b"1" + b"}" * DEEP, b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}"))
    if is_json(data):
        return text
    parts = _safetensors(data)
    return None if parts is None else _with_header(text, parts[1])


def doubled_key(data: bytes, rng: Random) -> bytes | None:
    """Name one tensor twice."""
    parts = _safetensors(data)
    if parts is None:
        return None
    one = json.dumps(rng.choice(list(parts[0].items())))[1:-1].replace(", ", ": ", 1)
    return _with_header(json.dumps(parts[0])[:-1].encode() + f", {one}}}".encode(), parts[1])


# --------------------------------------------------------------------------- JSON


def is_json(data: bytes) -> bool:
    return data.lstrip()[:1] == b"{"


def json_values(data: bytes, rng: Random) -> bytes | None:
    """Put values of other types and sizes in a JSON object, or leave some out."""
    if not is_json(data):
        return None
    try:
        content = json.loads(data)
    except ValueError:  # one damaged before
        return None
    for _ in range(rng.choice((1, 1, 3))):
        _changed(content, rng)
    return json.dumps(content).encode()


def _changed(content: Any, rng: Random) -> None:
    """Change or leave out one value of a JSON object or list, at any depth."""
    keys = [*content, "extra"] if isinstance(content, dict) else list(range(len(content)))
    key = rng.choice(keys)
    inner = content.get(key) if isinstance(content, dict) else content[key]
    if inner and isinstance(inner, (dict, list)) and rng.random() < 0.7:
        _changed(inner, rng)
    elif rng.random() < 0.3 and key != "extra":
        del content[key]
    else:
        content[key] = rng.choice((*ODD_VALUES, [1] * 10_000))


# --------------------------------------------------------------------------- ONNX


def _is_onnx(data: bytes) -> bool:
    return data[:1] == b"\x08" and b"pytorch" in data[:64]


def varints(data: bytes, rng: Random) -> bytes | None:
    """Declare other lengths, sizes and keys."""
    if not _is_onnx(data):
        return None
    start, end = rng.choice(list(varint_places(data)))
    value = rng.choice((0, 1, 127, 128, 2**31, 2**32 - 1, 2**63, 2**64 - 1, rng.randrange(1000)))
    return data[:start] + rng.choice((varint(value), b"\xff" * 12, b"\x80" * 9 + b"\x00")) + data[end:]


def onnx_fields(data: bytes, rng: Random) -> bytes | None:
    """Add a graph, node, initial value or attribute that contradicts the others."""
    if not _is_onnx(data):
        return None
    shape = rng.choice(((2**40, 2**40), (0, 5), (2**63,), (1,) * 100, (3, 5)))
    dims = b"".join(field(1, size) for size in shape)
    kind = field(2, rng.choice((1, 2, 7, 10, 11, 16, 99)))
    name = rng.choice(("0.weight", "0.bias", "x", "", "x" * 100_000, "a\nb"))
    tensor = dims + kind + field(8, name) + rng.choice((b"", field(9, bytes(60)), field(9, b"x"), field(4, bytes(60))))
    node = (
        field(1, "out2")
        + field(1, name)
        + field(2, "out3")
        + field(4, rng.choice(("Gemm", "Add", "If", "", "x" * 999)))
    )
    self_reading = field(1, "loop") + field(2, "loop") + field(4, "Relu")
    deep = b""
    for _ in range(rng.choice((10, 1000))):
        deep = field(7, deep)
    many = field(1, node) * (5000 if len(node) < 2000 else 50)  # the file itself is to stay small
    graph = rng.choice((field(5, tensor), field(1, node), field(1, self_reading), many))
    return data + rng.choice((field(7, graph), graph, field(7, deep)))


def json_in_archive(data: bytes, rng: Random) -> bytes | None:
    """Do the same to a JSON file within an archive, or nest it deeper than a parser can follow."""
    members = members_of(data)
    own = [place for place, (_, content) in enumerate(members or ()) if is_json(content)]
    if not members or not own:
        return None
    at = rng.choice(own)
    content = rng.choice((json_values, json_values, json_values, deep_json))(members[at][1], rng)
    if content is None:
        return None
    members[at] = (members[at][0], content)
    return archive_of(members)


HEADERS: dict[str, Mutator] = {
    "safetensors header length": header_length,
    "safetensors types": _on_header(_dtype),
    "safetensors types that add up": _on_header(_whole_type),
    "safetensors shapes": _on_header(_shape),
    "safetensors offsets": _on_header(_offsets),
    "safetensors names": _on_header(_names),
    "safetensors odd values": _on_header(_odd_values),
    "safetensors of many tensors": _on_header(_many),
    "safetensors name twice": doubled_key,
    "deep JSON": deep_json,
    "JSON values": json_values,
    "JSON in an archive": json_in_archive,
    "ONNX numbers": varints,
    "ONNX fields": onnx_fields,
}
