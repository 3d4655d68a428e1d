"""Pickles that ask for too much are told from those that torch writes."""

import io
import pickle
import zipfile
from collections import deque
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

from interp.checkpoints import read_contents
from interp.errors import CheckpointError
from interp.safety import weights
from interp.safety.pickle_scan import UnsafePickle, Value, check_pickle
from interp.safety.weights import load_weights


def scanned(value: object) -> None:
    check_pickle(io.BytesIO(pickle.dumps(value, protocol=2)))


def doubled(times: int) -> tuple:
    value: tuple = ()
    for _ in range(times):
        value = (value, value)
    return value


def in_itself() -> list:
    value: list = []
    value.append(value)
    return value


def filled_later() -> dict:
    """Give a value whose parts get theirs after they were put in: opcodes alone never show a large one."""
    levels: list[list] = [[] for _ in range(40)]
    for low, high in pairwise(levels):
        high += [low, low]
    return {str(i): level for i, level in enumerate(reversed(levels))}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (doubled(40), "a value of over 2,000,000 parts"),
        ({"a": doubled(40)}, "a value of over 2,000,000 parts"),
        (filled_later(), "a value of over 2,000,000 parts"),
        ({doubled(10): 1}, "a key of over 100 parts"),
        (in_itself(), "a value that holds itself"),
    ],
    ids=["doubled", "doubled inside", "filled later", "key", "in itself"],
)
def test_too_much(value, message):
    with pytest.raises(UnsafePickle, match=message):
        scanned(value)


class Named(dict):
    """A dict of a class of its own."""


def named_in_itself() -> Named:
    value = Named()
    value["self"] = value
    return value


def named_doubled(times: int) -> Named:
    value = Named()
    for _ in range(times):
        value = Named(first=value, second=value)
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [(named_in_itself(), "a value that holds itself"), (named_doubled(22), "a value of over 2,000,000 parts")],
    ids=["in itself", "doubled"],
)
def test_too_much_in_what_is_given_items(value, message):
    """A stand-in for a subclass of dict is a dict, which prints its items."""
    with pytest.raises(UnsafePickle, match=message):
        scanned(value)


def test_classes_that_are_given_items():
    pickled = pickle.dumps([Named(a=1), deque([1, 2]), Named, {"b": [3]}, ValueError("x")], protocol=2)
    given = {f"{Named.__module__}.Named": dict, "collections.deque": list}
    assert check_pickle(io.BytesIO(pickled)) == given
    assert check_pickle(io.BytesIO(pickle.dumps([Named(), deque(), {"a": 1}], protocol=2))) == {}


def test_parts_are_counted_as_often_as_they_would_be_printed_and_opaque_ones_once():
    pair = Value([Value(), Value([Value(), Value()])])
    assert (pair.size, pair.depth) == (5, 3)
    assert (Value([pair, pair]).size, Value([pair, pair]).depth) == (11, 4)
    assert (Value([pair, Value([pair], opaque=True)]).size, Value([Value([pair], opaque=True)]).depth) == (7, 1)


OPCODES = {
    "bytearray": (b"c__builtin__\nbytearray\n(J\xff\xff\xff\x7ftR.", "an array of bytes made by size"),
    "tensor": (b"ctorch\nTensor\n(J\xff\xff\xff\x7ftR.", "torch.Tensor made by size"),
    "hidden tensor": (
        b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch\nTensor\nctorch\nTensor\n(J\xff\xff\xff\x7fttR.",
        "torch.Tensor made by size",
    ),
    "codec": (b"c_codecs\nencode\n(X\x01\x00\x00\x00xX\x04\x00\x00\x00idnatR.", "bytes encoded as"),
    "nested": (b"]" * 600 + b"a" * 599 + b".", "nested over 500 deep"),
    "marks": (b"(" * 20_000 + b".", "over 10,000 values begun"),
    "no function": (b"](tR.", "a call of what is no function"),
}


@pytest.mark.parametrize("case", OPCODES)
def test_opcodes_that_take_room(case):
    pickled, message = OPCODES[case]
    with pytest.raises(UnsafePickle, match=message):
        check_pickle(io.BytesIO(b"\x80\x02" + pickled))


PAIRED = b"]q\x00" + b"h\x00h\x00\x86q\x00" * 40
"""A pair of the same, 40 times: a value of 2^40 parts."""
ENDS = {"nothing in the memo": b"h\x63", "nothing on the stack": b"0\x85", "an unknown opcode": b"\x93"}
"""What loading ends at with an error."""


@pytest.mark.parametrize("end", ENDS)
def test_what_is_built_is_looked_at_up_to_where_loading_ends(end):
    with pytest.raises(UnsafePickle, match="over 2,000,000 parts"):
        check_pickle(io.BytesIO(b"\x80\x02" + PAIRED + ENDS[end] + b"."))
    check_pickle(io.BytesIO(b"\x80\x02" + ENDS[end] + PAIRED + b"."))  # what would come after is never built


@pytest.mark.parametrize("value", [{"a": [1, 2.5, None, "x", (3, 4)]}, {(1, 2): bytearray(b"abc")}, {"s": {1, 2}}])
def test_plain_values_pass(value):
    scanned(value)


@pytest.mark.parametrize("legacy", [False, True])
def test_what_torch_writes_passes(legacy, tmp_path):
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))
    optimiser = torch.optim.Adam(module.parameters())
    module(torch.ones(2, 1, 4, 4)).sum().backward()
    optimiser.step()
    content = {"model": module.state_dict(), "optimizer": optimiser.state_dict(), "shape": torch.Size([1, 4])}
    torch.save(content, tmp_path / "file", _use_new_zipfile_serialization=not legacy)
    assert load_weights(tmp_path / "file").keys() == content.keys()


@pytest.mark.parametrize("legacy", [False, True])
def test_what_comes_after_a_tensor_is_looked_at_too(legacy, tmp_path):
    content = {"weight": torch.zeros(2), "more": doubled(40)}
    torch.save(content, tmp_path / "file", _use_new_zipfile_serialization=not legacy)
    with pytest.raises(UnsafePickle, match="a value of over 2,000,000 parts"):
        load_weights(tmp_path / "file")


def test_modules_nested_without_end(tmp_path):
    module: nn.Module = nn.Linear(2, 2)
    for _ in range(110):
        module = nn.Sequential(module)
    torch.save(module, tmp_path / "file")
    with pytest.raises(CheckpointError, match="modules nested over 100 deep"):
        read_contents(tmp_path / "file")


def test_doubled_names_in_a_zip(tmp_path):
    torch.save({"a": torch.ones(2, 2)}, tmp_path / "file")
    with zipfile.ZipFile(tmp_path / "file", "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("file/data.pkl", b"")
    with pytest.raises(CheckpointError, match="a zip with doubled names"):
        read_contents(tmp_path / "file")


# --------------------------------------------------------------------------- large files


def test_a_large_file_stays_on_the_disk(tmp_path, monkeypatch):
    state = {"weight": torch.rand(200, 300), "bias": torch.arange(5)}
    path = tmp_path / "a.pt"
    torch.save(state, path)
    read = load_weights(path)
    monkeypatch.setattr(weights, "MAPPED", 1)
    mapped = load_weights(path)
    for name in state:
        assert torch.equal(mapped[name], state[name])
        start = mapped[name].data_ptr()
        assert is_of_file(start, path)
        assert not is_of_file(read[name].data_ptr(), path)
    mapped["weight"] += 1  # of this process alone
    assert torch.equal(load_weights(path)["weight"], state["weight"])


def is_of_file(address, path):
    """Whether the memory at an address is the content of a file."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        first, last = (int(end, 16) for end in line.split()[0].split("-"))
        if first <= address < last:
            return line.endswith(str(path))
    return False


def test_a_large_file_that_is_packed_is_read_as_ever(tmp_path, monkeypatch):
    """Torch unpacks where it reads a file; where it maps one it would take packed bytes for numbers."""
    path, packed = tmp_path / "a.pt", tmp_path / "packed.pt"
    torch.save({"weight": torch.full((1000,), 3.0)}, path)
    monkeypatch.setattr(weights, "MAPPED", 1)
    with zipfile.ZipFile(path) as plain, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for info in plain.infolist():
            archive.writestr(info.filename, plain.read(info))
    assert torch.equal(load_weights(packed)["weight"], torch.full((1000,), 3.0))
