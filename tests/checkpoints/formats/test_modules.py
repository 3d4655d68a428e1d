"""Pickled modules open without their code; what they state of themselves is used."""

import argparse
import os
import sys
import types
import zipfile
from collections import OrderedDict, defaultdict, deque
from contextlib import suppress
from copy import deepcopy
from typing import ClassVar
from urllib.parse import urlparse

import pytest
import torch
from torch import nn

from checkpoints.planted import DIGITS, planted, same_outputs
from interp.checkpoints import load_model, read_contents
from interp.checkpoints.formats.inert import Inert, global_names, load_inert, parts_of
from interp.errors import CheckpointError


class Evil:
    """Pickled, it says to create a folder when loaded."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def layers() -> nn.Sequential:
    torch.manual_seed(0)
    inner = nn.Sequential(nn.Dropout(0.5), nn.Linear(16, 10))
    return nn.Sequential(nn.Linear(64, 16), nn.BatchNorm1d(16, eps=0.1), nn.Tanh(), inner, nn.LogSoftmax(1)).eval()


def test_class_of_its_own(tmp_path):
    torch.save(planted(), tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt", DIGITS)
    assert model.format == "torch-module"
    assert model.inferred["activation"].value == "relu"
    assert model.inferred["activation"].confidence != "certain"  # its forward is code, which was not read
    same_outputs(model.module, planted())


@pytest.mark.parametrize("wrap", [lambda m: m, lambda m: {"model": m, "args": argparse.Namespace(lr=0.1)}])
def test_sequential_is_rebuilt_as_it_states(wrap, tmp_path):
    torch.save(wrap(layers()), tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt", DIGITS)
    assert [(layer.name, layer.activation) for layer in model.layers] == [("0", "tanh"), ("3.1", "identity")]
    assert model.output == "log-softmax"
    assert model.inferred["architecture"].confidence == "certain"
    same_outputs(model.module, layers())


def test_one_activation_for_several_layers(tmp_path):
    torch.manual_seed(0)
    act, middle = nn.Tanh(), nn.Linear(16, 16)
    net = nn.Sequential(nn.Linear(64, 16), act, middle, act, middle, act, nn.Linear(16, 10))
    torch.save(net, tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt", DIGITS)
    assert [(layer.name, layer.activation) for layer in model.layers][:2] == [("0", "tanh"), ("2", "tanh")]
    same_outputs(model.module, net)


def test_settings_of_pooling_are_kept(tmp_path):
    torch.manual_seed(0)
    pool = nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False, divisor_override=2)
    net = nn.Sequential(nn.Conv2d(1, 2, 3), pool, nn.Flatten(), nn.Linear(32, 10))
    torch.save(net, tmp_path / "net.pt")
    x = torch.randn(4, 1, 8, 8)
    same_outputs(load_model(tmp_path / "net.pt", DIGITS)[0].module, net, x)


class Wrapper(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = layers()

    def forward(self, x):
        return -self.net(x.abs())


@pytest.mark.parametrize(
    ("wrap", "confidence"), [(nn.DataParallel, "certain"), (lambda net: Wrapper(), "likely")], ids=["torch", "own"]
)
def test_a_class_round_the_layers_may_do_more(wrap, confidence, tmp_path):
    torch.save(wrap(layers()), tmp_path / "net.pt")
    inferred = load_model(tmp_path / "net.pt")[0].inferred
    assert {inferred[fact].confidence for fact in ("architecture", "activation", "output")} == {confidence}
    said = "what checkpoints.formats.test_modules.Wrapper does besides is code, which was not read"
    assert (said in inferred["architecture"].evidence) == (confidence == "likely")


class Aliased(nn.Module):
    """Layers under names of their own and again in the list that runs them."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(64, 16), nn.Linear(16, 10)
        self.run = nn.Sequential(self.first, nn.ReLU(), self.last)


def test_layers_under_two_names_are_read_once(tmp_path):
    torch.save(Aliased(), tmp_path / "net.pt")
    assert list(read_contents(tmp_path / "net.pt").state) == [
        f"{layer}.{own}" for layer in ("first", "last") for own in ("weight", "bias")
    ]
    assert [layer.name for layer in load_model(tmp_path / "net.pt", DIGITS)[0].layers] == ["first", "last"]


def test_modules_shared_without_end_are_refused(tmp_path):
    inner = nn.Sequential(nn.Linear(2, 2))
    for _ in range(40):
        inner = nn.Sequential(inner, inner)
    torch.save(inner, tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match="or over 50,000 of them"):
        load_model(tmp_path / "net.pt", DIGITS)


def test_state_dict_beside_other_objects(tmp_path):
    torch.save({"state_dict": planted().state_dict(), "args": argparse.Namespace(lr=0.1)}, tmp_path / "net.pt")
    assert load_model(tmp_path / "net.pt", DIGITS)[0].scaling.name == "x/16"


class Settings:
    """Keeps the type of what it holds, as the settings of omegaconf do in Lightning checkpoints."""

    def __init__(self):
        self.kind, self.whole, self.layers = list, int, [40, 30]


@pytest.mark.parametrize("legacy", [False, True])
def test_types_beside_weights_are_read_under_their_names_of_python_2(legacy, tmp_path):
    """Pickles of protocol 2 call `list` a name of `__builtin__`, and `int` is `long` there."""
    saved = {"state_dict": planted().state_dict(), "hparams": Settings(), "by_name": defaultdict(list, a=[1])}
    torch.save(saved, tmp_path / "net.pt", _use_new_zipfile_serialization=not legacy)
    assert {"builtins.list", "builtins.int"} <= set(global_names(tmp_path / "net.pt"))
    model, _ = load_model(tmp_path / "net.pt", DIGITS)
    assert model.scaling.name == "x/16"
    same_outputs(model.module, planted())


Queue = type("Queue", (), {"__module__": "Queue"})
"""Class under a name that it had in Python 2, as a file of that has it."""


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    ("beside", "name"),
    [
        (OSError("x"), "builtins.OSError"),
        (ValueError("x"), "builtins.ValueError"),
        (urlparse("s3://a/b"), "urllib.parse.ParseResult"),
        (Queue(), "queue.Queue"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_objects_of_python_beside_weights_whatever_name_torch_looks_for(beside, name, legacy, tmp_path, monkeypatch):
    """Of the names that Python 3 gave to those of Python 2, torch's unpickler knows fewer than Python's."""
    monkeypatch.setitem(sys.modules, "Queue", types.SimpleNamespace(Queue=Queue))
    saved = {"state_dict": planted().state_dict(), "beside": beside}
    torch.save(saved, tmp_path / "net.pt", _use_new_zipfile_serialization=not legacy)
    monkeypatch.delitem(sys.modules, "Queue")
    opened = load_inert(tmp_path / "net.pt")["beside"]
    assert isinstance(opened, Inert)
    assert opened.class_name == name
    same_outputs(load_model(tmp_path / "net.pt", DIGITS)[0].module, planted())


@pytest.mark.parametrize("legacy", [False, True])
def test_a_whole_optimizer_beside_weights(legacy, tmp_path):
    """Its state is a defaultdict with a parameter for each key."""
    net = deepcopy(planted()).requires_grad_(True)
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.ones(2, 64)).sum().backward()
    optimizer.step()
    saved = {"state_dict": net.state_dict(), "optimizer": optimizer}
    torch.save(saved, tmp_path / "net.pt", _use_new_zipfile_serialization=not legacy)
    same_outputs(load_model(tmp_path / "net.pt", DIGITS)[0].module, net)


class Dotted(dict):
    """Settings by name, which are attributes too: Lightning's AttributeDict, EasyDict."""

    ran: ClassVar[list[str]] = []

    def __init__(self, **settings):
        super().__init__(settings)
        self.__dict__ = self

    def __setitem__(self, key, value):
        self.ran.append(key)
        super().__setitem__(key, value)


class Losses(list):
    """A list of a class of its own."""


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    ("beside", "opened"),
    [
        (Dotted(lr=0.5, inner=Dotted(width=16)), OrderedDict(lr=0.5, inner=OrderedDict(width=16))),
        (Losses([0.5, 0.25]), [0.5, 0.25]),
        (deque([0.5, 0.25], maxlen=2), [0.5, 0.25]),
        (defaultdict(list, a=[1]), {"a": [1]}),
    ],
    ids=["dict", "list", "deque", "defaultdict"],
)
def test_subclasses_of_dict_and_list_beside_weights(beside, opened, legacy, tmp_path):
    """Torch sets items of dicts and lists alone; the file says which of its classes are given some."""
    saved = {"state_dict": planted().state_dict(), "hyper_parameters": beside, "again": beside}
    torch.save(saved, tmp_path / "net.pt", _use_new_zipfile_serialization=not legacy)
    Dotted.ran.clear()
    found = load_inert(tmp_path / "net.pt")
    assert found["hyper_parameters"] == opened
    assert type(found["hyper_parameters"]) is type(opened)
    assert found["again"] is found["hyper_parameters"]
    same_outputs(load_model(tmp_path / "net.pt", DIGITS)[0].module, planted())
    assert not Dotted.ran


@pytest.mark.parametrize("function", [os.mkdir, open, eval, __import__])
def test_code_beside_weights_never_runs(function, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    argument = {open: "MARK", os.mkdir: "MARK", eval: "open('MARK', 'w')", __import__: "this"}[function]
    evil = Evil(function, argument, "w") if function is open else Evil(function, argument)
    torch.save({"state_dict": planted().state_dict(), "hook": evil}, "net.pt")
    with suppress(CheckpointError):  # refused, or opened with a stand-in for the function
        load_model("net.pt", DIGITS)
    assert not (tmp_path / "MARK").exists()


def test_stand_ins_keep_names_and_settings(tmp_path):
    torch.save(nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, bias=False)), tmp_path / "net.pt")
    assert "torch.nn.modules.conv.Conv2d" in global_names(tmp_path / "net.pt")
    parts = parts_of(load_inert(tmp_path / "net.pt"))
    assert list(parts) == ["", "0"]
    assert parts["0"].kind == "Conv2d"
    assert parts["0"].settings["padding"] == (1, 1)
    assert list(parts["0"].tensors) == ["weight"]


LEGACY = {"_use_new_zipfile_serialization": False}


@pytest.mark.parametrize("wrap", [lambda m: m, lambda m: {"epoch": 3, "net": m, "args": argparse.Namespace(lr=0.1)}])
def test_legacy_module(wrap, tmp_path):
    torch.save(wrap(layers()), tmp_path / "net.pt", **LEGACY)
    model, _ = load_model(tmp_path / "net.pt", DIGITS)
    assert model.format == "torch-module"
    assert model.output == "log-softmax"
    same_outputs(model.module, layers())
    torch.save(wrap(planted()), tmp_path / "net.pt", **LEGACY)
    model, _ = load_model(tmp_path / "net.pt", DIGITS)
    assert model.inferred["activation"].value == "relu"
    same_outputs(model.module, planted())


@pytest.mark.parametrize("function", [os.mkdir, open, eval, __import__])
def test_code_in_legacy_files_never_runs(function, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    argument = "__import__('os').mkdir('MARK')" if function is eval else "MARK"
    evil = Evil(function, argument, "w") if function is open else Evil(function, argument)
    torch.save({"model": layers(), "hook": evil}, "net.pt", **LEGACY)
    with suppress(CheckpointError):
        load_model("net.pt", DIGITS)
    assert not (tmp_path / "MARK").exists()


def test_variables_of_torch_0_3(tmp_path):
    """`Variable` was a class then, built from its data and (requires_grad, volatile, hooks)."""
    state = planted().state_dict()
    torch.save({"state_dict": {name: Old(tensor) for name, tensor in state.items()}}, tmp_path / "net.pt", **LEGACY)
    content = (tmp_path / "net.pt").read_bytes()
    (tmp_path / "net.pt").write_bytes(
        content.replace(b"checkpoints.formats.test_modules\nOld", b"torch.autograd.variable\nVariable")
    )
    model, _ = load_model(tmp_path / "net.pt", DIGITS)
    same_outputs(model.module, planted())


class Old:
    def __init__(self, data):
        self.data = data

    def __reduce__(self):
        return Old, (self.data,), (False, False, {})


class Looping(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.act, self.fc2, self.end = nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10), nn.Sigmoid()

    def forward(self, x):
        for _ in range(int(x.sum())):
            x = x + 1
        return self.end(self.fc2(self.act(self.fc1(x))))


@pytest.mark.filterwarnings("ignore")  # torch.jit is deprecated; its files stay
def test_torchscript_whose_code_is_not_followed(tmp_path):
    module = Looping()
    module.fc1.load_state_dict({"weight": torch.eye(16, 64), "bias": torch.zeros(16)})
    torch.jit.script(module).save(str(tmp_path / "net.pt"))
    model, _ = load_model(tmp_path / "net.pt", DIGITS)
    assert model.format == "torchscript"
    said = model.inferred["architecture"]
    assert (said.value, said.confidence) == ("64-16-10", "uncertain")  # at chance
    assert "its code does more than is followed here: a statement of kind For" in said.evidence
    assert model.inferred["output"].confidence == "uncertain"
    assert "the file also names a Sigmoid" in model.inferred["output"].evidence


def test_damaged_torchscript(tmp_path):
    with zipfile.ZipFile(tmp_path / "net.pt", "w") as archive:
        archive.writestr("net/constants.pkl", b"x")
        archive.writestr("net/data.pkl", b"junk")
    with pytest.raises(CheckpointError, match="a TorchScript archive that does not open"):
        load_model(tmp_path / "net.pt")
