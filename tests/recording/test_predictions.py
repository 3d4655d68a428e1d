"""Predictions are recorded only where they are wanted and there are any; else the network stops at the last layer."""

import re

import numpy as np
import pytest
import torch
from torch import nn

import interp
from interp.checkpoints import LoadOptions, load_module
from interp.recording import StoreOptions, predictions, record_activations
from interp.run import options_from, run_stages, start
from interp.run.recorded import confusion_of, recorded
from interp.store import open_recording
from interp.types import Provenance

NUMBERLESS = re.compile(r"\bnan\b", re.IGNORECASE)


def shown_words(page):
    """Give the text of a page, without tags, styles and scripts."""
    bare = re.sub(r"<(style|script)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", " ", bare)


class Head(nn.Linear):
    """Last layer that counts how often it runs."""

    runs = 0

    def forward(self, x):
        type(self).runs += 1
        return super().forward(x)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), Head(4, 3)).eval()


def table(task="classification"):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 6)).astype(np.float32)
    y = np.arange(60) % 3 if task == "classification" else rng.normal(size=(60, 3)).astype(np.float32)
    return {"x_train": x[:40], "y_train": y[:40], "x_test": x[40:], "y_test": y[40:]}


def record(path, how, only="0,2", data=None):
    """Record some layers, and count the runs of the last one that recording took."""
    model, found = load_module(network(), data or table(), LoadOptions(scaling="raw", only=only))
    before = Head.runs
    record_activations(model, found, path, Provenance(model.digest, found.digest, 0, {}, {}), how=how)
    return Head.runs - before


def test_without_predictions_the_last_layer_is_not_run_and_values_are_the_same(tmp_path):
    wide = record(tmp_path / "a.h5", StoreOptions())
    narrow = record(tmp_path / "b.h5", StoreOptions(predictions=False))
    with open_recording(tmp_path / "a.h5") as whole, open_recording(tmp_path / "b.h5") as part:
        assert (whole.predictions >= 0).all()
        assert (part.predictions == -1).all()
        for name in whole.z:
            np.testing.assert_array_equal(part.z[name][:], whole.z[name][:])
            np.testing.assert_array_equal(part.output_mean[name], whole.output_mean[name])
    assert wide - narrow == 2, "one block of each split; what is left tries the network on a few samples"


def test_a_task_without_classes_needs_no_option(tmp_path):
    data = table("regression")
    asked = [record(tmp_path / f"{how.predictions}.h5", how, data=data) for how in map(StoreOptions, ["float32"] * 2)]
    assert asked[0] == record(tmp_path / "c.h5", StoreOptions(predictions=False), data=data)


@pytest.mark.parametrize("store", [True, False])
def test_stages_leave_out_what_asks_for_predictions(tmp_path, store):
    options = options_from({"predictions": False, "store": store, "quick": True})
    run = start(network(), tmp_path, table(), LoadOptions(scaling="raw", only="0,2"), options=options)
    found = run_stages(run, ["boundaries", "clusters"])
    assert confusion_of(run) == {}
    rows = found["clusters"]["0"][0].accuracy.set_index("classifier")
    assert np.isnan(rows.loc["the network", "accuracy"])
    assert rows["agreement"].isna().all()
    with recorded(run) as recording:
        assert (recording.predictions[:] == -1).all()


def test_the_page_is_written_without_them(tmp_path):
    found = interp.analyse(
        network(), table(), scaling="raw", only="0,2", predictions=False, quick=True, read_copies=2, out=tmp_path
    )
    found.save(tmp_path)
    assert any("whose predicted class is recorded" in limit.what for limit in found.run.limits)
    assert "samples whose predicted class is recorded" in (tmp_path / "report.html").read_text()
    assert not NUMBERLESS.search(shown_words((tmp_path / "report.html").read_text()))


@pytest.mark.parametrize("cell", ["<td>nan</td>", "<p>NaN%</p>", "it is nan."])
def test_a_value_that_is_no_number_would_be_seen(cell):
    assert NUMBERLESS.search(shown_words(f"<style>a</style><table>{cell}</table><script>isNaN(nan)</script>"))
    assert not NUMBERLESS.search(shown_words("<style>nan</style><p title='nan'>finance</p><script>nan</script>"))


def test_predictions_of_very_many_classes_are_not_counted(tmp_path, monkeypatch):
    """Pairs of label and prediction would fill memory: 20 GB for a vocabulary of 50,257."""
    monkeypatch.setattr(predictions, "MOST_COUNTED", 2)
    for store in (True, False):
        run = start(
            network(),
            tmp_path / str(store),
            table(),
            LoadOptions(scaling="raw"),
            options=options_from({"store": store}),
        )
        run_stages(run, ["record"])
        assert confusion_of(run) == {}
