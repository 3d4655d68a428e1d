"""What a kill left of a recording is gone on with where it is laid out as it was begun, and else begun anew."""

from contextlib import suppress

import h5py
import numpy as np
import pytest
from store.golden import PROVENANCE

from interp.analysis.outputs.sums import OutputSums
from interp.errors import UsageError
from interp.store import RecordingWriter
from interp.store.sampled.kept import Kept
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


def edited(path, name, at, by=1):
    """Change one number of an array."""
    with h5py.File(path.with_name(f".{path.name}.partial"), "r+") as file:
        values = file[f"train/{name}"][()]
        values[at] += by
        file[f"train/{name}"][...] = values


UNCOVERED = [("predictions", 1), ("z/fc/values", (3, 1)), ("z/conv/values", (0, 0)), ("z/conv/position", 7)]


@pytest.mark.parametrize(("name", "at"), [*UNCOVERED, ("progress", 0), ("written", (1, 1)), ("written", (1, 0))])
def test_what_no_blocks_checksum_covers_is_begun_anew_where_it_is_damaged(begun, name, at):
    edited(begun[0], name, at)
    assert done(*begun) == 0


@pytest.mark.parametrize(("name", "at"), [("predictions", 4), ("z/fc/values", (4, 0)), ("written", (0, 1))])
def test_what_was_not_counted_yet_is_written_over(begun, name, at):
    edited(begun[0], name, at)
    assert done(*begun) == 4


def test_sums_over_all_rows_are_covered(tmp_path):
    begun = begin(tmp_path / "a.h5", {"dtype": "float16"})
    edited(begun[0], "z/fc/rounding_sums", (0, 2, 1))  # of no samples: the turn before
    assert done(*begun) == 4
    edited(begun[0], "z/fc/rounding_sums", (1, 2, 1))
    assert done(*begun) == 0


def some():
    return {"kept": Kept({"train": np.array([1, 3, 4])}, "drawn")}


def begin_some(path):
    """Leave what a kill after four of eight samples does, two of which are stored."""
    rows = {"fc": [1, 3], "conv": [2, 3, 6, 7]}
    z = {name: (values[rows[name]], at[rows[name]] if len(at) else at) for name, (values, at) in Z.items()}
    with suppress(KeyboardInterrupt), writer(path, **some()) as made:
        made.write("train", 0, np.zeros(4, int), z, {name: OutputSums.of(values) for name, (values, _) in Z.items()})
        raise KeyboardInterrupt
    return path, some()


@pytest.mark.parametrize(
    ("name", "at", "left"), [("z/fc/output_sums", (0, 0, 0), 4), ("z/fc/output_sums", (1, 2, 0), 0)]
)
def test_of_some_samples_sums_over_the_outputs_of_all_are_covered(tmp_path, name, at, left):
    begun = begin_some(tmp_path / "a.h5")
    assert done(*begun) == 4
    edited(begun[0], name, at)
    assert done(*begun) == left


def test_another_rule_by_which_samples_were_drawn_is_begun_anew(tmp_path):
    path, how = begin_some(tmp_path / "a.h5")
    assert done(path, {"kept": Kept(how["kept"].samples, "drawn otherwise")}) == 0


@pytest.mark.parametrize("blocks", [(8,), (3, 5), (1, 1, 6)])
def test_a_file_is_the_same_however_often_it_was_gone_on_with(tmp_path, blocks):
    rng = np.random.default_rng(0)
    z = {"fc": rng.normal(size=(8, 2)), "conv": rng.normal(size=(16, 2))}
    made = []
    for name, sizes in (("one", (8,)), ("more", blocks)):
        (tmp_path / name).mkdir()
        path, first = tmp_path / name / "a.h5", 0
        for size in sizes:
            with suppress(KeyboardInterrupt), writer(path) as again:
                assert again.done("train") == first
                last = first + size
                part = {"fc": (z["fc"][first:last], np.empty(0, np.int32))}
                part["conv"] = z["conv"][2 * first : 2 * last], np.arange(2 * first, 2 * last)
                again.write("train", first, np.arange(first, last), part)
                if (first := last) < 8:
                    raise KeyboardInterrupt
                again.summarise("train", np.zeros(8, int), STATISTICS)
        made.append(path.read_bytes())
    assert made[0] == made[1]


OF_A_LAYER = ("values", "checksums", "output_range", "output_mean", "active_share")
NAMES = (
    "predictions",
    "labels",
    "progress",
    "written",
    *(f"z/{layer}/{name}" for layer in ROWS for name in OF_A_LAYER),
)


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
