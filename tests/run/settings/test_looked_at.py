"""Layers of a quick look at a recurrent network."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from interp.errors import MismatchError
from interp.interventions import InterventionOptions
from interp.run import as_begun, run_stage, run_stages, start
from interp.run.recorded import recorded
from interp.run.settings.begun import as_recorded
from interp.run.settings.limits import Limits
from interp.run.settings.looked_at import MOST, WHAT
from interp.run.settings.options import Options
from interp.types import Provenance

QUICK = Options(limits=Limits(quick=True))


class Deep(nn.Module):
    """Layers of a GRU in both directions: 4 of nodes for each layer and direction, and the head."""

    def __init__(self, layers):
        super().__init__()
        self.rnn, self.head = nn.GRU(2, 3, layers, batch_first=True, bidirectional=True), nn.Linear(6, 2)

    def forward(self, x):
        return self.head(self.rnn(x)[0].mean(1))


def started(folder, options, layers=2, overwrite=False):
    torch.manual_seed(0)
    x = np.random.default_rng(0).normal(size=(30, 4, 2)).astype(np.float32)
    y = (x.sum((1, 2)) > 0).astype(int)
    data = {"x_train": x[:20], "y_train": y[:20], "x_test": x[20:], "y_test": y[20:]}
    return start(Deep(layers).eval(), folder / "out", data, options=options, overwrite=overwrite)


@pytest.mark.parametrize("layers", [2, 3])
def test_a_quick_look_takes_as_many_layers_of_a_deep_network_as_of_a_deeper_one(layers, tmp_path):
    run = started(tmp_path, QUICK, layers)
    every, names = [layer.name for layer in run.model.every_layer], [layer.name for layer in run.model.layers]
    assert len(every) == 8 * layers + 1
    assert len(names) == MOST
    assert (names[0], names[-1]) == (every[0], every[-1])
    (limit,) = [limit for limit in run.limits if limit.what == WHAT]
    assert (limit.looked_at, limit.of) == (MOST, len(every))
    assert run.provenance.settings["quick_layers"] == names
    assert run.provenance.settings["load"]["only"] is None  # commands that the page gives name no layers


def test_other_looks_and_small_networks_take_all(tmp_path):
    for options, layers in ((Options(), 2), (QUICK, 1)):
        run = started(tmp_path, options, layers)
        assert run.model.layers == run.model.every_layer
        assert len(run.model.layers) == 8 * layers + 1
        assert not [limit for limit in run.limits if limit.what == WHAT]


def test_layers_that_the_user_names_are_among_them(tmp_path):
    plain = {layer.name for layer in started(tmp_path, QUICK).model.layers}
    rest = [layer.name for layer in started(tmp_path, Options()).model.layers if layer.name not in plain]
    asked = InterventionOptions(layers=(rest[0],), groups=((f"{rest[1]}:1",),))
    found = {layer.name for layer in started(tmp_path, replace(QUICK, interventions=asked)).model.layers}
    assert found == plain | set(rest[:2])


def test_a_user_who_names_all_layers_leaves_none_out(tmp_path):
    names = tuple(layer.name for layer in started(tmp_path, Options()).model.layers)
    run = started(tmp_path, replace(QUICK, interventions=InterventionOptions(layers=names)))
    assert not [limit for limit in run.limits if limit.what == WHAT]
    assert "quick_layers" not in run.provenance.settings


def names_of(run):
    return [layer.name for layer in run.model.layers]


@pytest.mark.parametrize("store", [True, False])
@pytest.mark.parametrize(("before", "count"), [(Options(), 17), (QUICK, MOST)])
def test_later_stages_take_the_layers_that_the_folder_holds(before, count, store, tmp_path):
    """Some have no ``--quick`` of their own, so that a user could not say it again."""
    first = started(tmp_path, replace(before, store=store))
    run_stage(first, first.stage("record"))
    for asked in (Options(), QUICK):
        later = started(tmp_path, as_begun(tmp_path / "out", asked))
        assert names_of(later) == names_of(first)
        assert len(names_of(later)) == count
        told = []
        run_stages(later, ["record"], told.append)
        assert [done.is_reused for done in told] == [True]
        with recorded(later) as recording:
            assert [layer.name for layer in recording.layers] == names_of(first)


def test_a_quick_look_takes_all_layers_where_a_finished_recording_has_them(tmp_path):
    whole = started(tmp_path, Options())
    assert len(names_of(started(tmp_path, QUICK))) == MOST, "nothing is recorded yet"
    run_stage(whole, whole.stage("record"))
    quick, told = started(tmp_path, QUICK), []
    run_stages(quick, ["record"], told.append)
    assert [done.is_reused for done in told] == [True]
    assert names_of(quick) == names_of(whole)
    assert not [limit for limit in quick.limits if limit.what == WHAT]
    assert len(names_of(started(tmp_path, replace(QUICK, seed=1)))) == MOST, "this one records anew"
    assert len(names_of(started(tmp_path, QUICK, overwrite=True))) == MOST


def test_a_whole_look_after_a_quick_one_records_all_layers(tmp_path):
    for options, count in ((QUICK, MOST), (Options(), 17)):
        run, told = started(tmp_path, options), []
        run_stages(run, ["record"], told.append)
        assert [done.is_reused for done in told] == [False]
        assert len(run.read("record").rows) == count


def test_a_recording_whose_layers_are_no_names_is_refused(tmp_path):
    made = Provenance("ab", "cd", 3, {}, {"quick_layers": [1]})
    with pytest.raises(MismatchError, match="quick_layers"):
        as_recorded(Options(), made, tmp_path)
