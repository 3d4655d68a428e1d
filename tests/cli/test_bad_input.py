"""Bad input to the commands: one line that says where, found, expected and what to do, code 2, no traceback."""

import json
import os
import pickle
import re
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.linear_model import LogisticRegression
from torch import nn

from interp.cli.main import main
from interp.cli.main import report as report_main

ZOO = Path(__file__).parents[2] / "zoo" / "pretrained" / "relu-digits.pt"
USER_CODE = """
import torch
from torch import nn

def raises(): raise RuntimeError("boom")
def needs(x): return x
def nothing(): return None
def three(): return 1, 2, 3
def ragged(): return [[1, 2], [3]], [0, 1]

class Net(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(64, hidden), nn.Linear(hidden, 10)
    def forward(self, x):
        return self.fc2(self.fc1(x).relu())

class Other(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(64, 16), nn.Linear(16, 10)

class Fails(Net):
    def forward(self, x):
        raise ValueError("not today")

class Tuple(Net):
    def forward(self, x):
        return (super().forward(x),)

def wide(): return Net(17)
"""


class Evil:
    """Pickled, it says to create a folder called MARK when loaded."""

    def __reduce__(self):
        return os.mkdir, ("MARK",)


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """Work in a new folder that holds a good checkpoint and the user's code."""
    monkeypatch.chdir(tmp_path)
    torch.save(network(), "good.pt")
    Path("user_code.py").write_text(USER_CODE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "user_code", raising=False)
    return tmp_path


def network(*widths: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    widths = widths or (64, 16, 10)
    state = {}
    for i in range(len(widths) - 1):
        state[f"fc{i + 1}.weight"] = torch.randn(widths[i + 1], widths[i], generator=generator) / widths[i] ** 0.5
        state[f"fc{i + 1}.bias"] = torch.zeros(widths[i + 1])
    return state


def refusal(capsys, *arguments: object, command=main) -> str:
    """Run a command that must be refused, and give its one line."""
    code = command([*map(str, arguments)])
    out, err = capsys.readouterr()
    assert code == 2, (out, err)
    assert out == ""
    assert err.startswith("error: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert "; expected " in err
    assert not Path("MARK").exists(), "the file's code ran"
    return err


def accepted(capsys, *arguments: object) -> dict:
    code = main(["inspect", *map(str, arguments), "--json"])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    return json.loads(out)


# --------------------------------------------------------------------------- files


def changed(**tensors) -> dict:
    return {**network(), **{name.replace("__", "."): tensor for name, tensor in tensors.items()}}


SAVED = {
    "empty dict": ({}, "empty dict; expected a state dict"),
    "empty list": ([], "empty list"),
    "list": ([torch.ones(3)], "a list of 1 tensors without names"),
    "tensor": (torch.ones(3, 3), "one tensor; expected a state dict"),
    "number": (5, "one value of type int"),
    "none": (None, "one value of type NoneType"),
    "no tensors": ({"a": {"b": 1}}, "dict without tensors"),
    "no chain": (changed(fc2__weight=torch.ones(10, 17)), "16 outputs of fc1 before 17 inputs of fc2"),
    "nan": (
        changed(fc1__weight=torch.full((16, 64), torch.nan)),
        "1,024 values that are NaN or infinite in fc1.weight",
    ),
    "infinite": (changed(fc2__bias=torch.full((10,), torch.inf)), "10 values that are NaN or infinite in fc2.bias"),
    "one dimension": (changed(extra=torch.ones(5)), r"extra of shape \(5,\)"),
    "no dimension": (changed(extra=torch.tensor(1.0)), r"extra of shape \(\)"),
    "thirty dimensions": (changed(extra=torch.ones([1] * 30)), "extra of shape"),
    "no rows": ({"weight": torch.ones(0, 64)}, r"weight of shape \(0, 64\); expected tensors with real values"),
    "no columns": ({"weight": torch.ones(10, 0)}, r"weight of shape \(10, 0\)"),
    "sparse": ({"weight": torch.ones(10, 64).to_sparse()}, "layout torch.sparse_coo"),
    "complex": ({"weight": torch.ones(10, 64, dtype=torch.complex64)}, "complex64; expected dense real tensors"),
    "meta": ({"weight": torch.empty(10, 64, device="meta")}, "weight without values"),
    "claims": ({"weight": torch.ones(1).expand(10_000_000, 100_000)}, "1,000,000,000,000 values of which the file"),
    "control characters": ({"a\n\x1b[31mb": torch.ones(10, 64)}, "a parameter name of 8 characters"),
    "long name": ({"x" * 100_000: torch.ones(10, 64)}, "a parameter name of 100,000 characters"),
    "code": ({"w": Evil()}, "a pickled Python object .*mkdir.*--allow-pickle"),
    "other labels": (network(64, 16, 5), r"digits \(train\): found label 9; expected labels 0 to 4.*5 outputs"),
    "other width": (network(63, 16, 10), "digits: found 64 values a row; expected 63, as fc1 takes"),
}


@pytest.mark.parametrize("case", SAVED)
def test_saved_by_torch(case, here, capsys):
    content, message = SAVED[case]
    torch.save(content, "model.pt")
    line = refusal(capsys, "inspect", "model.pt", "--data", "digits")
    assert_matches(message, line)


def assert_matches(pattern: str, line: str) -> None:
    assert re.search(pattern, line), line


def write_zip(name: str, **members: bytes) -> None:
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr("archive/" + member.replace("_", "."), content)


BYTES = {
    "nothing": (b"", "an empty file"),
    "text": (b"hello\nworld\n", "a text file"),
    "pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n",
        "a Git LFS pointer.*git lfs pull",
    ),
    "hdf": (b"\x89HDF\r\n\x1a\n" + bytes(50), "an HDF5 file"),
    "tflite": (b"\x1c\0\0\0TFL3" + bytes(50), "a TensorFlow Lite model.*tf2onnx.convert --tflite model.pt"),
    "noise": (bytes(range(256)) * 4, "bytes of no known format"),
    "scikit-learn": (pickle.dumps(LogisticRegression()), "a Python pickle of sklearn objects"),
    "evil pickle": (pickle.dumps(Evil()), "a Python pickle"),
}


@pytest.mark.parametrize("case", BYTES)
def test_other_files(case, here, capsys):
    content, message = BYTES[case]
    Path("model.pt").write_bytes(content)
    assert_matches(message, refusal(capsys, "inspect", "model.pt"))


PATHS = {
    "missing.pt": "no such file",
    ".": "a folder",
    "good.pt/inside": "no such file",
    "null\0byte": "null byte",
    "x" * 5000: "too long",
    "/dev/null": "a pipe, socket or device",
}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:10].replace("\0", "0"))
def test_paths(path, here, capsys):
    assert_matches(PATHS[path], refusal(capsys, "inspect", path))


@pytest.mark.parametrize("format", ["zip", "legacy", "safetensors"])
def test_cut_short_anywhere(format, here, capsys):
    if format == "safetensors":
        save_file(network(), "model")
    else:
        torch.save(network(), "model", _use_new_zipfile_serialization=format == "zip")
    whole = Path("model").read_bytes()
    for size in (1, 5, 9, 20, 100, 1000, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        Path("model").write_bytes(whole[:size])
        refusal(capsys, "inspect", "model", "--data", "digits")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_archives_of_numpy_are_said_to_be_those_and_what_to_do_works(here, capsys, save):
    save("weights.npz", **{name: tensor.numpy() for name, tensor in network().items()})
    said = refusal(capsys, "inspect", "weights.npz")
    assert "found an archive of 4 numpy arrays (.npz); expected a torch, safetensors or ONNX file; " in said
    command = re.search(r"torch\.save\(.*'model\.pt'\)", said)[0]
    exec(command, {"torch": torch, "numpy": np})
    assert {name: tensor.shape for name, tensor in torch.load("model.pt").items()} == {
        name: tensor.shape for name, tensor in network().items()
    }


def test_zip_archives(here, capsys):
    write_zip("other.zip", a_txt=b"x")
    assert "a zip of 1 files without data.pkl" in refusal(capsys, "inspect", "other.zip")
    write_zip("evil.pt", data_pkl=pickle.dumps(Evil()), version=b"3\n")
    assert "pickle" in refusal(capsys, "inspect", "evil.pt")
    write_zip("long.pt", data_pkl=b"", byteorder=b"little" * 1000)
    assert "a zip whose byteorder is over 1,000 bytes long" in refusal(capsys, "inspect", "long.pt")
    write_zip("bomb.pt", data_pkl=bytes(30_000_000), version=b"3\n")
    assert "unpacks to 30,000,002 bytes" in refusal(capsys, "inspect", "bomb.pt")


def test_code_runs_only_when_allowed(here, capsys):
    torch.save({"w": Evil()}, "legacy.pt", _use_new_zipfile_serialization=False)
    refusal(capsys, "inspect", "legacy.pt")
    assert main(["inspect", "legacy.pt", "--allow-pickle"]) == 2  # it loads, and holds no weights
    assert Path("MARK").exists()


@pytest.mark.parametrize(
    "names",
    [("forward", "order"), ("train.0", "eval.0"), ("a", "a.b"), ("a.b", "a"), ("..", "../etc"), ("__class__", "")],
)
def test_odd_names_are_made_usable(names, here, capsys):
    weights = [tensor for tensor in network().values() if tensor.dim() == 2]
    torch.save({f"{name}.weight": weight for name, weight in zip(names, weights, strict=True)}, "model.pt")
    assert accepted(capsys, "model.pt", "--data", "digits")["widths"] == [64, 16, 10]


# --------------------------------------------------------------------------- the zoo's own format

ZOO_CHANGES = {
    "builder": ("os:system", "builder 'os:system'; expected 'zoo.architectures:build'"),
    "version": ("x", "version 'x'; expected version 1"),
    "architecture": ("rleu", "'rleu'; expected one of .*did you mean relu"),
    "architecture ": (["relu"], "architecture .*expected a name"),
    "arguments": ({"hidden": "many"}, "hidden.*many"),
    "arguments ": ([1], r"arguments \[1\]"),
    "arguments  ": ({"nope": 1}, "unexpected keyword argument 'nope'"),
    "arguments   ": ({"hidden": -3}, "hidden.*-3"),
    "arguments    ": ({"hidden": 10**9, "inputs": 64}, "of another shape"),
    "scaling": ("x/0", "'x/0'; expected raw, x/A"),
    "scaling ": (7, "scaling 7"),
    "data": ("os:getcwd", "data 'os:getcwd'; expected one of digits, mnist"),
    "data ": (3, "data 3"),
    "input_shape": ([0], r"input_shape \[0\]; expected positive whole numbers"),
    "input_shape ": ("64", "input_shape '64'"),
    "input_shape  ": ([8, 8], r"fails on inputs of shape \(8, 8\)"),
    "input_shape   ": ([63], "64 values a row; expected 63"),
    "state_dict": (3, "state_dict: one value of type int"),
    "state_dict ": ({"a": 1}, "state_dict: dict without tensors"),
    "state_dict  ": ({}, "4 missing"),
}


@pytest.mark.parametrize("entry", ZOO_CHANGES)
def test_zoo_checkpoints(entry, here, capsys):
    value, message = ZOO_CHANGES[entry]
    torch.save({**torch.load(ZOO, weights_only=True), entry.strip(): value}, "zoo.pt")
    assert_matches(message, refusal(capsys, "inspect", "zoo.pt"))


@pytest.mark.parametrize("entry", ["builder", "state_dict", "data", "input_shape"])
def test_zoo_checkpoint_without(entry, here, capsys):
    whole = torch.load(ZOO, weights_only=True)
    del whole[entry]
    torch.save(whole, "zoo.pt")
    assert "found " in refusal(capsys, "inspect", "zoo.pt")


# --------------------------------------------------------------------------- data

X = np.random.default_rng(0).random((50, 64))
Y = np.arange(50) % 10
ARRAYS = {
    "labels out of range": ({"x": X, "y": Y + 3}, "label 12; expected labels 0 to 9, as the network has 10 outputs"),
    "test labels out of range": ({"x": X, "y": Y, "x_test": X, "y_test": Y + 3}, r"\(test\): found label 12"),
    "negative labels": ({"x": X, "y": Y - 1}, "label -1; expected labels from 0"),
    "too few labels": ({"x": X, "y": Y[1:]}, "49 labels; expected 50"),
    "labels missing": ({"x": X, "y": np.where(Y == 3, np.nan, Y)}, "no label in row 3"),
    "labels as dates": ({"x": X, "y": Y.astype("datetime64[D]")}, "labels of type"),
    "labels only": ({"y": Y}, "arrays y; expected x_train"),
    "nothing": ({}, "arrays none"),
    "width": ({"x": X[:, 1:], "y": Y}, "63 values a row; expected 64, as fc1 takes"),
    "widths": ({"x": X, "x_test": X[:, 1:]}, r"inputs of \[63, 64\] values"),
    "nan": ({"x": X + np.nan, "y": Y}, "not finite in 32 bits in row 0"),
    "too large": ({"x": X + 1e300, "y": Y}, "not finite in 32 bits in row 0"),
    "text": ({"x": X.astype(str), "y": Y}, "expected numbers, one row a sample"),
    "complex": ({"x": X + 1j, "y": Y}, "complex128; expected numbers"),
    "no rows": ({"x": X[:0]}, r"shape \(0, 64\)"),
    "one number": ({"x": np.float64(3)}, r"shape \(\)"),
    "objects": ({"x": np.array([{}] * 3, object)}, "Object arrays cannot be loaded"),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_arrays(case, here, capsys):
    arrays, message = ARRAYS[case]
    np.savez("data.npz", **arrays)
    assert_matches(message, refusal(capsys, "inspect", "good.pt", "--data", "data.npz"))


TABLES = {
    "nothing": ("", "No columns"),
    "ragged": ("a,b\n1,2\n1,2,3,4\n", "Expected 2 fields in line 3"),
    "text": ("a,b,label\n" + "".join(f"x{i},2,0\n" for i in range(101)), "text of 101 different values in column 'a'"),
    "no header": ("1,2,0\n3,4,1\n", "a first line of numbers alone"),
    "missing": ("a,b,label\n,2,0\n", "no value in column 'a' of row 1, the only gap"),
    "no label": ("a,b,label\n1,2,\n", "no value in column 'label' of row 1"),
    "labels only": ("label\n1\n2\n", r"shape \(2, 0\)"),
    "width": ("a,b,label\n1,2,0\n", "2 values a row; expected 64"),
}


@pytest.mark.parametrize("case", TABLES)
def test_tables(case, here, capsys):
    content, message = TABLES[case]
    Path("data.csv").write_text(content)
    assert_matches(message, refusal(capsys, "inspect", "good.pt", "--data", "data.csv"))


def test_damaged_arrays(here, capsys):
    np.savez("data.npz", x=X, y=Y)
    whole = Path("data.npz").read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 3] ^= 255
    for damaged in (whole[: len(whole) // 2], whole[:-1], bytes(flipped), b"", b"text", whole[:3]):
        Path("data.npz").write_bytes(damaged)
        refusal(capsys, "inspect", "good.pt", "--data", "data.npz")


def test_data_that_would_run_code(here, capsys):
    torch.save({"x": Evil()}, "data.pt")
    assert "expected a dict of tensors" in refusal(capsys, "inspect", "good.pt", "--data", "data.pt")


def test_damaged_mnist(here, capsys):
    raw = here / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{name}-ubyte").write_bytes(b"\0\0\x08\x03 cut short")
    for root in (here, here / "nowhere"):
        line = refusal(capsys, "inspect", "good.pt", "--data", "mnist", "--offline", "--data-root", root)
        assert "no readable MNIST" in line


# --------------------------------------------------------------------------- options

OPTIONS = {
    "--data minst": "did you mean mnist",
    "--data missing.npz": "no such file",
    "--data single.npy": "no such file",
    "--data single.abc": "expected one of",
    "--data user_code:raises": "RuntimeError: boom",
    "--data user_code:nothing": "a NoneType; expected a name, a path, .inputs, targets.",
    "--data user_code:three": "found a tuple of 3",
    "--data user_code:ragged": "rows that differ in length",
    "--data user_code:absent": "no attribute 'absent'",
    "--data os.path:join": "missing 1 required",
    "--data digits --activation rleu": "--activation: found 'rleu'.*did you mean relu",
    "--data digits --output linaer": "--output: found 'linaer'.*did you mean linear",
    "--activation rleu": "did you mean relu",
    "--scaling x/0": "'x/0'; expected raw, x/A",
    "--scaling x/1e999": "expected raw, x/A",
    "--scaling (x-mean)/std": "expected raw, x/A",
    "--data digits --model user_code:absent": "no attribute 'absent'",
    "--data digits --model nowhere:at_all": "No module named 'nowhere'",
    "--data digits --model user_code:raises": "RuntimeError: boom",
    "--data digits --model user_code:needs": "missing 1 required",
    "--data digits --model user_code:nothing": "NoneType; expected a torch.nn.Module",
    "--data digits --model user_code:Other": r"4 missing \(a.weight; a.bias.*4 not in the module \(fc1.weight",
    "--data digits --model user_code:wide": r"3 of another shape \(fc1.weight \(16, 64\) for \(17, 64\)",
    "--data digits --model user_code:Fails": "not today",
    "--data digits --model user_code:Tuple --logits 1": "found '1'; expected one of 0",
    "--model user_code:Fails": "a module without data",
    "--no-such-option": "unrecognized arguments: --no-such-option",
}


@pytest.mark.parametrize("options", OPTIONS)
def test_options(options, here, capsys):
    assert_matches(OPTIONS[options], refusal(capsys, "inspect", "good.pt", *options.split()))


SETTINGS = {
    "--preset defualt": "did you mean default",
    "--levels 0": "--levels: found 0; expected 1 to 10,000",
    "--levels many": "invalid int value",
    "--seed -1": "--seed: found -1",
    "--epsilon nan": "--epsilon: found nan",
    "--out file": "found a file;",
    "--out file/inside": "a file in the place of a folder above it",
    "--out /proc/nothing": "no such file or directory",
    "--out null\0byte": "null byte",
}


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: settings.replace("\0", "0"))
def test_settings(settings, here, capsys):
    Path("file").touch()
    command = ("good.pt", "--data", "digits", "--out", "out", *settings.split(" "))
    if not settings.startswith(("--preset", "--levels", "--epsilon")):  # which shape no recording
        assert_matches(SETTINGS[settings], refusal(capsys, "record", *command))
    assert_matches(SETTINGS[settings], refusal(capsys, *command, command=report_main))
    assert not Path("out/activations.h5").exists()


def test_later_stage_before_recording(here, capsys):
    assert "python -m interp record" in refusal(capsys, "fit", "--out", "out")


def test_nothing_half_written_stays(here, capsys, monkeypatch):
    """A recording that is interrupted leaves no file under its final name."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("interp.recording.record.input_blocks", interrupted)
    assert main(["record", "good.pt", "--data", "digits", "--out", "out"]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert not Path("out/activations.h5").exists()


# --------------------------------------------------------------------------- as a user runs them


def run(*arguments: str) -> subprocess.CompletedProcess:
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "OMP_WAIT_POLICY": "passive"}
    return subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, env=environment)


def test_processes(here):
    torch.save(nn.Sequential(nn.Linear(64, 10)), "module.pt")
    good = run("interp", "inspect", str(ZOO), "--json")
    assert (good.returncode, good.stderr) == (0, "")
    assert json.loads(good.stdout)["input_scaling"] == "x/16"


def test_the_report_is_a_module_that_runs(here, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["interp.report", "missing.pt"])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_path(str(Path(__file__).parents[2] / "interp" / "report" / "__main__.py"), run_name="__main__")
    expected = "error: missing.pt: found no such file; expected a checkpoint file; check the path\n"
    assert capsys.readouterr() == ("", expected)
