"""Every format gives back what was recorded, to the last bit, when its own library reads it."""

import json

import numpy as np
import pandas as pd
import pytest

from interp.analysis.outputs.sums import OutputSums
from interp.errors import UsageError
from interp.interchange import FORMATS, Contents, write_as
from interp.store import RecordingWriter, open_recording, recorded_splits
from interp.store.sampled.kept import Kept
from interp.types import NodeLayer, Provenance

DENSE = NodeLayer("fc/1", "linear", 3, 4, "relu", "fc1")
CONV = NodeLayer("features.0", "conv", 2, 9, "relu", "features.0")
SAMPLES = {"train": 7, "test": 4}
POSITIONS = 5


@pytest.fixture
def recording(tmp_path):
    """A dense layer whose name holds a slash and a convolution at five positions, on two splits, labels and all."""
    rng = np.random.default_rng(0)
    path = tmp_path / "activations.h5"
    provenance = Provenance("ab", "cd", 3, {"torch": "2"}, {"checkpoint": "</script>ü.pt"})
    written = {}
    with RecordingWriter(
        path, (DENSE, CONV), SAMPLES, {"fc/1": 1, "features.0": POSITIONS}, provenance, SAMPLES
    ) as writer:
        for split, count in SAMPLES.items():
            z = {
                "fc/1": (rng.normal(size=(count, 3)).astype(np.float32), np.empty(0, np.int32)),
                "features.0": (
                    rng.normal(size=(count * POSITIONS, 2)).astype(np.float32),
                    rng.integers(0, 3, count * POSITIONS).astype(np.int32),  # drawn with replacement, they repeat
                ),
            }
            labels, predictions = rng.integers(0, 3, count), rng.integers(-1, 3, count)
            writer.write(split, 0, predictions, z)
            known = {
                layer.name: (np.zeros((2, layer.nodes)), np.zeros(layer.nodes), np.zeros(layer.nodes))
                for layer in (DENSE, CONV)
            }
            writer.summarise(split, labels, known)
            written[split] = {"z": z, "labels": labels, "predictions": predictions}
    return path, written


@pytest.fixture
def contents(recording):
    path, _ = recording
    names = [f"{layer.name}:{node}" for layer in (DENSE, CONV) for node in range(layer.nodes)]
    nodes = pd.DataFrame(
        {
            "layer": ["fc/1"] * 3 + ["features.0"] * 2,
            "node": [0, 1, 2, 0, 1],
            "kind": ["adhoc", None, "<b>dead</b>", "coherent", "adhoc"],
            "distance": [0.5, np.nan, 1.5, 2.5, 3.5],
            "component": pd.array([1, None, 0, 2, 1], dtype="Int64"),
        },
        index=pd.Index(names, name="name"),
    )
    recordings = {split: open_recording(path, split) for split in recorded_splits(path)}
    yield Contents(recordings, (DENSE, CONV), nodes)
    for each in recordings.values():
        each.close()


def check_nodes(columns):
    """The table of nodes as a mapping of columns, whatever read it."""
    assert list(columns["name"]) == ["fc/1:0", "fc/1:1", "fc/1:2", "features.0:0", "features.0:1"]
    assert list(columns["kind"]) == ["adhoc", "", "<b>dead</b>", "coherent", "adhoc"]
    np.testing.assert_array_equal(columns["distance"], [0.5, np.nan, 1.5, 2.5, 3.5])
    np.testing.assert_array_equal(columns["component"], [1, np.nan, 0, 2, 1])
    np.testing.assert_array_equal(columns["node"], [0, 1, 2, 0, 1])


def expected_columns(known, positions):
    repeated = {"sample": np.arange(len(known["labels"])), "label": known["labels"], "prediction": known["predictions"]}
    return {name: np.repeat(values, positions) for name, values in repeated.items()}


def test_npz(contents, recording, tmp_path):
    with np.load(write_as("npz", contents, tmp_path / "a.npz"), allow_pickle=False) as archive:
        found = dict(archive)
    for split, known in recording[1].items():
        for layer, name in (("fc/1", "fc%2F1"), ("features.0", "features.0")):
            z, position = known["z"][layer]
            np.testing.assert_array_equal(found[f"{split}/{name}/z"], z)
            assert found[f"{split}/{name}/z"].dtype == np.float32
            if layer == "features.0":
                np.testing.assert_array_equal(found[f"{split}/{name}/position"], position)
                np.testing.assert_array_equal(found[f"{split}/{name}/sample"], np.repeat(np.arange(SAMPLES[split]), 5))
        np.testing.assert_array_equal(found[f"{split}/label"], known["labels"])
        np.testing.assert_array_equal(found[f"{split}/prediction"], known["predictions"])
    check_nodes({key.removeprefix("nodes/"): found[key] for key in found if key.startswith("nodes/")})
    assert json.loads(str(found["provenance"]))["settings"] == {"checkpoint": "</script>ü.pt"}


def test_the_same_values_give_the_same_archive(contents, tmp_path):
    first, second = (write_as("npz", contents, tmp_path / name).read_bytes() for name in ("a.npz", "b.npz"))
    assert first == second


def test_parquet(contents, recording, tmp_path):
    pytest.importorskip("pyarrow")
    found = write_as("parquet", contents, tmp_path / "tables")
    for split, known in recording[1].items():
        for layer, name, positions in (("fc/1", "fc%2F1", 1), ("features.0", "features.0", POSITIONS)):
            table = pd.read_parquet(found / f"{split}.{name}.parquet")
            z, position = known["z"][layer]
            np.testing.assert_array_equal(table[[f"{layer}:{node}" for node in range(z.shape[1])]].to_numpy(), z)
            for column, values in expected_columns(known, positions).items():
                np.testing.assert_array_equal(table[column], values)
            if positions > 1:
                np.testing.assert_array_equal(table["position"], position)
    check_nodes(pd.read_parquet(found / "nodes.parquet"))


def test_zarr(contents, recording, tmp_path):
    zarr = pytest.importorskip("zarr")
    root = zarr.open_group(write_as("zarr", contents, tmp_path / "a.zarr"), mode="r")
    for split, known in recording[1].items():
        for layer, name in (("fc/1", "fc%2F1"), ("features.0", "features.0")):
            z, position = known["z"][layer]
            np.testing.assert_array_equal(root[split]["layers"][name]["z"][:], z)
            if layer == "features.0":
                np.testing.assert_array_equal(root[split]["layers"][name]["position"][:], position)
        np.testing.assert_array_equal(root[split]["label"][:], known["labels"])
        np.testing.assert_array_equal(root[split]["prediction"][:], known["predictions"])
    nodes = root["nodes"]
    check_nodes({**{name: values[:] for name, values in nodes.arrays()}, **nodes.attrs.asdict()})


def test_xarray(contents, recording, tmp_path):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    path = write_as("xarray", contents, tmp_path / "a.nc")
    with xarray.open_datatree(path, engine="h5netcdf") as found:
        for split, known in recording[1].items():
            group = found[split]["layers"].to_dataset()
            z, _ = known["z"]["fc/1"]
            np.testing.assert_array_equal(group["fc%2F1"], z)
            assert group["fc%2F1"].dims == ("sample", "fc%2F1_node")
            z, position = known["z"]["features.0"]
            assert group["features.0"].dims == ("sample", "features.0_row", "features.0_node")
            np.testing.assert_array_equal(group["features.0"].values.reshape(-1, 2), z)
            np.testing.assert_array_equal(group["features.0_position"].values.ravel(), position)
            np.testing.assert_array_equal(found[split]["label"], known["labels"])
            np.testing.assert_array_equal(found[split]["prediction"], known["predictions"])
        check_nodes({name: values.values for name, values in found["nodes"].to_dataset().variables.items()})


def test_anndata(contents, recording, tmp_path):
    anndata = pytest.importorskip("anndata")
    folder = write_as("anndata", contents, tmp_path / "matrices")
    assert sorted(path.name for path in folder.iterdir()) == ["features.0.h5ad", "samples.h5ad"]
    for file, layer, positions in (("samples.h5ad", "fc/1", 1), ("features.0.h5ad", "features.0", POSITIONS)):
        found = anndata.read_h5ad(folder / file)
        assert found.obs_names.is_unique
        for split, known in recording[1].items():
            rows = (found.obs["split"] == split).to_numpy()
            np.testing.assert_array_equal(found.X[rows], known["z"][layer][0])
            for column, values in expected_columns(known, positions).items():
                np.testing.assert_array_equal(found.obs[column][rows], values)
        assert list(found.var_names) == [f"{layer}:{node}" for node in range(found.n_vars)]
    dense = anndata.read_h5ad(folder / "samples.h5ad")
    assert list(dense.var["kind"].astype(str)) == ["adhoc", "", "<b>dead</b>"]
    assert dense.obs_names[0] == "train:0"


KEPT = np.array([1, 2, 5])


@pytest.fixture
def some(tmp_path):
    """Give a recording of which samples 1, 2 and 5 of 7 are stored, its values and its file."""
    rng, path = np.random.default_rng(0), tmp_path / "some.h5"
    values = rng.normal(size=(3, 3)).astype(np.float32)
    provenance = Provenance("ab", "cd", 3, {}, {})
    sums = {"fc/1": OutputSums.of(rng.normal(size=(7, 3)))}
    with RecordingWriter(
        path, (DENSE,), {"train": 7}, {"fc/1": 1}, provenance, ["train"], kept=Kept({"train": KEPT}, "drawn")
    ) as writer:
        writer.write("train", 0, np.arange(7) % 3, {"fc/1": (values, np.empty(0, np.int32))}, sums)
        writer.summarise("train", np.arange(7) % 2, {"fc/1": (np.zeros((2, 3)), np.zeros(3), np.zeros(3))})
    nodes = pd.DataFrame(
        {"layer": "fc/1", "node": [0, 1, 2]}, index=pd.Index([f"fc/1:{node}" for node in range(3)], name="name")
    )
    with open_recording(path) as recording:
        yield Contents({"train": recording}, (DENSE,), nodes), recording


def read_npz(path):
    with np.load(path) as found:
        return found["train/fc%2F1/z"], found["train/fc%2F1/sample"], found["train/prediction"]


def read_parquet(path):
    table = pd.read_parquet(path / "train.fc%2F1.parquet")
    return table[[f"fc/1:{node}" for node in range(3)]].to_numpy(), table["sample"], table["prediction"]


def read_zarr(path):
    split = pytest.importorskip("zarr").open_group(path, mode="r")["train"]
    layer = split["layers"]["fc%2F1"]
    return layer["z"][:], layer["sample"][:], split["prediction"][:]


def read_xarray(path):
    with pytest.importorskip("xarray").open_datatree(path, engine="h5netcdf") as found:
        layer = found["train"]["layers"].to_dataset()["fc%2F1"]
        assert layer.dims == ("stored", "fc%2F1_node")
        return layer.values, found["train"]["stored"].values, found["train"]["prediction"].values


def read_anndata(path):
    found = pytest.importorskip("anndata").read_h5ad(path / "samples.h5ad")
    return found.X, found.obs["sample"], found.obs["prediction"]


READ = {
    "npz": read_npz,
    "parquet": read_parquet,
    "zarr": read_zarr,
    "xarray": read_xarray,
    "anndata": read_anndata,
}


@pytest.mark.parametrize("name", READ)
def test_values_of_some_samples_come_back_with_their_indices(some, tmp_path, name):
    contents, recording = some
    for needed in FORMATS[name].needs:
        pytest.importorskip(needed)
    if name == "xarray":
        pytest.importorskip("xarray")
    z, sample, prediction = READ[name](write_as(name, contents, tmp_path / f"out{FORMATS[name].ending}"))
    np.testing.assert_array_equal(z, recording.z["fc/1"][:])
    np.testing.assert_array_equal(sample, KEPT)
    np.testing.assert_array_equal(recording.kept, KEPT)
    rows = KEPT if len(prediction) == len(KEPT) else slice(None)  # a column of the table, or of all samples
    np.testing.assert_array_equal(prediction, recording.predictions[rows])


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_there_stays_and_nothing_is_left_of_a_failure(contents, tmp_path, name, monkeypatch):
    taken = tmp_path / "taken"
    taken.write_text("mine")
    if FORMATS[name].needs:
        pytest.importorskip(FORMATS[name].needs[0])
    with pytest.raises(UsageError, match="found something of that name"):
        write_as(name, contents, taken)
    assert taken.read_text() == "mine"
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(Contents, "node_columns", property(lambda self: 1 / 0))
    with pytest.raises(ZeroDivisionError):
        write_as(name, contents, tmp_path / "new")
    assert sorted(tmp_path.iterdir()) == before


def test_a_format_of_ones_own(contents, tmp_path, monkeypatch):
    (tmp_path / "our_formats.py").write_text(
        "from interp.interchange import Format\n"
        "SPLITS = Format('names', '.txt', lambda contents, path: path.write_text(' '.join(contents.recordings)))\n"
        "WRONG = 3\n"
        "FAILS = Format('nothing', '.txt', lambda contents, path: 1 / 0)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert write_as("our_formats:SPLITS", contents, tmp_path / "own.txt").read_text() == "train test"
    with pytest.raises(UsageError, match="found int; expected a Format"):
        write_as("our_formats:WRONG", contents, tmp_path / "other.txt")
    with pytest.raises(UsageError, match=r"format our_formats:FAILS: found .*division by zero"):
        write_as("our_formats:FAILS", contents, tmp_path / "other.txt")
    with pytest.raises(UsageError, match="found 'exel'; expected"):
        write_as("exel", contents, tmp_path / "other.txt")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("called", ["prediction", "label", "sample", "nodes", "z", "layers"])
def test_layers_may_have_any_name(tmp_path, name, called):
    if FORMATS[name].needs:
        pytest.importorskip(FORMATS[name].needs[0])
    layer = NodeLayer(called, "linear", 2, 4, "relu", called)
    path = tmp_path / "activations.h5"
    with RecordingWriter(
        path, (layer,), {"train": 3}, {called: 1}, Provenance("a", "b", 0, {}, {}), ["train"]
    ) as writer:
        writer.write("train", 0, np.zeros(3, int), {called: (np.ones((3, 2), np.float32), np.empty(0, np.int32))})
        writer.summarise("train", np.zeros(3, int), {called: (np.zeros((2, 2)), np.zeros(2), np.zeros(2))})
    nodes = pd.DataFrame({"layer": [called] * 2}, index=[f"{called}:0", f"{called}:1"])
    with open_recording(path) as recording:
        assert write_as(name, Contents({"train": recording}, (layer,), nodes), tmp_path / "out").exists()
