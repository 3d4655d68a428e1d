"""Activations that are packed are those that are not, in one file or several, rounded or of some samples."""

import numpy as np
import pytest
import torch
from run.planted import WORDS, planted_data, planted_network
from together import together
from torch import nn

import interp
from interp.checkpoints import load_module
from interp.cli.main import main
from interp.ranks import current
from interp.recording import StoreOptions, record_together
from interp.store import check_recording, open_recording
from interp.types import Provenance

PACKED = ["--codec", "gzip"]


@pytest.fixture
def words(tmp_path, monkeypatch):
    """Work in a folder with a network and its data; gives the command that records them."""
    monkeypatch.chdir(tmp_path)
    planted_data(tmp_path / "a.npz")
    planted_network(tmp_path / "a.pt")
    return ["record", "a.pt", "--data", "a.npz", *WORDS[:6]]


def contents(out):
    """Give the stored values and the statistics of outputs of each layer."""
    found = {}
    with open_recording(f"{out}/activations.h5") as recording:
        for layer in recording.z:
            found[layer] = recording.z[layer][:].tobytes(), recording.output_mean[layer].tobytes()
    return found


@pytest.mark.parametrize("how", [[], ["--store-dtype", "bfloat16"], ["--store", "30%"]], ids=str)
def test_packed_values_are_those_that_are_not(words, how, tmp_path, capsys):
    for out, codec in (("plain", []), ("packed", PACKED)):
        assert main([*words, *how, *codec, "--out", out]) == 0
    assert "packed with gzip" in capsys.readouterr().err
    assert contents("plain") == contents("packed")
    check_recording(tmp_path / "packed" / "activations.h5")
    for out in ("plain", "packed"):
        interp.export(out, "npz", f"{out}.npz")
    with np.load("plain.npz") as plain, np.load("packed.npz") as packed:
        named = [name for name in plain.files if name.endswith("/z")]
        assert named
        assert all(plain[name].tobytes() == packed[name].tobytes() for name in named)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["--codec", "zip"], "error: --codec: found 'zip'; expected one of gzip, none"),
        ([*PACKED, "--no-store"], "error: --codec: found gzip; expected activations that are stored"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(words, given, expected, capsys):
    assert main([*words, *given, "--out", "out"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(expected)


def test_several_processes_pack_what_one_does(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 3, (5000, 64)).astype(np.float32), rng.integers(0, 10, 5000)
    given = {"x_train": x[:4000], "y_train": y[:4000], "x_test": x[4000:], "y_test": y[4000:]}
    torch.manual_seed(0)
    model, data = load_module(nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10)).eval(), given)
    made_of = Provenance(model.digest, data.digest, 0, {}, {})

    def recorded(path, codec):
        record_together(model, data, path, made_of, how=StoreOptions(codec=codec), ranks=current())

    recorded(tmp_path / "one.h5", "none")
    ends = together(2, lambda: recorded(tmp_path / "two.h5", "gzip"), tmp_path / "errors")
    assert ends == [(0, "")] * 2
    for split in ("train", "test"):
        with open_recording(tmp_path / "one.h5", split) as one, open_recording(tmp_path / "two.h5", split) as two:
            assert (one.codec, two.codec) == ("none", "gzip")
            for layer in one.z:
                assert one.z[layer][:].tobytes() == two.z[layer][:].tobytes()
    assert not [file.name for file in tmp_path.iterdir() if file.name.startswith(".")]
