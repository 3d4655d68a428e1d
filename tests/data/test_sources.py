"""The contract of a source of data, for those that are there and for one from outside."""

from pathlib import Path

import numpy as np
import pytest

from interp.data import SOURCES, data_names, is_code, load_dataset
from interp.data.sources import find_source
from interp.errors import DataError, UsageError


@pytest.mark.parametrize("key", SOURCES, ids=str)
def test_every_source_is_found_by_its_key_and_says_what_it_is(key):
    assert SOURCES[key].__doc__
    if isinstance(key, str):
        assert find_source(f"some{key}" if key.startswith(".") else key) is SOURCES[key]
        assert find_source(Path(f"some{key.upper()}" if key.startswith(".") else key)) is SOURCES[key]


OUTSIDE = """
from interp.data import SOURCES
from pathlib import Path


def from_text(spec, options):
    rows = [line.split() for line in Path(spec).read_text().splitlines()]
    return {"x": [[float(v) for v in row[:-1]] for row in rows], "y": [int(row[-1]) for row in rows]}


SOURCES[".txt"] = from_text
"""


def test_a_source_from_outside(tmp_path, monkeypatch):
    """One function and one line, in a file of its own; or its name as package.module:name."""
    assert len(OUTSIDE.strip().splitlines()) <= 15
    (tmp_path / "outside_source.py").write_text(OUTSIDE)
    (tmp_path / "rows.txt").write_text("0.5 1.0 0\n1.5 0.0 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(SOURCES, ".txt", "outside_source:from_text")
    found = load_dataset(str(tmp_path / "rows.txt"))
    assert found.train.inputs.tolist() == [[0.5, 1.0], [1.5, 0.0]]
    assert found.train.labels.tolist() == [0, 1]


class Pair(tuple):
    """A type of the user's own that is also one that is known."""


def test_the_closest_type_is_taken(monkeypatch):
    assert find_source(Pair()) is SOURCES[tuple]
    monkeypatch.setitem(SOURCES, Pair, lambda content, options: {"x": [[1.0], [2.0]]})
    assert load_dataset(Pair()).train.inputs.tolist() == [[1.0], [2.0]]


def test_a_callable_may_give_whatever_is_data(tmp_path, monkeypatch):
    (tmp_path / "own_data.py").write_text(
        "import torch\nfrom torch.utils.data import TensorDataset\nx = torch.eye(3)\n"
        "def pair(): return x, [0, 1, 2]\n"
        "def named(): return {'x': x, 'y': [0, 1, 2]}\n"
        "def samples(): return TensorDataset(x, torch.arange(3))\n"
        "def other(): return 'own_data:pair'\n"
        "def circle(): return 'own_data:circle'\n"
        "def nothing(): return None\n"
        "def broken(): return 1 / 0\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    digests = {load_dataset(f"own_data:{name}").digest for name in ("pair", "named", "samples", "other")}
    assert len(digests) == 1
    assert load_dataset("own_data:pair").name == "own_data:pair"
    for name, kind, message in (
        ("circle", DataError, "own_data:circle: found sources that name each other in a circle"),
        ("nothing", DataError, "own_data:nothing: found a NoneType; expected"),
        ("broken", UsageError, "ZeroDivisionError"),
        ("missing", UsageError, "has no attribute 'missing'"),
    ):
        with pytest.raises(kind, match=message):
            load_dataset(f"own_data:{name}")


def test_names_are_told_from_code():
    assert data_names() == ["digits", "mnist"]
    assert is_code("mine:data")
    assert not any(map(is_code, ("digits", "c:/some.npz", Path("a:b.csv"), (np.eye(2), [0, 1]))))


def test_wrong_names_are_answered_with_the_close_ones():
    with pytest.raises(UsageError, match="did you mean digits"):
        load_dataset("digit")
    with pytest.raises(DataError, match="no such file"):
        load_dataset(Path("none.npz"))
