"""Stages that several processes run together find what one finds, and each makes its share."""

import json
from dataclasses import replace
from importlib import import_module
from itertools import chain

import h5py
import numpy as np
import pytest
import quick
from run.planted import GIVEN, SMALL, planted_data, planted_network
from together import together

from interp.ranks import current
from interp.report.page import write_report
from interp.run.parts import Parts
from interp.run.pipeline import run_all, run_stages
from interp.run.run import start

pytestmark = pytest.mark.usefixtures("few_draws")


def analysed(folder, out):
    run = start(folder / "net.pt", out, str(folder / "data.npz"), GIVEN, options=SMALL)
    if not run.ranks.is_first:
        run_stages(run)
        return
    with quick.blank_figures():
        write_report(run_all(run), out, "as typed")


def values(path):
    """Give every number and text of a file but its provenance."""
    with h5py.File(path) as file:
        found, keep = {}, h5py.Dataset
        file["results"].visititems(lambda name, at: found.update({name: at[()]} if isinstance(at, keep) else {}))
        return found


def without_times(value):
    """Leave out what says when and how long."""
    if isinstance(value, dict):
        return {key: without_times(part) for key, part in value.items() if key not in ("time", "written", "date")}
    return [without_times(part) for part in value] if isinstance(value, list) else value


def test_results_and_page_are_those_of_one_process(tmp_path, monkeypatch):
    for home in ("record", "sharded"):
        monkeypatch.setattr(f"interp.recording.{home}.samples_a_block", lambda model, counts: 32)
    planted_network(tmp_path / "net.pt")
    planted_data(tmp_path / "data.npz")
    assert together(1, lambda: analysed(tmp_path, tmp_path / "by-1"), tmp_path / "errors") == [(0, "")]
    for size in (2, 3):
        ends = together(size, lambda size=size: analysed(tmp_path, tmp_path / f"by-{size}"), tmp_path / "errors")
        assert ends == [(0, "")] * size
        names = sorted(path.name for path in (tmp_path / "by-1").glob("*.h5") if path.name != "activations.h5")
        assert "reading.h5" in names
        for name in names:
            one, several = values(tmp_path / "by-1" / name), values(tmp_path / f"by-{size}" / name)
            assert one.keys() == several.keys()
            for key, found in one.items():
                np.testing.assert_equal(several[key], found, err_msg=f"{name}: {key}")
        pages = [json.loads((tmp_path / f"by-{n}" / "report.json").read_text()) for n in (1, size)]
        assert without_times(pages[0]) == without_times(pages[1])


def test_statistics_without_values_are_shared_and_merge_to_those_of_one_process(tmp_path, monkeypatch):
    monkeypatch.setattr("interp.recording.passes.samples_a_block", lambda model, counts: 32)
    homes = [import_module(f"interp.recording.{name}") for name in ("gather", "bins")]
    plain = homes[0].rows_of_block

    def counted(model, first, *given):
        with (tmp_path / f"{current().size}.{current().rank}").open("a") as file:
            file.write(f"{first}\n")
        return plain(model, first, *given)

    for home in homes:
        monkeypatch.setattr(home, "rows_of_block", counted)
    planted_network(tmp_path / "net.pt")
    planted_data(tmp_path / "data.npz")

    def fitted(out):
        run = start(tmp_path / "net.pt", out, str(tmp_path / "data.npz"), GIVEN, options=replace(SMALL, store=False))
        run_stages(run, ["fit"])

    blocks = {}
    for size in (1, 2, 3):
        out = tmp_path / f"by-{size}"
        assert together(size, lambda out=out: fitted(out), tmp_path / "errors") == [(0, "")] * size
        blocks[size] = [(tmp_path / f"{size}.{rank}").read_text().split() for rank in range(size)]
        for name in ("statistics.h5", "gaussians.h5"):
            one, several = values(tmp_path / "by-1" / name), values(out / name)
            assert one.keys() == several.keys()
            for key, found in one.items():
                is_real = np.asarray(found).dtype.kind == "f"
                rounding = {"rtol": 1e-6 if key.endswith("bic") else 1e-10, "atol": 1e-12} if is_real else {}
                compare = np.testing.assert_allclose if is_real else np.testing.assert_equal
                compare(several[key], found, err_msg=f"{name}: {key}", **rounding)
    assert len(blocks[1][0]) == 7 + 2 + 7, "two passes over the training samples, one over the others"
    for size in (2, 3):
        assert sorted(chain.from_iterable(blocks[size])) == sorted(blocks[1][0])
        assert max(map(len, blocks[size])) <= {2: 4 + 1 + 4, 3: 3 + 1 + 3}[size]


def test_each_makes_its_share_and_counts_alike(tmp_path):
    """A name that is asked for twice is another part each time, whoever makes it."""
    from interp.types import Provenance, Thresholds

    def work():
        keep = Parts(tmp_path / "x.h5", Thresholds, Provenance("a", "b", 0, {}, {}), current())
        made = []

        def make(name):
            made.append(name)
            return name

        assert keep.each((name, lambda name=name: make(name)) for name in "abcd") == ["a", "b", "c", "d"]
        assert made == [["a", "c"], ["b", "d"]][current().rank]
        assert keep("a", lambda: make("again")) == "again"
        assert ("again" in made) == current().is_first
        assert keep.asked == {"a": 2, "b": 1, "c": 1, "d": 1}

    assert together(2, work, tmp_path / "errors") == [(0, "")] * 2
