"""TorchScript archives of torch 1.0 to 1.3: tensors are read, their code is not, and the page says how old it is."""

import json
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch

from checkpoints.planted import DIGITS, planted, same_outputs
from interp.checkpoints import LoadOptions, load_model
from interp.checkpoints.formats.torchscript import before_1_4
from interp.checkpoints.formats.torchscript.before_1_4 import read_before_1_4
from interp.errors import CheckpointError

SAID = LoadOptions(scaling="x/16", activation="relu", output="linear")


def described(tensor, key):
    return {
        "dims": [str(size) for size in tensor.shape],
        "strides": [str(step) for step in tensor.stride()],
        "offset": "0",
        "dataType": "FLOAT",
        "data": {"key": key},
    }


def write(path, change=None, values=None):
    """Write an archive of three layers as ``torch/csrc/jit/export.cpp`` of torch 1.1 did."""
    state = planted().state_dict()
    numbers = {name: number for number, name in enumerate(state)}
    modules = [
        {
            "name": layer,
            "parameters": [{"name": own, "tensorId": str(numbers[f"{layer}.{own}"])} for own in ("weight", "bias")],
        }
        for layer in ("fc1", "fc2", "fc3")
    ]
    said = {
        "protoVersion": "2",
        "producerName": "pytorch",
        "producerVersion": "1.0",
        "mainModule": {"name": "net", "submodules": modules, "torchscriptArena": {"key": "code/net.py"}},
        "tensors": [described(tensor, f"tensors/{number}") for number, tensor in enumerate(state.values())],
    }
    if change is not None:
        change(said)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/version", "1\n")
        archive.writestr("net/code/net.py", "op_version_set = 0\n")
        for number, tensor in enumerate(state.values()):
            archive.writestr(f"net/tensors/{number}", tensor.numpy().tobytes() if values is None else values)
        archive.writestr("net/model.json", json.dumps(said) if isinstance(said, dict) else said)
    return path


def test_weights_are_read_and_the_age_is_said(tmp_path):
    model, _ = load_model(write(tmp_path / "old.pt"), DIGITS, SAID)
    same_outputs(model.module, planted())
    assert model.format == "torchscript"
    fact = model.inferred["architecture"]
    assert fact.confidence == "likely"
    assert "a TorchScript archive of before torch 1.4, in version 2 of its layout" in fact.evidence
    assert "its code does more than is followed here: it is of before torch 1.4" in fact.evidence


def test_views_of_a_member(tmp_path):
    """A transposed weight shares its member's values, from some way in."""
    weight = planted().state_dict()["fc1.weight"]

    def transpose(said):
        said["tensors"][0] |= {"strides": ["1", str(len(weight))], "offset": "1"}

    path = write(tmp_path / "old.pt", transpose)
    content = np.concatenate([[7], weight.t().contiguous().flatten().numpy()]).astype(np.float32).tobytes()
    with zipfile.ZipFile(path) as archive:
        kept = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, values in (kept | {"net/tensors/0": content}).items():
            archive.writestr(name, values)
    same_outputs(load_model(path, DIGITS, SAID)[0].module, planted())


class Reference:
    """Tensor of a number, as torch's ``Pickler`` writes it: by name in torch 1.2 and 1.3, before its number in 1.1."""

    def __init__(self, number):
        self.number = number


def table_of(values, old=False):
    """Pickle a table of attributes operation by operation, as ``torch/csrc/jit/pickler.cpp`` of then did."""
    name = b"c__main__\nTensorID\n" if old else b"ctorch.jit._pickle\nbuild_tensor_from_id\n"
    content = b"\x80\x02" + (b"]" if old else b"") + b"("
    seen = False
    for value in values:
        if isinstance(value, bool):
            content += b"\x88" if value else b"\x89"
            continue
        content += b"q\x01".join([name, b""]) if not seen else b"h\x01"
        number = b"J" + value.number.to_bytes(4, "little")
        content += number + b"b" if old else b"(" + number + b"tR"
        seen = True
    return content + (b"e." if old else b"t.")


def write_normed(path, table):
    """Write a layer and a batch norm, whose statistics are attributes, as torch 1.1 to 1.3 did."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(64, 12), torch.nn.BatchNorm1d(12), torch.nn.Linear(12, 10)).eval()
    network[1].running_mean.uniform_(-1, 1), network[1].running_var.uniform_(1, 2)
    parameters = {name: tensor.detach() for name, tensor in network.named_parameters()}
    buffers = {name: tensor for name, tensor in network.named_buffers() if tensor.dim()}
    tensors = [*parameters.values(), *buffers.values()]
    numbers = {name: number for number, name in enumerate([*parameters, *buffers])}

    def module(layer):
        own = [name.partition(".")[2] for name in parameters if name.startswith(layer)]
        kept = [name.partition(".")[2] for name in buffers if name.startswith(layer)]
        return {
            "name": layer,
            "parameters": [
                {"name": name, "isBuffer": False, "tensorId": str(numbers[f"{layer}.{name}"])} for name in own
            ],
            "attributes": [
                {"type": "bool", "name": "training", "id": "0"},
                *({"type": "Tensor", "name": name, "id": str(1 + i)} for i, name in enumerate(kept)),
            ],
        }

    said = {
        "protoVersion": "5",
        "mainModule": {"name": "net", "submodules": [module(str(layer)) for layer in range(3)]},
        "tensors": [described(tensor, f"tensors/{number}") for number, tensor in enumerate(tensors)],
    }
    with zipfile.ZipFile(path, "w") as archive:
        for number, tensor in enumerate(tensors):
            archive.writestr(f"net/tensors/{number}", tensor.numpy().tobytes())
        archive.writestr("net/attributes.pkl", table([False, *(Reference(numbers[name]) for name in buffers)]))
        archive.writestr("net/model.json", json.dumps(said))
    return network


@pytest.mark.parametrize("old", [False, True], ids=["1.2", "1.1"])
def test_statistics_of_norms_are_attributes(tmp_path, old):
    network = write_normed(tmp_path / "old.pt", lambda values: table_of(values, old))
    state = read_before_1_4(tmp_path / "old.pt").state
    wanted = {name: tensor for name, tensor in network.state_dict().items() if tensor.dim()}
    assert set(state) == set(wanted)
    assert all(torch.equal(state[name], tensor) for name, tensor in wanted.items())


def test_a_table_calls_nothing(tmp_path):
    """What a pickle would call is followed as a value, and operations of no such table are refused."""
    harmful = b"\x80\x02(cos\nsystem\n(X\x04\x00\x00\x00exittRt."
    write_normed(tmp_path / "old.pt", lambda values: harmful)
    assert "1.running_mean" not in read_before_1_4(tmp_path / "old.pt").state
    write_normed(tmp_path / "odd.pt", lambda values: b"\x80\x02(ios\nsystem\n.")
    with pytest.raises(CheckpointError, match="INST in a table of attributes"):
        read_before_1_4(tmp_path / "odd.pt")


def test_quantised_tensors_are_their_values(tmp_path):
    """Of torch 1.3: steps of a scale from a zero point."""
    steps = np.arange(24 * 64).reshape(24, 64).astype(np.int8)

    def quantise(said):
        said["tensors"][0] |= {"dims": ["24", "64"], "strides": ["64", "1"]}
        said["tensors"][0] |= {"dataType": "INT8", "isQuantized": True, "scale": 0.5, "zeroPoint": "3"}

    state = read_before_1_4(write(tmp_path / "old.pt", quantise, steps.tobytes() * 4)).state
    assert torch.equal(state["fc1.weight"], (torch.from_numpy(steps).float() - 3) * 0.5)


def nested(said):
    one = said["mainModule"]
    for _ in range(200):
        one["submodules"] = [{"name": "a"}]
        one = one["submodules"][0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda said: said["tensors"][0].update(dims=["1000000", "64"]), "TorchScript archive of before torch 1.4"),
        (lambda said: said["tensors"][0].update(dims=["-1", "64"]), "shape"),
        (lambda said: said["tensors"][0].update(dataType="STRING"), "KeyError"),
        (lambda said: said["tensors"][0].update(data={"key": "../secret"}), "KeyError"),
        (lambda said: said.pop("mainModule"), "mainModule"),
        (lambda said: said.update(tensors=[]), "IndexError"),
        (lambda said: said["mainModule"].update(submodules=[]), "empty dict"),
        (nested, "nested over 100 deep"),
        (lambda said: said["mainModule"]["submodules"][0]["parameters"][0].update(tensorId="-1"), "of its own packs"),
        (lambda said: said["mainModule"]["submodules"][0]["parameters"][0].update(tensorId="-2"), "tensor -2"),
    ],
)
def test_damaged_archives(change, words, tmp_path):
    with pytest.raises(CheckpointError, match=words):
        load_model(write(tmp_path / "old.pt", change))


def test_empty_members(tmp_path):
    with pytest.raises(CheckpointError, match="does not open"):
        load_model(write(tmp_path / "old.pt", values=b""))


def test_sizes_that_are_not_stored(tmp_path):
    """Of stride 0 a tensor may claim any size."""
    with pytest.raises(CheckpointError, match=r"declared as|share"):
        load_model(
            write(
                tmp_path / "old.pt", lambda said: said["tensors"][0].update(dims=["99999999", "64"], strides=["0", "0"])
            )
        )


def test_a_member_of_many_names_is_read_once(tmp_path):
    """A thousand tensors that share a member of 200 kB take its memory, and are refused as a state that shares so."""
    content = np.zeros(50_000, np.float32).tobytes()

    def name_often(said):
        one = said["tensors"][0] | {"dims": ["50000"], "strides": ["1"]}
        said["tensors"] = [one] * 1000
        said["mainModule"] = {"parameters": [{"name": f"w{i}", "tensorId": str(i)} for i in range(1000)]}

    path = write(tmp_path / "old.pt", name_often, content)
    state = read_before_1_4(path).state
    assert len(state) == 1000
    assert len({tensor.untyped_storage().data_ptr() for tensor in state.values()}) == 1
    with pytest.raises(CheckpointError, match=r"1,000 tensors of 200,000,000 bytes in 200,000 that they share"):
        load_model(path)


def test_long_names_are_refused_before_they_are_multiplied(tmp_path):
    """Each of many children takes its parent's name: 100 kB of it 40,000 times are 4 GB."""

    def name_long(said):
        said["mainModule"] = {"submodules": [{"name": "a" * 100_000, "submodules": [{"name": "b"}] * 40_000}]}

    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match="a name of over 1,000 characters"):
            load_model(write(tmp_path / "old.pt", name_long))
        assert tracemalloc.get_traced_memory()[1] < 5e8
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "main",
    [
        {"submodules": [{"name": "b"}] * 50_000},
        {"parameters": [{"name": "w", "tensorId": "0"}] * 50_001},
    ],
    ids=["modules", "parameters"],
)
def test_too_many_are_counted_before_they_are_named(tmp_path, monkeypatch, main):
    named = []
    dotted = before_1_4._dotted
    monkeypatch.setattr(before_1_4, "_dotted", lambda *given: named.append(given) or dotted(*given))
    with pytest.raises(CheckpointError, match="over 50,000 of them or of their parameters"):
        load_model(write(tmp_path / "old.pt", lambda said: said.update(mainModule=main)))
    assert named == []


def test_too_many_tensors(tmp_path):
    with pytest.raises(CheckpointError, match="50,004 tensors"):
        load_model(write(tmp_path / "old.pt", lambda said: said.update(tensors=said["tensors"] * 8334)))
