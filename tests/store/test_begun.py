"""What a kill left of a recording is gone on with where it is laid out as it was begun, and else begun anew."""

from contextlib import suppress

import h5py
import numpy as np
import pytest
from store.golden import PROVENANCE

from interp.errors import UsageError
from interp.store import RecordingWriter
from interp.types import NodeLayer

LAYERS = (NodeLayer("fc", "linear", 2, 3, "relu", "fc"), NodeLayer("conv", "convolution", 2, 3, "relu", "conv"))
ROWS = {"fc": 4, "conv": 8}
Z = {
    "fc": (np.arange(8.0).reshape(4, 2), np.empty(0, np.int32)),
    "conv": (np.arange(16.0).reshape(8, 2), np.arange(8, dtype=np.int32)),
}
STATISTICS = {layer: (np.ones((2, 2)), np.ones(2), np.ones(2)) for layer in ROWS}


def writer(path, **how):
    return RecordingWriter(path, LAYERS, {"train": 8}, {"fc": 1, "conv": 2}, PROVENANCE, ["train"], **how)


@pytest.fixture(params=["float32", "float16"])
def begun(tmp_path, request):
    """Leave what a kill after four of eight samples does."""
    return begin(tmp_path / "activations.h5", {"dtype": request.param})


def begin(path, how):
    with suppress(KeyboardInterrupt), writer(path, **how) as made:
        made.write("train", 0, np.zeros(4, int), Z)
        raise KeyboardInterrupt
    return path, how


def done(path, how):
    """Give the number of samples that are gone on from."""
    try:
        with writer(path, **how) as again:
            found = again.done("train")
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        return found


def changed(path, name, value):
    with h5py.File(path.with_name(f".{path.name}.partial"), "r+") as file:
        del file[name]
        if value is not None:
            file[name] = value


def test_what_is_laid_out_as_it_was_begun_is_gone_on_with(begun):
    assert done(*begun) == 4


OF_A_LAYER = ("values", "checksums", "output_range", "output_mean", "active_share")
NAMES = ("predictions", "labels", "progress", *(f"z/{layer}/{name}" for layer in ROWS for name in OF_A_LAYER))


@pytest.mark.parametrize("name", [*NAMES, "z/conv/position"])
@pytest.mark.parametrize("way", ["missing", "other shape", "other type", "a group"])
def test_any_array_of_another_shape_or_type_is_begun_anew(begun, name, way):
    path, how = begun
    with h5py.File(path.with_name(f".{path.name}.partial")) as file:
        own = file[f"train/{name}"][()]
    other = {"missing": None, "other shape": own[..., None], "other type": own.astype(">f8"), "a group": None}[way]
    changed(path, f"train/{name}", other)
    if way == "a group":
        with h5py.File(path.with_name(f".{path.name}.partial"), "r+") as file:
            file.create_group(f"train/{name}")
    assert done(path, how) == 0


@pytest.mark.parametrize("progress", [-1, 9, 2**40])
def test_more_samples_than_there_are_is_begun_anew(begun, progress):
    path, how = begun
    changed(path, "train/progress", np.array([progress]))
    assert done(path, how) == 0


def test_damage_that_shows_as_it_is_written_to_is_one_line(tmp_path):
    """Of values in fewer bits what rounding costs is kept too, and looked at when it is written."""
    path, how = begin(tmp_path / "activations.h5", {"dtype": "float16"})
    changed(path, "train/z/fc/rounding", np.ones(7))
    with pytest.raises(UsageError, match=r"found what an earlier run had recorded, damaged; .* begins it anew"):
        finish(path, how)
    assert list(tmp_path.iterdir()) == []
    finish(path, how)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def finish(path, how):
    with writer(path, **how) as again:
        for start in range(again.done("train"), 8, 4):
            again.write("train", start, np.zeros(4, int), Z)
        again.summarise("train", np.zeros(8, int), STATISTICS)
