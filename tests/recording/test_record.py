import os
import signal
import subprocess
import sys
import threading

import h5py
import numpy as np
import pytest
import torch
from forked import forked
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset, get_worker_info

from interp.data import load_dataset, stream
from interp.errors import UsageError
from interp.network.inputs import as_tensor
from interp.network.maps.affine import affine_map
from interp.network.nodes import find_layers, rows_of_nodes
from interp.recording import StoreOptions, layer_rows, positions, record_activations, rows
from interp.recording.kept import stored_samples
from interp.store import RecordingWriter, open_recording
from interp.streams import RowsOnDisk
from interp.types import Dataset, LoadedModel, Provenance, Scaling, Split

PROVENANCE = Provenance("m" * 64, "d" * 64, 0, {"torch": "x"}, {"options": {"a": [1, 2]}})
IMAGE = (2, 6, 7)
CONVOLUTION = {"padding": 1, "stride": 2}


def dataset(train=300, test=77, labels=True):
    rng = np.random.default_rng(0)
    splits = {
        name: Split(rng.integers(0, 256, (rows, 84), dtype=np.uint8), rng.integers(0, 3, rows) if labels else None)
        for name, rows in (("train", train), ("test", test))
    }
    return Dataset("drawn", splits, IMAGE, ("a", "b", "c"), (), "d" * 64)


def dense():
    torch.manual_seed(0)
    return loaded(
        nn.Sequential(nn.Linear(84, 9), nn.BatchNorm1d(9), nn.ReLU(inplace=True), nn.Linear(9, 3), nn.SELU()), (84,)
    )


def convolutional():
    torch.manual_seed(0)
    conv = nn.Conv2d(2, 5, 3, **CONVOLUTION)
    return loaded(nn.Sequential(conv, nn.ReLU(), nn.Flatten(), nn.Linear(60, 3)), IMAGE)


def loaded(module, shape):
    module.eval()
    scaling = Scaling("x/255", 255)
    layers = find_layers(module, torch.zeros(2, *shape)).layers
    return LoadedModel(module, layers, "x.pt", "drawn", "m" * 64, scaling, shape, "linear", {})


class Root(nn.Module):
    """Square root, which is no number below 0."""

    def forward(self, x):
        return x.sqrt()


def contents(path):
    """Everything in a file, by path."""
    found = {}
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, node: found.update({name: (node[()] if hasattr(node, "dtype") else None)}))
    return found


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(positions, "BLOCK", 4)  # 32 inputs a batch
    monkeypatch.setattr(rows, "BLOCK", 4)


def taken(model, split, batch):
    """Run the network in memory, `batch` inputs at a time: z of the first and last linear map, and the outputs."""
    steps = list(model.module)
    tapped = (1, 3) if isinstance(steps[1], nn.BatchNorm1d) else (0, 3)
    z, outputs = {0: [], 1: []}, []
    with torch.no_grad():
        for start in range(0, len(split), batch):
            values = as_tensor(split.inputs[start : start + batch], model.scaling, model.input_shape)
            for index, step in enumerate(steps):
                values = step(values)
                if index in tapped:
                    z[tapped.index(index)].append(values.clone())
            outputs.append(values)
    return [torch.cat(part) for part in z.values()], torch.cat(outputs)


@pytest.mark.parametrize("make", [dense, convolutional])
def test_what_is_streamed_is_the_forward_pass_to_the_last_bit(tmp_path, make):
    model, data = make(), dataset()
    record_activations(model, data, tmp_path / "a.h5", PROVENANCE)
    for name, split in data.splits.items():
        z, outputs = taken(model, split, 32)
        with open_recording(tmp_path / "a.h5", name) as found:
            for layer, values in zip(model.layers, z, strict=True):
                rows = rows_of_nodes(values, layer.kind).numpy()
                np.testing.assert_array_equal(np.concatenate(list(found.batches(layer.name, 50))), rows)
            np.testing.assert_array_equal(found.predictions, outputs.argmax(1).numpy())
            np.testing.assert_array_equal(found.labels, split.labels)
            assert found.provenance == PROVENANCE
            assert found.layers == model.layers


@pytest.mark.parametrize("make", [dense, convolutional])
def test_batch_size_changes_what_is_stored_by_rounding_only(tmp_path, monkeypatch, make):
    model, data = make(), dataset()
    record_activations(model, data, tmp_path / "a.h5", PROVENANCE)
    monkeypatch.setattr(positions, "BLOCK", 1)
    record_activations(model, data, tmp_path / "b.h5", PROVENANCE)
    first, second = contents(tmp_path / "a.h5"), contents(tmp_path / "b.h5")
    assert first.keys() == second.keys()
    for name, value in first.items():
        if name.endswith("checksums"):  # of values that may differ in their last bit
            continue
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            np.testing.assert_allclose(second[name], value, atol=1e-6, err_msg=name)
        else:
            np.testing.assert_array_equal(second[name], value, err_msg=name)


def test_output_statistics_are_those_of_the_activation(tmp_path):
    """SELU is no activation that a state dict is guessed to have, but it is one."""
    model, data = dense(), dataset()
    record_activations(model, data, tmp_path / "a.h5", PROVENANCE)
    (first, _), outputs = taken(model, data.train, 300)
    with open_recording(tmp_path / "a.h5") as found:
        for name, y in (("0", first.clamp(min=0)), ("3", outputs)):
            np.testing.assert_allclose(found.output_range[name], torch.stack([y.amin(0), y.amax(0)]), atol=1e-6)
            np.testing.assert_allclose(found.output_mean[name], y.double().mean(0), atol=1e-6)
            np.testing.assert_allclose(found.active_share[name], (y.abs() > 1e-6).double().mean(0))
    assert found.layers[1].activation == "selu"


@pytest.mark.parametrize("most", [10**6, 2000])
def test_positions_and_patches_give_z_back(tmp_path, monkeypatch, most):
    """z = w.patch + b at every recorded position; beyond `MOST_ROWS` they are drawn at random."""
    monkeypatch.setattr(positions, "MOST_ROWS", most)
    model, data = convolutional(), dataset()
    record_activations(model, data, tmp_path / "a.h5", PROVENANCE)
    kept = 12 if most > 3600 else 2000 // 300
    with open_recording(tmp_path / "a.h5") as found:
        conv = model.layers[0]
        weight, bias = affine_map(model.module, conv, torch.zeros(1, *model.input_shape))
        parts = list(layer_rows(model, data, found, conv.name))
        z = np.concatenate([part.z for part in parts])
        assert z.shape == (300 * kept, 5)
        patches = np.concatenate([part.layer_input for part in parts])
        np.testing.assert_allclose(patches @ weight.T + bias, z, atol=1e-6)
        np.testing.assert_array_equal(found.sample[conv.name], np.arange(300).repeat(kept))
        whole = (data.train.inputs / np.float32(255)).astype(np.float32)[found.sample[conv.name]]
        behind = np.concatenate([part.network_input for part in parts]).repeat(kept, axis=0)
        np.testing.assert_allclose(behind, whole, atol=1e-7)
        padded = np.pad(whole.reshape(-1, *IMAGE), ((0, 0), (0, 0), (1, 1), (1, 1)))
        for row in range(0, len(z), 97):  # cut out by hand: 3 x 4 positions, two apart
            top, left = 2 * np.array(divmod(found.position[conv.name][row], 4))
            patch = padded[row, :, top : top + 3, left : left + 3].ravel()
            np.testing.assert_allclose(patches[row], patch, atol=1e-7)
        if kept < 12:
            assert np.bincount(found.position[conv.name], minlength=12).min() > 80  # of 150 expected
        assert found.row_labels(conv.name).tolist() == data.train.labels.repeat(kept).tolist()


def test_inputs_behind_dense_rows(tmp_path):
    model, data = dense(), dataset()
    record_activations(model, data, tmp_path / "a.h5", PROVENANCE)
    with open_recording(tmp_path / "a.h5", "test") as found:
        for layer in model.layers:
            weight, bias = affine_map(model.module, layer, torch.zeros(1, *model.input_shape))
            for part in layer_rows(model, data, found, layer.name):
                np.testing.assert_allclose(part.layer_input @ weight.T + bias, part.z, atol=1e-5)
                assert (part.network_input is part.layer_input) == (layer.name == "0")
        assert found.position["0"].size == 0


def test_data_without_labels_have_none(tmp_path):
    record_activations(dense(), dataset(labels=False), tmp_path / "a.h5", PROVENANCE)
    with open_recording(tmp_path / "a.h5") as found:
        assert found.labels is None
        assert found.row_labels("0") is None


# --------------------------------------------------------------------------- interruptions


def interrupted(monkeypatch, path, writes, make=convolutional, provenance=PROVENANCE):
    """Record until an exception after some writes."""
    plain, left = RecordingWriter.write, iter(range(writes))

    def write(self, *args):
        if next(left, None) is None:
            raise KeyboardInterrupt
        plain(self, *args)

    with monkeypatch.context() as patched:
        patched.setattr(RecordingWriter, "write", write)
        with pytest.raises(KeyboardInterrupt):
            record_activations(make(), dataset(), path, provenance)


def counted(monkeypatch):
    done, plain = [], RecordingWriter.write
    monkeypatch.setattr(RecordingWriter, "write", lambda self, *args: (done.append(args[:2]), plain(self, *args)))
    return done


@pytest.mark.parametrize("make", [dense, convolutional])
@pytest.mark.parametrize("writes", [0, 3, 10, 11])  # 10 batches of training inputs, 3 of test ones
def test_an_interrupted_recording_goes_on_where_it_was(tmp_path, monkeypatch, make, writes):
    record_activations(make(), dataset(), tmp_path / "whole.h5", PROVENANCE)
    path = tmp_path / "a.h5"
    interrupted(monkeypatch, path, writes, make)
    assert not path.exists()
    done = counted(monkeypatch)
    record_activations(make(), dataset(), path, PROVENANCE)
    assert len(done) == 13 - writes
    assert sorted(tmp_path.iterdir()) == [path, tmp_path / "whole.h5"]
    assert_same(contents(path), contents(tmp_path / "whole.h5"))


def record_till_killed(path, writes):
    """Kill the process that this runs in, after some writes."""
    plain, left = RecordingWriter.write, iter(range(writes))

    def write(self, *args):
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        plain(self, *args)

    RecordingWriter.write = write
    record_activations(convolutional(), dataset(), path, PROVENANCE)


def test_a_killed_recording_goes_on_where_it_was(tmp_path, monkeypatch):
    """In the second split; wherever else it is interrupted needs no process of its own."""
    path, writes = tmp_path / "a.h5", 12
    process = forked(record_till_killed, path, writes)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert [found.name for found in tmp_path.iterdir()] == [".a.h5.partial"]
    done = counted(monkeypatch)
    record_activations(convolutional(), dataset(), path, PROVENANCE)
    assert len(done) <= 13 - writes + 1
    record_activations(convolutional(), dataset(), tmp_path / "whole.h5", PROVENANCE)
    assert_same(contents(path), contents(tmp_path / "whole.h5"))


HOLDING = """
import sys
from pathlib import Path
import h5py
with h5py.File(Path(sys.argv[1]), "r+") as file:
    print("open", flush=True)
    sys.stdin.read()
"""


def test_a_recording_that_runs_is_left_alone(tmp_path, monkeypatch):
    """To open its file for writing would empty it before the lock is seen."""
    path, part = tmp_path / "a.h5", tmp_path / ".a.h5.partial"
    interrupted(monkeypatch, path, 5)
    before = part.read_bytes()
    command = [sys.executable, "-c", HOLDING, str(part)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(UsageError, match="another run that is recording it"):
            record_activations(convolutional(), dataset(), path, PROVENANCE)
        holder.stdin.close()
    assert part.read_bytes() == before


def test_another_runs_remains_are_not_gone_on_from(tmp_path, monkeypatch):
    other = Provenance("m" * 64, "d" * 64, 1, {"torch": "x"}, {})
    interrupted(monkeypatch, tmp_path / "a.h5", 5, provenance=other)
    done = counted(monkeypatch)
    record_activations(convolutional(), dataset(), tmp_path / "a.h5", PROVENANCE)
    assert len(done) == 13


@pytest.mark.parametrize("keep", [0.0, 0.02, 0.1, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("damage", ["cut", "zeros"])
def test_damaged_remains_are_made_anew(tmp_path, monkeypatch, keep, damage):
    path, part = tmp_path / "a.h5", tmp_path / ".a.h5.partial"
    interrupted(monkeypatch, path, 5)
    whole = part.read_bytes()
    size = int(keep * len(whole))
    part.write_bytes(whole[:size] + (b"\0" * (len(whole) - size) if damage == "zeros" and keep < 0.2 else b""))
    record_activations(convolutional(), dataset(), path, PROVENANCE)
    record_activations(convolutional(), dataset(), tmp_path / "whole.h5", PROVENANCE)
    assert_same(contents(path), contents(tmp_path / "whole.h5"))


def test_remains_with_a_changed_value_are_made_anew(tmp_path, monkeypatch):
    """5 of 10 batches are 1,920 rows of the convolution, the first 1,024 of which have a checksum."""
    path, part = tmp_path / "a.h5", tmp_path / ".a.h5.partial"
    interrupted(monkeypatch, path, 5)
    with h5py.File(part, "r+") as file:
        file["train/z/0/values"][7, 0] += 1
        model = convolutional()
        writer = RecordingWriter(path, model.layers, {"train": 300}, {"0": 12}, PROVENANCE)
        with pytest.raises(ValueError, match="rows 0 to 1023, block 1, are not as they were written"):
            writer._check_blocks(file)
    done = counted(monkeypatch)
    record_activations(convolutional(), dataset(), path, PROVENANCE)
    assert len(done) == 13


def test_the_final_name_appears_only_at_the_end(tmp_path, monkeypatch):
    path, seen = tmp_path / "a.h5", []
    plain = RecordingWriter.summarise
    monkeypatch.setattr(
        RecordingWriter, "summarise", lambda self, *args: (seen.append(path.exists()), plain(self, *args))
    )
    record_activations(dense(), dataset(), path, PROVENANCE)
    assert seen == [False, False]
    assert path.exists()


def test_a_sample_whose_output_is_not_a_number_has_no_prediction(tmp_path):
    """As under an edit; it was recorded as the class of that output."""
    torch.manual_seed(1)
    model, data = loaded(nn.Sequential(nn.Linear(84, 3), Root()), (84,)), dataset()
    record_activations(model, data, tmp_path / "a.h5", PROVENANCE)
    outputs = model.module(as_tensor(data.train.inputs, model.scaling, model.input_shape)).detach()
    odd = outputs.isnan().any(1).numpy()
    assert 0 < odd.sum() < len(odd)
    with open_recording(tmp_path / "a.h5") as recording:
        assert (recording.predictions[odd] == -1).all()
        np.testing.assert_array_equal(recording.predictions[~odd], outputs.argmax(1).numpy()[~odd])


# --------------------------------------------------------------------------- streams


class Drawn(IterableDataset):
    """Samples of an unknown number; each of several workers gives its part of each batch of 16, in turn."""

    def __init__(self, split):
        self.split = split

    def __iter__(self):
        worker = get_worker_info()
        number, count = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for start in range(16 * number, len(self.split), 16 * count):
            yield from zip(self.split.inputs[start : start + 16], self.split.labels[start : start + 16], strict=True)


def streamed(data, kind):
    """The same samples as a stream that does not say how many there are, or from a loader with two workers."""
    workers = {"num_workers": 2, "multiprocessing_context": "fork"}
    loaders = {
        "a function": lambda split: (
            lambda: (
                (split.inputs[start : start + 50], split.labels[start : start + 50])
                for start in range(0, len(split), 50)
            )
        ),
        "samples without end": lambda split: DataLoader(Drawn(split), batch_size=16, **workers),
        "a loader with workers": lambda split: DataLoader(
            TensorDataset(torch.from_numpy(split.inputs), torch.from_numpy(split.labels)), batch_size=7, **workers
        ),
    }
    found = load_dataset(stream({name: loaders[kind](split) for name, split in data.splits.items()}))
    assert all(isinstance(split.inputs, RowsOnDisk) for split in found.splits.values())
    return found


@pytest.mark.parametrize("make", [dense, convolutional])
@pytest.mark.parametrize("kind", ["a function", "samples without end", "a loader with workers"])
def test_a_stream_gives_the_same_file_as_arrays(tmp_path, make, kind):
    """Byte for byte, and where it was interrupted too."""
    model, data = make(), dataset()
    record_activations(model, data, tmp_path / "a.h5", PROVENANCE)
    found = streamed(data, kind)
    record_activations(model, found, tmp_path / "b.h5", PROVENANCE)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    for layer in model.layers:
        with open_recording(tmp_path / "a.h5") as first, open_recording(tmp_path / "b.h5") as second:
            pairs = zip(
                layer_rows(model, data, first, layer.name), layer_rows(model, found, second, layer.name), strict=True
            )
            assert all(np.array_equal(one, other) for pair in pairs for one, other in zip(*pair, strict=True))


def test_a_stream_that_was_interrupted_goes_on(tmp_path, monkeypatch):
    model, data = convolutional(), dataset()
    record_activations(model, data, tmp_path / "a.h5", PROVENANCE)
    found = streamed(data, "a function")
    monkeypatch.setattr(sys.modules[__name__], "dataset", lambda: found)
    interrupted(monkeypatch, tmp_path / "b.h5", 7)
    monkeypatch.undo()
    assert not [thread for thread in threading.enumerate() if thread.name == "interp-ahead"]
    monkeypatch.setattr(positions, "BLOCK", 4)
    record_activations(model, found, tmp_path / "b.h5", PROVENANCE)
    assert_same(contents(tmp_path / "a.h5"), contents(tmp_path / "b.h5"))


SOME = [0.3, 40]
"""What is stored of each split: a share, and a number."""


@pytest.mark.parametrize("store", SOME)
@pytest.mark.parametrize("make", [dense, convolutional])
def test_stored_samples_have_the_rows_that_a_whole_recording_has(tmp_path, monkeypatch, make, store):
    monkeypatch.setattr(positions, "MOST_ROWS", 2000)
    model, data = make(), dataset()
    record_activations(model, data, tmp_path / "whole.h5", PROVENANCE, seed=3)
    record_activations(model, data, tmp_path / "some.h5", PROVENANCE, seed=3, store=store)
    assert (tmp_path / "some.h5").stat().st_size < (tmp_path / "whole.h5").stat().st_size
    for name, split in data.splits.items():
        kept = stored_samples(len(split), store, 3)
        with open_recording(tmp_path / "whole.h5", name) as whole, open_recording(tmp_path / "some.h5", name) as found:
            np.testing.assert_array_equal(found.kept, kept)
            np.testing.assert_array_equal(found.predictions, whole.predictions)
            np.testing.assert_array_equal(found.labels, whole.labels)
            for layer in (layer.name for layer in model.layers):
                rows = np.flatnonzero(np.isin(whole.sample[layer], kept))
                np.testing.assert_array_equal(found.z[layer][:], whole.z[layer][:][rows])
                np.testing.assert_array_equal(found.sample[layer], whole.sample[layer][rows])
                np.testing.assert_array_equal(found.row_labels(layer), whole.row_labels(layer)[rows])
                if len(whole.position[layer]):
                    np.testing.assert_array_equal(found.position[layer], whole.position[layer][rows])
                for field in ("output_range", "active_share"):
                    np.testing.assert_array_equal(getattr(found, field)[layer], getattr(whole, field)[layer], field)
                np.testing.assert_allclose(found.output_mean[layer], whole.output_mean[layer], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("make", [dense, convolutional])
def test_inputs_behind_stored_rows_are_those_that_were_stored(tmp_path, make):
    model, data = make(), dataset()
    record_activations(model, data, tmp_path / "a.h5", PROVENANCE, store=0.3)
    with open_recording(tmp_path / "a.h5") as found:
        for layer in model.layers:
            weight, bias = affine_map(model.module, layer, torch.zeros(2, *model.input_shape))
            parts = list(layer_rows(model, data, found, layer.name))
            assert len(parts) > 1
            z, read = (np.concatenate([getattr(part, name) for part in parts]) for name in ("z", "layer_input"))
            np.testing.assert_allclose(read @ weight.T + bias, z, atol=1e-5)
            network = np.concatenate([part.network_input for part in parts])
            expected = as_tensor(data.train.inputs[found.kept], model.scaling, model.input_shape).flatten(1).numpy()
            np.testing.assert_array_equal(network, expected)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_recording_of_some_samples_goes_on_after_any_block_to_the_same_bytes(tmp_path, monkeypatch, dtype):
    model, data = convolutional(), dataset()
    said = {"seed": 5, "how": StoreOptions(dtype), "store": 0.2}
    record_activations(model, data, tmp_path / "whole.h5", PROVENANCE, **said)
    expected, write = (tmp_path / "whole.h5").read_bytes(), RecordingWriter.write
    for blocks in range(1, 13):
        path, left = tmp_path / f"{blocks}.h5", iter(range(blocks))

        def until(writer, *block, left=left):
            if next(left, None) is None:
                raise KeyboardInterrupt
            write(writer, *block)

        with monkeypatch.context() as patch:
            patch.setattr(RecordingWriter, "write", until)
            with pytest.raises(KeyboardInterrupt):
                record_activations(model, data, path, PROVENANCE, **said)
        record_activations(model, data, path, PROVENANCE, **said)
        assert path.read_bytes() == expected, f"stopped behind block {blocks}"


def test_a_recording_of_other_samples_is_not_continued(tmp_path, monkeypatch):
    model, data, path = dense(), dataset(), tmp_path / "a.h5"
    write, done = RecordingWriter.write, iter(range(3))

    def until(writer, *block):
        if next(done, None) is None:
            raise KeyboardInterrupt
        write(writer, *block)

    with monkeypatch.context() as patch:
        patch.setattr(RecordingWriter, "write", until)
        with pytest.raises(KeyboardInterrupt):
            record_activations(model, data, path, PROVENANCE, store=40)
    record_activations(model, data, path, PROVENANCE, store=0.2)
    record_activations(model, data, tmp_path / "b.h5", PROVENANCE, store=0.2)
    assert path.read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_what_rounding_cost_is_of_the_rows_that_are_stored(tmp_path):
    model, data = dense(), dataset()
    record_activations(model, data, tmp_path / "exact.h5", PROVENANCE, store=0.3)
    record_activations(model, data, tmp_path / "a.h5", PROVENANCE, how=StoreOptions("bfloat16"), store=0.3)
    with open_recording(tmp_path / "exact.h5") as exact, open_recording(tmp_path / "a.h5") as found:
        z, stored = exact.z["3"][:].astype(float), found.z["3"][:]
        np.testing.assert_allclose(found.rounding["3"][0], np.abs(stored - z).max(axis=0) / z.std(axis=0), rtol=1e-9)


@pytest.mark.parametrize(("asked", "kept"), [(1, 1), (3, 3), (12, 12), (99, 12)])
def test_as_many_positions_are_recorded_as_are_asked_for(tmp_path, asked, kept):
    """Of twelve positions of a convolution; a dense layer has one."""
    model, data = convolutional(), dataset()
    record_activations(model, data, tmp_path / "a.h5", PROVENANCE, how=StoreOptions(positions=asked))
    with open_recording(tmp_path / "a.h5") as found:
        assert found.z["0"].shape[0] == 300 * kept
        assert found.z["3"].shape[0] == 300
        places = found.position["0"].reshape(300, kept)
        assert (places.min(), places.max()) == (0, 11)
        if kept == 12:
            np.testing.assert_array_equal(places, np.arange(12)[None].repeat(300, axis=0))
        weight, bias = affine_map(model.module, model.layers[0], torch.zeros(2, *IMAGE))
        parts = list(layer_rows(model, data, found, "0"))
        z, read = (np.concatenate([getattr(part, name) for part in parts]) for name in ("z", "layer_input"))
        np.testing.assert_allclose(read @ weight.T + bias, z, atol=1e-5)
