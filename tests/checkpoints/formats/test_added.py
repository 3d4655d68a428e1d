"""A format from outside the package: a function of its own, opened by the command line and recognised by content."""

import json
import sys

import numpy as np
import pytest

from checkpoints.planted import DIGITS, planted
from interp.checkpoints import FORMATS, LoadOptions, load_model
from interp.cli.main import main
from interp.errors import CheckpointError, UsageError
from interp.safety import import_name

OURS = """
import numpy as np
from interp.checkpoints import FORMATS, Format

def read(path, allow_pickle):
    with np.load(path) as archive:
        return dict(archive)

FORMATS["numpy-zip"] = Format(lambda seen: seen.holds("fc1.weight.npy"), read)
"""
assert len(OURS.strip().splitlines()) <= 15

BAD = {
    "raises": ("def read(path, allow_pickle): return 1 / 0", UsageError, "ZeroDivisionError: .*, line 1"),
    "takes_less": ("def read(path): return {}", UsageError, r"expected a reader that takes \(path, allow_pickle\)"),
    "no_mapping": ("def read(path, allow_pickle): return 3", CheckpointError, "found a int from the reader of bad_no_"),
    "texts": ("def read(path, allow_pickle): return {'a': 'b'}", CheckpointError, "a mapping of names to tensors or"),
    "nothing": ("def read(path, allow_pickle): return {}", CheckpointError, "found empty dict; expected a state dict"),
    "syntax": ("def read(", UsageError, "SyntaxError"),
}  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Work in a folder that holds a network as arrays and the user's code, whose format goes with the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "my_format", raising=False)
    np.savez("net.npz", **{name: tensor.numpy() for name, tensor in planted().state_dict().items()})
    (tmp_path / "my_format.py").write_text(OURS)
    yield tmp_path
    FORMATS.pop("numpy-zip", None)


def inspected(capsys, monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["interp", "inspect", "net.npz", "--data", "digits", "--json", *words])
    assert main() == 0
    return json.loads(capsys.readouterr().out)


def test_the_command_line_opens_it_by_its_reader(here, capsys, monkeypatch):
    found = inspected(capsys, monkeypatch, "--format", "my_format:read")
    assert (found["format"], found["widths"], found["activation"]) == ("my_format:read", [64, 32, 16, 10], "relu")
    assert found["score"]["train"] > 0.97


def test_once_registered_it_is_recognised_by_its_content(here, capsys, monkeypatch):
    with pytest.raises(CheckpointError, match="an archive of 6 numpy arrays"):
        load_model("net.npz", DIGITS)
    import_name("my_format:FORMATS", "a test")
    assert inspected(capsys, monkeypatch)["format"] == "numpy-zip"
    FORMATS["numpy-zip"] = "my_format:read"
    with pytest.raises(UsageError, match=r"^format numpy-zip: found my_format:read, a function; expected a Format"):
        load_model("net.npz", DIGITS)


def test_a_format_may_be_named_where_it_is_known(tmp_path):
    import torch

    torch.save(planted().state_dict(), tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt", DIGITS, LoadOptions(format="torch-zip"))
    assert model.format == "torch-zip"
    with pytest.raises(UsageError, match=r"--format: found 'torch-zipp'; expected one of .*did you mean torch-zip"):
        load_model(tmp_path / "net.pt", DIGITS, LoadOptions(format="torch-zipp"))


@pytest.mark.parametrize("name", BAD)
def test_a_reader_that_fails_is_told_in_one_line(name, here):
    code, error, said = BAD[name]
    (here / f"bad_{name}.py").write_text(code)
    with pytest.raises(error, match=said) as caught:
        load_model("net.npz", DIGITS, LoadOptions(format=f"bad_{name}:read"))
    assert "\n" not in str(caught.value)
