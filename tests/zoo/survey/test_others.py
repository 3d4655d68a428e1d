"""Reading of networks that others published."""

from pathlib import Path

import pytest

from interp.types import Dataset
from zoo.finished import add_finished
from zoo.survey import others


def no_mnist() -> Dataset:
    raise AssertionError("no data are needed")


def test_a_network_that_was_not_read_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that is raised counts: what was refused before stands in no file, or is passed over there."""
    file = tmp_path / "others.jsonl"
    path = tmp_path / "published" / "lenet" / "abs_1.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    found: list[dict[str, object]] = [{"network": "LeNet abs_1", "why": "it takes too long"}]
    monkeypatch.setattr(others, "_rows", lambda *given: list(found))
    add_finished(file, {"network": "LeNet abs_1", "rows": found})

    assert list(others.rows_of_others(tmp_path, file, no_mnist)["why"]) == ["it takes too long"]
    found[0] = {"network": "LeNet abs_1", "layer": 1}
    assert list(others.rows_of_others(tmp_path, file, no_mnist)["layer"]) == [1]
    found[0] = {"network": "LeNet abs_1", "layer": 2}
    assert list(others.rows_of_others(tmp_path, file, no_mnist)["layer"]) == [1]  # what was read is not read again
