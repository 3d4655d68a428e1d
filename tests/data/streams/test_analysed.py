"""What is found of a network is the same for a stream and for arrays."""

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import interp
from interp.streams import RowsOnDisk


def contents(path):
    """Every array in a file but those of its provenance, by path."""
    found = {}
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, node: found.update({name: node[()]}) if isinstance(node, h5py.Dataset) else None)
    return {name: value for name, value in found.items() if not name.startswith("provenance")}


def test_files_of_a_run_and_tables(tmp_path):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))
    data = {
        name: (rng.normal(size=(rows, 6)).astype(np.float32), rng.integers(0, 3, rows))
        for name, rows in (("train", 400), ("test", 90))
    }
    streams = {
        name: interp.stream(lambda x=x, y=y: ((x[at : at + 64], y[at : at + 64]) for at in range(0, len(x), 64)))
        for name, (x, y) in data.items()
    }
    said = {"scaling": "raw", "quick": True, "nodes_per_layer": 2, "stages": ["boundaries"]}
    arrays = interp.analyse(net, data, out=tmp_path / "arrays", **said)
    streamed = interp.analyse(net, streams, out=tmp_path / "streamed", **said)
    assert isinstance(streamed.data.train.inputs, RowsOnDisk)
    for frame in ("nodes", "layers"):
        pd.testing.assert_frame_equal(getattr(streamed, frame), getattr(arrays, frame), check_exact=True)
    files = sorted(path.name for path in (tmp_path / "arrays").glob("*.h5"))
    assert len(files) == 3
    for name in files:
        first, second = contents(tmp_path / "arrays" / name), contents(tmp_path / "streamed" / name)
        assert first.keys() == second.keys()
        for key, value in first.items():
            np.testing.assert_array_equal(second[key], value, err_msg=f"{name}: {key}")


def test_a_graph_of_images_with_their_channels_last_where_no_activations_are_stored(tmp_path):
    """Batches of H x W x C images are turned as arrays are, and again whenever the network is run on them anew."""
    pytest.importorskip("onnx")
    from checkpoints.deployed.graphs import node, saved, value

    rng = np.random.default_rng(0)
    weights = {"w": rng.normal(size=(48, 5)).astype(np.float32), "v": rng.normal(size=(5, 3)).astype(np.float32)}
    nodes = [node("Flatten", "x", "f"), node("MatMul", "f w", "m"), node("Relu", "m", "r"), node("MatMul", "r v", "y")]
    path = saved(tmp_path / "net.onnx", nodes, [value("x", ("N", 4, 4, 3))], ["y"], 17, weights)
    images, labels = rng.integers(0, 256, (330, 4, 4, 3), np.uint8), rng.integers(0, 3, 330)
    parts = {"train": slice(0, 260), "test": slice(260, 330)}
    data = {name: (images[part], labels[part]) for name, part in parts.items()}
    streams = {
        name: interp.stream(lambda x=x, y=y: ((x[at : at + 64], y[at : at + 64]) for at in range(0, len(x), 64)))
        for name, (x, y) in data.items()
    }
    said = {"scaling": "x/255", "quick": True, "nodes_per_layer": 2, "stages": ["boundaries"]}
    arrays = interp.analyse(path, data, **said)
    streamed = interp.analyse(path, streams, store=False, **said)
    assert [layer.nodes for layer in streamed.model.layers] == [5, 3]
    for found in (arrays, streamed):
        assert found.model.inferred["channels"].value == "last, in each row too"
        np.testing.assert_array_equal(np.asarray(found.data.train.inputs[:]), images[:260].reshape(260, 48))
    z = (images[:260].reshape(260, 48) / np.float32(255)) @ weights["w"]
    name = streamed.model.layers[0].name
    np.testing.assert_allclose(streamed.recording().z[name][:], z, rtol=1e-4, atol=1e-4)
    for frame in ("nodes", "layers"):
        pd.testing.assert_frame_equal(getattr(streamed, frame), getattr(arrays, frame), check_exact=True)
