"""Formats that state what runs in which order open as that, and compute what the original computes."""

import json
import os
import zipfile

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from checkpoints.formats.test_modules import Evil
from checkpoints.planted import DIGITS, same_outputs
from interp.checkpoints import LoadOptions, load_model, read_contents
from interp.checkpoints.weights import tensors
from interp.errors import CheckpointError
from interp.network.chain import Chain

IMAGES = torch.from_numpy(DIGITS.train.inputs[:20]).float().reshape(-1, 1, 8, 8)
pytestmark = pytest.mark.filterwarnings("ignore")  # exporters warn of their own future


class Convolutional(nn.Module):
    """Conv, norm, functional activation with a parameter, pooling, view, dropout, dense layers."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 4, 3, padding=1, stride=1), nn.BatchNorm2d(4)
        self.fc1, self.fc2 = nn.Linear(64, 16), nn.Linear(16, 10)
        self.drop = nn.Dropout(0.3)
        self.norm.running_mean += 0.1
        self.norm.running_var *= 2

    def forward(self, x):
        x = F.max_pool2d(F.leaky_relu(self.norm(self.conv(x)), 0.2), 2)
        x = self.drop(x.view(x.size(0), -1))
        return F.log_softmax(self.fc2(F.elu(self.fc1(x), 0.7)), dim=1)


class Residual(nn.Module):
    """A skip connection, a mean over positions, and arithmetic on the input."""

    def __init__(self):
        super().__init__()
        self.stem, self.conv = nn.Conv2d(1, 4, 3, bias=False), nn.Conv2d(4, 4, 3, padding="same")
        self.head = nn.Linear(4, 10)

    def forward(self, x):
        x = F.relu(self.stem((x / 16 - 0.3) / 0.4))
        x = x + torch.tanh(self.conv(x))
        return self.head(x.mean((2, 3)))


class Dense(nn.Module):
    """A layer written by hand beside one of torch's."""

    def __init__(self):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(64, 12) / 8), nn.Parameter(torch.randn(12))
        self.out = nn.Sequential(nn.BatchNorm1d(12), nn.GELU(), nn.Linear(12, 10))

    def forward(self, x):
        return self.out(torch.flatten(x, 1) @ self.weight + self.bias)


NETWORKS = {"convolutional": Convolutional, "residual": Residual, "dense": Dense}


def network(name):
    torch.manual_seed(0)
    return NETWORKS[name]().eval()


def save_export(module, path):
    batch = {0: torch.export.Dim("batch")}
    torch.export.save(torch.export.export(module, (IMAGES,), dynamic_shapes=(batch,)), path)


def save_flat(module, path):
    """Lay the same program out as torch 2.5 did."""
    save_export(module, path)
    with zipfile.ZipFile(path) as archive:
        program = next(archive.read(name) for name in archive.namelist() if "/models/" in name)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("version", "8.2")
        archive.writestr("serialized_exported_program.json", program)
        for name, content in (("state_dict", module.state_dict()), ("constants", {})):
            with archive.open(f"serialized_{name}.pt", "w") as file:
                torch.save(content, file)


def save_decomposed(module, path):
    program = torch.export.export(module, (IMAGES,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.export.save(program.run_decompositions(), path)


def save_script(module, path):
    torch.jit.script(module).save(path)


def save_trace(module, path):
    torch.jit.trace(module, IMAGES).save(path)


def save_frozen(module, path):
    torch.jit.freeze(torch.jit.script(module)).save(path)


def save_onnx(module, path):
    pytest.importorskip("onnx")
    torch.onnx.export(module, (IMAGES,), path, dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "batch"}})


def save_onnx_of_one_batch(module, path):
    pytest.importorskip("onnx")
    torch.onnx.export(module, (IMAGES,), path, dynamo=False, opset_version=13)


def save_onnx_dynamo(module, path):
    pytest.importorskip("onnxscript")
    batch = {0: torch.export.Dim("batch")}
    torch.onnx.export(module, (IMAGES,), path, dynamo=True, dynamic_shapes=(batch,), verbose=False)


SAVERS = {
    "onnx": save_onnx,
    "onnx of one batch": save_onnx_of_one_batch,
    "onnx by dynamo": save_onnx_dynamo,
    "export": save_export,
    "export of torch 2.5": save_flat,
    "core operations": save_decomposed,
    "scripted": save_script,
    "traced": save_trace,
    "frozen": save_frozen,
}


@pytest.mark.parametrize("saver", SAVERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_graphs_open_as_they_are(name, saver, tmp_path):
    module = network(name)
    SAVERS[saver](module, str(tmp_path / "net.bin.pt2"))
    (tmp_path / "net.bin.pt2").rename(tmp_path / "net.bin")
    model, _ = load_model(tmp_path / "net.bin", DIGITS, LoadOptions(scaling="raw"))
    same_outputs(model.module, module, IMAGES.reshape(-1, *model.input_shape))
    assert model.inferred["architecture"].confidence == "certain"
    assert isinstance(model.module, Chain) == (name != "residual")
    assert model.skipped == {}


def rewritten(path, change):
    """Write an archive anew, each member's content as `change` gives it."""
    with zipfile.ZipFile(path) as archive:
        members = {name: change(name, archive.read(name)) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def evil(content, folder):
    torch.save({"weight": Evil(os.mkdir, str(folder / "MARK"))}, folder / "evil.pt")
    return (folder / "evil.pt").read_bytes()


def test_pickles_in_programs_never_run(tmp_path):
    save_flat(network("dense"), tmp_path / "flat")
    rewritten(tmp_path / "flat", lambda name, c: evil(c, tmp_path) if name == "serialized_state_dict.pt" else c)
    save_export(network("dense"), str(tmp_path / "net.pt2"))
    (tmp_path / "net.pt2").rename(tmp_path / "net")
    pickled = {
        "weights_config.json": lambda c: c.replace(b'"use_pickle": false', b'"use_pickle": true'),
        "weight_0": lambda c: evil(c, tmp_path),
        "sample_inputs/model.pt": lambda c: evil(c, tmp_path),
    }
    rewritten(tmp_path / "net", lambda name, c: next((pickled[end](c) for end in pickled if name.endswith(end)), c))
    for name in ("flat", "net"):
        with pytest.raises(CheckpointError, match=r"a torch.export program that does not open"):
            load_model(tmp_path / name, DIGITS)
    assert not (tmp_path / "MARK").exists()


def test_values_that_the_file_does_not_hold(tmp_path):
    save_export(network("dense"), str(tmp_path / "net.pt2"))
    rewritten(tmp_path / "net.pt2", lambda name, c: c.replace(b'{"as_int": 64}', b'{"as_int": 64000000000}'))
    with pytest.raises(CheckpointError, match="values declared of which the file holds"):
        load_model(tmp_path / "net.pt2", DIGITS)


def test_many_names_for_one_tensor(tmp_path, monkeypatch):
    """They share its memory, so that the check of what is shared sees them."""
    monkeypatch.setattr(tensors, "SHARED_MUCH", 10_000)
    save_export(network("dense"), str(tmp_path / "net.pt2"))
    with zipfile.ZipFile(tmp_path / "net.pt2") as archive:
        if not any(name.endswith("weights_config.json") for name in archive.namelist()):
            pytest.skip("this version of torch keeps all tensors in one file")

    def repeated(name, content):
        if not name.endswith("weights_config.json"):
            return content
        entries = json.loads(content)["config"]
        return json.dumps({"config": entries | {f"extra{i}": entries["weight"] for i in range(100)}}).encode()

    rewritten(tmp_path / "net.pt2", repeated)
    with pytest.raises(CheckpointError, match="that they share"):
        read_contents(tmp_path / "net.pt2")


class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        return self.fc(torch.flatten(x, 1).cumsum(1))


def test_what_is_not_followed_is_named(tmp_path):
    save_export(Odd(), str(tmp_path / "net.pt2"))
    with pytest.raises(CheckpointError, match=r"a graph with cumsum; .*--model"):
        load_model(tmp_path / "net.pt2", DIGITS)
    model, _ = load_model(tmp_path / "net.pt2", DIGITS, LoadOptions(model="checkpoints.graph.test_graphs:Odd"))
    assert model.layers[0].name == "fc"


def test_shapes_without_data(tmp_path):
    """The first layer says how many values or channels a sample has; of images, usual sides are tried."""
    save_script(network("convolutional"), str(tmp_path / "net.pt"))
    model, _ = load_model(tmp_path / "net.pt")
    assert model.input_shape == (1, 8, 8)
    assert model.inferred["input_scaling"].confidence == "uncertain"
    save_script(nn.Sequential(nn.Linear(7, 5), nn.ReLU(), nn.Linear(5, 3)), str(tmp_path / "net.pt"))
    assert load_model(tmp_path / "net.pt")[0].input_shape == (7,)


ENDLESS = {
    "nested signs": ("x1 = " + "-" * 50_000 + "1", "code that does not parse"),
    "a long attribute": ("x1 = x" + ".b" * 100_000, "code that does not parse"),
    "many characters": ("x1 = 1" + " " * 1_000_000, "code of unusual length"),
    "many statements": ("\n    ".join(["pass"] * 60_000), "code that takes too long to follow"),
    "many names": (", ".join(["x1"] * 60_000) + " = x", "code that takes too long to follow"),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_code_that_would_take_long_is_not_followed(what, tmp_path):
    save_script(network("dense"), str(tmp_path / "net.pt"))
    line, problem = ENDLESS[what]
    first = b"    _0 = torch.flatten(x, 1)\n"
    rewritten(tmp_path / "net.pt", lambda name, c: c.replace(first, b"    " + line.encode() + b"\n" + first))
    assert read_contents(tmp_path / "net.pt").graph_problem == problem


def test_code_of_a_script_never_runs(tmp_path):
    save_script(network("convolutional"), str(tmp_path / "net.pt"))
    attack = f"import os\nos.mkdir({str(tmp_path / 'MARK')!r})\n".encode()
    rewritten(tmp_path / "net.pt", lambda name, c: attack + c if name.endswith(".py") else c)
    load_model(tmp_path / "net.pt", DIGITS)
    rewritten(tmp_path / "net.pt", lambda name, c: evil(c, tmp_path) if name.endswith("constants.pkl") else c)
    with pytest.raises(CheckpointError, match="does not open"):
        load_model(tmp_path / "net.pt", DIGITS)
    assert not (tmp_path / "MARK").exists()


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("torch.flatten", "torch.cumsum", "cumsum"),
        ("    return", "    while True:\n      pass\n    return", "a statement of kind While"),
        ("    return", "    x0 = x + x\n    return", "an expression of kind BinOp"),
        ("    return", "    x0 = (self).forward(x, )\n    return", "calls nested too deep"),
        ("    return", "    x0 = " + "[" * 500 + "]" * 500 + "\n    return", "code that does not parse"),
    ],
)
def test_scripts_that_are_not_followed(old, new, found, tmp_path):
    save_script(network("dense"), str(tmp_path / "net.pt"))
    rewritten(
        tmp_path / "net.pt",
        lambda name, c: c.replace(old.encode(), new.encode()) if name.endswith("test_graphs.py") else c,
    )
    assert found in read_contents(tmp_path / "net.pt").graph_problem


@pytest.mark.parametrize("batch", [None, "batch"])
def test_the_shape_that_an_exported_program_states_is_taken_without_data(batch, tmp_path):
    """Of one axis, which is no row and no square image."""
    net = nn.Sequential(nn.Conv1d(4, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 3)).eval()
    shapes = ({0: torch.export.Dim(batch)},) if batch else None
    program = torch.export.export(net, (torch.zeros(2, 4, 10),), dynamic_shapes=shapes)
    torch.export.save(program, tmp_path / "net.pt2")
    model, _ = load_model(tmp_path / "net.pt2")
    assert model.input_shape == (4, 10)
    x = torch.randn(2, 4, 10)
    with torch.no_grad():
        torch.testing.assert_close(model.module(x), net(x))
