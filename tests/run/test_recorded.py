"""Layers that are worked on at once give what one after the other gives, to the last digit."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
import torch
from run.planted import GIVEN, QUICK, planted_data, planted_network
from torch import nn

from interp.analysis.threads import processors
from interp.checkpoints import load_module
from interp.network.inputs import outputs_on
from interp.run import files, parts, processes, recorded
from interp.run.pipeline import run_stage, run_stages
from interp.run.run import start
from interp.run.stage import Stage
from interp.run.stages import boundaries
from interp.types import GaussianFit, Thresholds

FORK = processes._fork
STAGES = ("fit", "boundaries", "prototypes", "clusters")


def arrays(path):
    found = {}
    with h5py.File(path) as file:
        file["results"].visititems(
            lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
        )
    return found


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded")
    return folder, planted_network(folder / "net.pt"), str(planted_data(folder / "data.npz"))


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)  # from now on each new thread has two
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_layers_that_are_worked_on_at_once_have_one_thread_of_torch_each(given, monkeypatch):
    folder, network, data = given
    run = start(network, folder / "threads", data, GIVEN, options=QUICK)
    run_stage(run, run.stage("record"))
    for threads, expected, forks in ((2, 1, False), (2, 1, True), (1, 2, True)):
        monkeypatch.setattr(recorded, "_at_once", lambda values, threads=threads: threads)
        monkeypatch.setattr(recorded, "can_fork", lambda forks=forks: forks)
        found = recorded.each_layer(run, lambda *_: torch.get_num_threads(), values=lambda *_: 1)
        assert list(found.values()) == [expected] * len(run.model.layers)
        assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("few_draws")
def test_stages_give_the_same_digits_however_many_layers_are_worked_on_at_once(given, monkeypatch):
    folder, network, data = given
    found, seen = {}, {}
    one_layer = recorded._made

    def made(make):
        seen[how].add((threading.current_thread() is threading.main_thread(), processors()))
        return one_layer(make)

    monkeypatch.setattr(recorded, "_made", made)
    monkeypatch.setattr(processes, "FEWEST", 2)
    for how, threads in (("one", 1), ("threads", 3), ("processes", 2)):
        forked, seen[how] = [], set()
        monkeypatch.setattr(recorded, "_at_once", lambda values, threads=threads: threads)
        for module in (recorded, processes):
            monkeypatch.setattr(module, "can_fork", lambda how=how: how == "processes")
        monkeypatch.setattr(processes, "_fork", lambda *given, forked=forked: forked.append(FORK(*given)) or forked[-1])
        run = start(network, folder / f"out {how}", data, GIVEN, options=replace(QUICK, directions=8))
        run_stage(run, run.stage("record"))
        for name in STAGES:
            run_stage(run, run.stage(name))
        found[how] = {name: arrays(run.path(name)) for name in STAGES}
        assert len(forked) == (len(STAGES) if how == "processes" else 0)
    assert (False, 1) in seen["threads"], "each thread of layers has no threads of its own"
    assert seen["processes"] == {(True, 1)}, "neither has each process"
    for how, name in product(("threads", "processes"), STAGES):
        assert found["one"][name].keys() == found[how][name].keys()
        for key, value in found["one"][name].items():
            np.testing.assert_array_equal(value, found[how][name][key], err_msg=f"{how}, {name}: {key}")


@pytest.mark.skipif(sys.platform != "linux", reason="a process is copied on Linux only")
def test_what_copies_of_the_process_keep_is_counted_here(given, monkeypatch):
    """A stage that goes through the layers twice must not be given what the first time found."""
    folder, network, data = given
    run = start(network, folder / "kept", data, GIVEN, options=QUICK)
    run_stage(run, run.stage("record"))
    provenance = run_stage(run, run.stage("fit")) and run.provenance_of("fit")
    monkeypatch.setattr(parts, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(processes, "FEWEST", 2)
    for module in (recorded, processes):
        monkeypatch.setattr(module, "can_fork", lambda: True)
    monkeypatch.setattr(recorded, "_at_once", lambda values: 2)
    kept = replace(run, keep=parts.Parts(run.path("fit"), float, provenance))
    for time in (1.0, 2.0):
        found = recorded.each_layer(kept, lambda *_, time=time: time, values=lambda *_: 1)
        assert set(found.values()) == {time}
    assert len(parts.parts_of(run.path("fit"))) == 2 * len(run.model.layers), "copies keep parts as well"


@pytest.mark.parametrize(
    ("layers", "values", "expected"), [(2, 10, 1), (21, 10, 2), (21, recorded.ROOM, 1), (21, 10**12, 1), (0, 0, 1)]
)
def test_only_many_layers_that_fit_into_memory_are_worked_on_at_once(monkeypatch, layers, values, expected):
    monkeypatch.setattr(recorded, "processors", lambda: 2)
    assert recorded._at_once([values] * layers) == expected


def test_losses_wait_for_whoever_runs_the_network():
    """The hooks of another thread would see these rows and take them for those of its own layer."""
    x, targets = np.random.default_rng(0).normal(size=(2, 30, 3)).astype(np.float32)
    network = nn.Sequential(nn.Linear(3, 3), nn.ReLU()).eval()
    model, data = load_module(network, (x, targets))
    assert model.layers[-1].activation == "relu"
    run = SimpleNamespace(model=model, data=data, options=SimpleNamespace(thresholds=Thresholds(rule="mean")))
    expected = ((outputs_on(model, x).double().numpy() - targets) ** 2).mean(axis=0)
    ran, begun = threading.Event(), threading.Event()
    model.module.register_forward_hook(lambda *_: ran.set())

    def losses():
        begun.set()
        return boundaries._losses(run, model.layers[-1])

    with ThreadPoolExecutor(1) as pool:
        with recorded._NETWORK:
            found = pool.submit(losses)
            assert begun.wait(30)
            assert not ran.wait(0.2)
        np.testing.assert_allclose(found.result(30), expected, rtol=1e-5)
    assert ran.is_set()


def test_stages_are_given_what_those_before_them_found_and_find_the_same(given, monkeypatch):
    folder, network, data = given
    read, found = [], {}
    read_results = files.read_results

    def told(path, *rest, **how):
        read.append(path.name)
        return read_results(path, *rest, **how)

    monkeypatch.setattr(files, "read_results", told)
    for name in ("one by one", "together"):
        run = start(network, folder / name, data, GIVEN, options=replace(QUICK, directions=8))
        for stages in [("record", *STAGES)] if name == "together" else [("record",), *((stage,) for stage in STAGES)]:
            read.clear()
            run_stages(run, stages)
        found[name] = {stage: arrays(run.path(stage)) for stage in STAGES}
    assert sorted(read) == sorted(run.path(stage).name for stage in STAGES), "each is read once, when it is new"
    for stage in STAGES:
        for key, value in found["one by one"][stage].items():
            np.testing.assert_array_equal(value, found["together"][stage][key], err_msg=f"{stage}: {key}")


def _changing(run):
    for own in run.read("fit").values():
        own.mean[:] = -1e6
    return run.read("fit")


CHANGING = Stage("changing", "Change.", "changing.h5", GaussianFit, ("fit",), _changing, summarise=lambda _: ["done"])


def test_a_stage_of_a_users_own_is_given_results_of_its_own(given):
    folder, network, data = given
    run = start(network, folder / "own", data, GIVEN, options=QUICK)
    own = replace(CHANGING, spec="mine:CHANGING")
    found = run_stages(replace(run, stages={**run.stages, "changing": own}), ["changing"])
    assert all((fit.mean > -1e6).all() for fit in found["fit"].values())
