"""Pickled values that try to run code, or to take more time or memory than a file of their size may."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random

from fuzzing.mutations.opcodes import (
    ADDITEMS,
    APPEND,
    BUILD,
    EMPTY_DICT,
    EMPTY_LIST,
    EMPTY_SET,
    EMPTY_TUPLE,
    MARK,
    NEWOBJ,
    PERSISTENT,
    REDUCE,
    SETITEM,
    TUPLE,
    TUPLE1,
    TUPLE2,
    call,
    get,
    keyed,
    listed,
    name,
    number,
    put,
    text,
    together,
)

MARKER = "MARK"
SIDE_EFFECT = "fuzz_side_effect"
"""A module in the scratch folder: importing it, or calling its `run`, makes the folder `MARKER`."""

VICTIM = Path(tempfile.gettempdir()) / "interp-fuzz-victim"
"""A file outside of every folder that is opened, to which files that are written lead."""
UNTOUCHED = b"not to be written " * 20

MAKE = f"__import__('os').mkdir('{MARKER}')"
ONES = together(number(1))

CODE: dict[str, bytes] = {
    "os.system": call("os", "system", text(f"mkdir {MARKER}")),
    "posix.system": call("posix", "system", text(f"mkdir {MARKER}")),
    "os.mkdir": call("os", "mkdir", text(MARKER)),
    "pathlib": call("pathlib", "Path", text(MARKER)),
    "subprocess": call("subprocess", "Popen", text(f"mkdir {MARKER}"), number(-1)),
    "eval": call("builtins", "eval", text(MAKE)),
    "eval of Python 2": call("__builtin__", "eval", text(MAKE)),
    "exec": call("builtins", "exec", text(MAKE)),
    "compile": call("builtins", "compile", text(MAKE), text("x"), text("exec")),
    "import": call("builtins", "__import__", text(SIDE_EFFECT)),
    "getattr": call("builtins", "getattr", name("os", "system"), text("__call__")),
    "open": call("builtins", "open", text(MARKER), text("w")),
    "importlib": call("importlib", "import_module", text(SIDE_EFFECT)),
    "runpy": call("runpy", "run_module", text(SIDE_EFFECT)),
    "side effect": call(SIDE_EFFECT, "run"),
    "side effect by name": name(SIDE_EFFECT, "run"),
    "submodule by name": name(f"torch.nn.modules.linear.{SIDE_EFFECT}", "run"),
    "dotted name": name("torch", "os.system") + together(text(f"mkdir {MARKER}")) + REDUCE,
    "pickle.loads": call("pickle", "loads", text("cos\nsystem\n")),
    "torch.load": call("torch", "load", text("file")),
    "torch.serialization": call("torch.serialization", "load", text("file"), EMPTY_DICT),
    "torch.jit": call("torch.jit", "load", text("file")),
    "torch.hub": call("torch.hub", "load", text("."), text("x")),
    "torch.ops": call("torch._utils_internal", "get_file_path", text("x")),
    "rebuild by type": call("torch._tensor", "_rebuild_from_type_v2", name("os", "system"), name(SIDE_EFFECT, "run"))
    + BUILD,
    "rebuild calls": call(
        "torch._tensor",
        "_rebuild_from_type_v2",
        name(SIDE_EFFECT, "run"),
        name("torch", "Tensor"),
        EMPTY_TUPLE,
        EMPTY_DICT,
    ),
    "subclass": call("torch._utils", "_rebuild_wrapper_subclass", name(SIDE_EFFECT, "Sub"), *([ONES] * 3)),
    "numpy": call("numpy.core.multiarray", "_reconstruct", name("numpy", "ndarray"), together(number(0)), text("b")),
    "encode": call("_codecs", "encode", text("x"), text(SIDE_EFFECT)),
    "partial": call("functools", "partial", name("os", "system"), text(f"mkdir {MARKER}")),
    "new object": name("subprocess", "Popen") + together(text(f"mkdir {MARKER}")) + NEWOBJ,
    "new object by name": name(SIDE_EFFECT, "Run") + EMPTY_TUPLE + EMPTY_DICT + b"\x92",
    "instance": MARK + text(f"mkdir {MARKER}") + b"ios\nsystem\n",
    "object": MARK + name("os", "system") + text(f"mkdir {MARKER}") + b"o",
    "stack global": text("os") + text("system") + b"\x93" + together(text(f"mkdir {MARKER}")) + REDUCE,
    "extension 1": b"\x82\x01",
    "extension 2": b"\x83\x01\x00",
    "extension 4": b"\x84\x01\x00\x00\x00",
    "setstate": name(SIDE_EFFECT, "State")
    + EMPTY_TUPLE
    + NEWOBJ
    + keyed((text("__setstate__"), name("os", "system")))
    + BUILD,
    "class changed": name("torch.nn.modules.linear", "Linear")
    + EMPTY_TUPLE
    + NEWOBJ
    + keyed((text("__class__"), name(SIDE_EFFECT, "State")), (text("state"), number(1)))
    + BUILD,
    "slots": name("torch.nn.modules.linear", "Linear")
    + EMPTY_TUPLE
    + NEWOBJ
    + together(EMPTY_DICT, keyed((text("__class__"), name("os", "system"))))
    + BUILD,
    "ordered dict's class": name("collections", "OrderedDict")
    + EMPTY_TUPLE
    + REDUCE
    + keyed((text("items"), name(SIDE_EFFECT, "run")), (text("get"), name("os", "system")))
    + BUILD,
    "persistent name": b"P" + SIDE_EFFECT.encode() + b"\n",
    "persistent module": together(text("module"), name(SIDE_EFFECT, "run"), text("file"), text("import os"))
    + PERSISTENT,
    "default dict": call("collections", "defaultdict", name("os", "system")),
}
"""Each must leave no trace but an error, or inert stand-ins."""


def _storage(elements: int, key: str = "0", kind: str = "FloatStorage") -> bytes:
    storage = together(text("storage"), name("torch", kind), text(key), text("cpu"), number(elements))
    return storage + PERSISTENT


def tensor(
    shape: tuple[int, ...], stride: tuple[int, ...], elements: int = 15, offset: int = 0, key: str = "0"
) -> bytes:
    """Push a tensor as `torch.save` does; sizes, strides and its storage's size are what the caller says."""
    sizes, steps = (together(*map(number, values)) for values in (shape, stride))
    hooks = name("collections", "OrderedDict") + EMPTY_TUPLE + REDUCE
    rest = (number(offset), sizes, steps, b"\x89", hooks)
    return call("torch._utils", "_rebuild_tensor_v2", _storage(elements, key), *rest)


def doubling(times: int, join: bytes = TUPLE2, first: bytes = EMPTY_TUPLE) -> bytes:
    """Push a value that holds itself twice, `times` deep: small in memory, endless to whoever walks it."""
    return first + put(0) + b"".join(get(i) + get(i) + join + put(i + 1) for i in range(times))


def _doubling_lists(times: int) -> bytes:
    steps = (EMPTY_LIST + get(i) + APPEND + get(i) + APPEND + put(i + 1) for i in range(times))
    return EMPTY_LIST + put(0) + b"".join(steps)


def _fanning_dicts(deep: int, wide: int) -> bytes:
    """Push dicts of which every level holds the next one `wide` times."""
    levels = (keyed(*((number(k), get(i)) for k in range(wide))) + put(i + 1) for i in range(deep))
    return EMPTY_DICT + put(0) + b"".join(levels)


def _holding_itself() -> bytes:
    return EMPTY_DICT + put(0) + text("self") + get(0) + SETITEM


def _module_in_itself() -> bytes:
    """Push a module that is its own child."""
    module = name("torch.nn.modules.container", "Sequential") + EMPTY_TUPLE + NEWOBJ + put(0)
    return module + keyed((text("_modules"), keyed((text("0"), get(0))))) + BUILD


def _deep_modules(times: int) -> bytes:
    made = name("torch.nn.modules.container", "Sequential") + put(1)
    one = get(1) + EMPTY_TUPLE + NEWOBJ + EMPTY_DICT + text("_modules") + EMPTY_DICT + text("0")
    return made + one * times + b"N" + (SETITEM + SETITEM + BUILD) * times


def _shadowing() -> bytes:
    """Push a tensor with attributes where its methods are looked for."""
    methods = ("dim", "numel", "detach", "float", "untyped_storage", "is_meta", "shape", "layout", "dtype", "isfinite")
    state = keyed(*((text(method), name(SIDE_EFFECT, "run")) for method in methods))
    rebuild = name("torch._utils", "_rebuild_parameter_with_state")
    return rebuild + together(tensor((5, 3), (3, 1)), b"\x89", EMPTY_DICT, state) + REDUCE


def _many_views(names: int, elements: int) -> bytes:
    """Push a state dict whose tensors all lie in one storage."""
    storage = _storage(elements, kind="ByteStorage") + put(0)
    view = (get(0), number(0), together(number(1), number(elements)), together(number(elements), number(1)), b"\x89")
    hooks = name("collections", "OrderedDict") + EMPTY_TUPLE + REDUCE
    views = ((text(f"{i}.weight"), call("torch._utils", "_rebuild_tensor_v2", *view, hooks)) for i in range(names))
    return storage + keyed(*views) + TUPLE2


def _permutations() -> bytes:
    """Push eleven square layers and one that fits nowhere: trying all orders would take years."""
    square = tensor((3, 3), (3, 1))
    return keyed(*((text(f"l{i}.weight"), square) for i in range(11)), (text("other.weight"), tensor((2, 5), (5, 1))))


BOMBS: dict[str, Callable[[Random], bytes]] = {
    "doubling tuples": lambda rng: doubling(rng.choice((30, 60))),
    "doubling lists": lambda rng: _doubling_lists(60),
    "doubling texts": lambda rng: doubling(60, first=text("ha" * 50)),
    "fanning dicts": lambda rng: _fanning_dicts(10, rng.choice((10, 60))),
    "set of doubling tuples": lambda rng: EMPTY_SET + MARK + doubling(40) + ADDITEMS,
    "set by call": lambda rng: call("builtins", "set", listed(doubling(40))),
    "counter": lambda rng: call("collections", "Counter", listed(doubling(40))),
    "deep tuples": lambda rng: EMPTY_TUPLE + TUPLE1 * rng.choice((500, 100_000, 1_000_000)),
    "deep lists": lambda rng: EMPTY_LIST * (deep := rng.choice((500, 100_000))) + APPEND * (deep - 1),
    "deep dicts": lambda rng: (EMPTY_DICT + text("a")) * (deep := rng.choice((500, 100_000))) + b"N" + SETITEM * deep,
    "deep modules": lambda rng: _deep_modules(rng.choice((500, 20_000))),
    "many marks": lambda rng: MARK * 100_000 + TUPLE * 100_000,
    "dict in itself": lambda rng: _holding_itself(),
    "list in itself": lambda rng: EMPTY_LIST + put(0) + get(0) + APPEND,
    "module in itself": lambda rng: _module_in_itself(),
    "long whole number": lambda rng: number(2**2000),
    "longest text": lambda rng: b"X" + struct.pack("<I", rng.choice((2**32 - 1, 2**31, 10**8))) + b"abc",
    "longest text of 8 bytes": lambda rng: b"\x8d" + struct.pack("<Q", rng.choice((2**62, 2**33))) + b"abc",
    "longest number": lambda rng: b"\x8b" + struct.pack("<i", 2**31 - 1) + b"abc",
    "longest bytes": lambda rng: b"B" + struct.pack("<I", 2**32 - 1) + b"abc",
    "longest byte array": lambda rng: b"\x96" + struct.pack("<Q", 2**40) + b"abc",
    "longest frame": lambda rng: b"\x95" + struct.pack("<Q", 2**60) + b"N",
    "long text": lambda rng: text("x" * 3_000_000),
    "names with line ends": lambda rng: text("a\nerror: b\r\x1b[2J\u202e"),
    "lone surrogate": lambda rng: text("\ud800"),
    "byte array": lambda rng: call("builtins", "bytearray", number(rng.choice((2**28, 2**31, 2**40, -1)))),
    "byte arrays": lambda rng: listed(*[call("builtins", "bytearray", number(2**24))] * 40),
    "set of a byte array": lambda rng: call("builtins", "set", call("builtins", "bytearray", number(2**26))),
    "empty tensor by size": lambda rng: call("torch", "Tensor", *[number(2 ** rng.choice((8, 15, 31)))] * 2),
    "storage by size": lambda rng: call("torch.storage", "UntypedStorage", number(2 ** rng.choice((28, 35, 62)))),
    "size": lambda rng: call("torch", "Size", listed(*[number(2**62)] * 3)),
    "encoding": lambda rng: call(
        "_codecs", "encode", text("x" * 100_000), text(rng.choice(("idna", "punycode", "zlib")))
    ),
    "bytes packed": lambda rng: call("_codecs", "encode", call("builtins", "bytearray", number(2**27)), text("bz2")),
    "tensor of no stride": lambda rng: tensor((2**31, 2**30), (0, 0)),
    "tensor of overflowing size": lambda rng: tensor((2**62, 2**62, 4), (0, 0, 0)),
    "tensor of negative sizes": lambda rng: tensor((-3, 5), (5, 1)),
    "tensor of negative strides": lambda rng: tensor((3, 5), (-5, -1)),
    "tensor beyond its storage": lambda rng: tensor((3, 5), (5, 1), offset=2**40),
    "tensor of negative offset": lambda rng: tensor((3, 5), (5, 1), offset=-1),
    "tensor of huge storage": lambda rng: tensor((3, 5), (5, 1), elements=rng.choice((2**33, 2**62, -1)), key="99"),
    "tensor of no values": lambda rng: keyed((text("a.weight"), tensor((0, 5), (5, 1)))),
    "tensor of many dimensions": lambda rng: tensor((1,) * 1000, (1,) * 1000),
    "key that leads elsewhere": lambda rng: tensor((3, 5), (5, 1), key="../../../etc/passwd"),
    "meta tensor": lambda rng: call(
        "torch._utils",
        "_rebuild_meta_tensor_no_storage",
        name("torch", "float32"),
        *[together(number(2**30), number(2**30))] * 2,
        b"\x89",
    ),
    "shadowing attributes": lambda rng: keyed((text("0.weight"), _shadowing())),
    "one storage, many names": lambda rng: _many_views(3000, 30),
    "orders without end": lambda rng: _permutations(),
    "memo of nothing": lambda rng: get(777),
    "nothing below": lambda rng: REDUCE * 3,
    "unbalanced": lambda rng: TUPLE + SETITEM + BUILD,
    "persistent number": lambda rng: number(5) + PERSISTENT,
    "persistent odd": lambda rng: together(text("storage"), number(1), listed(), EMPTY_DICT, text("many")) + PERSISTENT,
}
"""None may take more than a few megabytes or a moment."""
