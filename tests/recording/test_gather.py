"""Statistics gathered in one pass are those of the recorded values, whoever saw which samples."""

from functools import partial

import numpy as np
import pytest
import torch

from interp.checkpoints import load_module
from interp.errors import DataError
from interp.recording import Block, gather, record_activations
from interp.recording.positions import drawn_positions, position_counts
from interp.store import open_recording
from interp.types import Provenance

NETWORKS = {
    "dense": lambda: torch.nn.Sequential(torch.nn.Linear(64, 8), torch.nn.ReLU(), torch.nn.Linear(8, 10)),
    "convolutional": lambda: torch.nn.Sequential(
        torch.nn.Unflatten(1, (1, 8, 8)), torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(),
        torch.nn.Linear(144, 10),
    ),
}  # fmt: skip


@pytest.fixture(params=NETWORKS)
def opened(request):
    torch.manual_seed(0)
    model, data = load_module(NETWORKS[request.param](), "digits")
    return model, data, drawn_positions(model, data, "train", position_counts(model, data), 0)


def blocks(data, size, order=None):
    x, y = data.train.inputs, data.train.labels
    starts = np.arange(0, len(x), size) if order is None else order.permutation(np.arange(0, len(x), size))
    return [Block(int(at), x[at : at + size], y[at : at + size]) for at in starts]


def test_they_are_those_of_the_recorded_values(opened, tmp_path):
    model, data, places = opened
    path = tmp_path / "activations.h5"
    record_activations(model, data, path, Provenance(model.digest, data.digest, 0, {}, {}))
    found = gather(model, blocks(data, 500), places, further=True)
    with open_recording(path) as recording:
        for layer, own in found.layers.items():
            z = recording.z[layer][:].astype(np.float64)
            np.testing.assert_allclose(own.moments.mean, z.mean(axis=0), rtol=1e-6, atol=1e-7)
            np.testing.assert_allclose(own.moments.var, z.var(axis=0), rtol=1e-6)
            of_three = z[recording.row_labels(layer) == 3]
            np.testing.assert_allclose(own.by_class.of_class["3"].mean, of_three.mean(axis=0), rtol=1e-6, atol=1e-6)
            np.testing.assert_allclose(own.outputs.mean, recording.output_mean[layer], rtol=1e-6, atol=1e-7)
            np.testing.assert_allclose([own.outputs.low, own.outputs.high], recording.output_range[layer], atol=1e-5)
            assert own.histogram.counts.sum(axis=1).tolist() == [len(z)] * z.shape[1]
            assert (own.coactivity.together.diagonal() == own.positive).all()
            assert own.first.counts.sum() > 0.4 * own.histogram.counts.sum() < 2 * own.second.counts.sum()
        hits = recording.labels == recording.predictions
        assert (found.confusion.sum(), np.trace(found.confusion)) == (len(hits), hits.sum())


def test_shards_merge_to_the_whole_in_any_order(opened):
    model, data, places = opened
    whole = gather(model, blocks(data, 100), places)
    parts = [gather(model, [block], places) for block in blocks(data, 100, np.random.default_rng(1))]
    found = parts[0]
    for part in parts[1:]:
        found = part.merge(found)
    assert (found.samples, found.confusion.tolist()) == (whole.samples, whole.confusion.tolist())
    for layer, own in whole.layers.items():
        other = found.layers[layer]
        scale = np.sqrt(own.moments.var)
        assert (np.abs(other.moments.mean - own.moments.mean) <= 1e-12 * (np.abs(own.moments.mean) + scale)).all()
        np.testing.assert_allclose(other.moments.m2, own.moments.m2, rtol=1e-12)
        np.testing.assert_array_equal(other.first.counts, own.first.counts)
        np.testing.assert_array_equal(other.largest.samples, own.largest.samples)
        np.testing.assert_array_equal(other.positive, own.positive)


def test_values_that_are_not_finite_are_named():
    model, data = load_module(NETWORKS["dense"](), "digits")
    places = {layer.name: np.zeros((len(data.train), 1), np.int32) for layer in model.layers}
    with torch.no_grad():
        model.module[0].weight[3, 1] = float("nan")
    with pytest.raises(DataError, match="nodes 3 of 0: found NaN or infinite pre-activations in 1 of 8 nodes"):
        gather(model, blocks(data, 500), places)


def test_a_shard_reads_no_other_samples():
    model, data = load_module(NETWORKS["dense"](), "digits")
    places = {layer.name: np.zeros((len(data.train), 1), np.int32) for layer in model.layers}
    asked = partial(blocks, data, 500)
    found = gather(model, asked()[1:2], places).layers["0"]
    assert set(found.largest.samples.ravel()) <= set(range(500, 1000))
