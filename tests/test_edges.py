"""Junk in every argument of every public name: one line that says where, found, expected and do, or a right answer."""

import inspect
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import quick
import torch
from run.planted import SMALL
from tiny_runs import mlp
from torch import nn

import interp

pytestmark = pytest.mark.usefixtures("few_draws", "blank_figures")

ROWS = 40


class Kept:
    """Good arguments of every public function, made once: a live network of 6, 5 and 2 nodes, and its data."""

    def __init__(self, folder: Path) -> None:
        rng = np.random.default_rng(0)
        self.folder = folder
        self.x = rng.normal(size=(ROWS, 6)).astype(np.float32)
        self.y = (self.x[:, 0] > 0).astype(np.int64)
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
        self.other = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
        self.said = interp.LoadOptions(scaling="raw", output="linear")
        self.model, self.data = interp.load_model(self.net, (self.x, self.y), self.said)
        self.z = self.x @ rng.normal(size=(6, 3)).astype(np.float32)
        self.fit = interp.fit_gaussians(self.z, self.y)
        self.boundaries = interp.classify_boundaries(self.fit)
        self.samples = [interp.LayerRows(self.z, self.x, self.x)]
        self.rows = interp.LabelledInputs(self.x, self.y, self.y)
        self.provenance = interp.Provenance(self.model.digest, self.data.digest, 0, {}, {})
        self.recording = folder / "activations.h5"
        interp.record_activations(self.model, self.data, self.recording, self.provenance)
        with interp.open_recording(self.recording) as recording:
            self.ranges = {name: interp.Ranges(*found) for name, found in recording.output_range.items()}
            self.means = dict(recording.output_mean)
        self.run = interp.start(self.net, folder / "run", (self.x, self.y), self.said, options=SMALL)
        self.analysis = interp.analyse(self.net, (self.x, self.y), stages=["boundaries"], scaling="raw")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    with quick.few_draws():
        return Kept(tmp_path_factory.mktemp("edges"))


def good(name: str, kept: Kept) -> dict:
    """Give good arguments of a public function."""
    prototypes = {"nearest": np.zeros((2, 6))}
    return {
        "analyse": lambda: {
            "source": kept.net, "data": (kept.x, kept.y), "stages": ["record"], "others": (), "out": None,
            "overwrite": False, "progress": False, "seed": 0, "levels": 1, "layers": ["0"],
        },
        "as_found": lambda: {"module": kept.net},
        "attribute": lambda: {
            "model": kept.model, "layer": kept.model.layers[0], "split": kept.data.train, "options": SMALL.attribution,
        },
        "check": lambda: {
            "source": kept.net, "data": (kept.x, kept.y), "fail_on": "test_score<0", "against": None, "out": None,
            "scaling": "raw",
        },
        "compare": lambda: {
            "networks": (kept.net, kept.other), "data": (kept.x, kept.y), "out": None, "brief": True,
            "overwrite": False, "scaling": "raw",
        },
        "classify_boundaries": lambda: {
            "fit": kept.fit, "thresholds": interp.Thresholds(), "dead": np.zeros(3, bool), "bias": np.zeros(3),
            "directions": kept.fit, "seed": 0,
        },
        "export": lambda: {
            "folder": kept.folder, "to": "npz", "path": kept.folder / f"{len(list(kept.folder.iterdir()))}.npz",
            "layers": ["0"], "splits": [],
        },
        "find_prototypes": lambda: {
            "samples": kept.samples, "z": kept.z, "row_sample": np.arange(ROWS), "fit": kept.fit,
            "boundaries": kept.boundaries, "activation": "relu", "affine": (np.ones((3, 6)), np.ones(3)),
            "options": interp.PrototypeOptions(),
        },
        "fit_gaussians": lambda: {
            "z": kept.z, "labels": kept.y, "options": interp.GaussianOptions(components=2), "sampled": np.array([0, 2]),
        },
        "intervene": lambda: {
            "model": kept.model, "data": kept.data, "ranges": kept.ranges, "means": kept.means,
            "options": SMALL.interventions,
        },
        "load_dataset": lambda: {"spec": (kept.x, kept.y), "options": interp.DataOptions(offline=True)},
        "load_model": lambda: {
            "path": kept.net, "data": (kept.x, kept.y), "options": kept.said,
            "data_options": interp.DataOptions(offline=True),
        },
        "match_clusters": lambda: {
            "train": kept.rows, "test": kept.rows, "prototypes": prototypes,
            "effective_count": {"nearest": np.ones(2)}, "k": 2, "options": interp.ClusterOptions(repetitions=1),
        },
        "open_recording": lambda: {"path": kept.recording, "split": "train"},
        "record_activations": lambda: {
            "model": kept.model, "data": kept.data, "path": kept.folder / "again.h5", "provenance": kept.provenance,
            "seed": 0,
        },
        "run_all": lambda: {"run": replace(kept.run, out=kept.folder / "run"), "told": None},
        "start": lambda: {
            "checkpoint": kept.net, "out": kept.folder / "run", "data": (kept.x, kept.y), "load": kept.said,
            "data_options": interp.DataOptions(offline=True), "options": SMALL, "others": (), "stages": (),
        },
        "stream": lambda: {"source": (kept.x, kept.y), "options": interp.DataOptions(offline=True)},
        "write_report": lambda: {"results": mlp(), "out": kept.folder / "page", "command": "typed", "sections": {}},
    }[name]()  # fmt: skip


def public(name: str):
    """Give a public function that takes all of its arguments by name."""
    call = getattr(interp, name)
    if name != "compare":
        return call
    return lambda networks, **named: call(*(networks if type(networks) is tuple else (networks, networks)), **named)


FUNCTIONS = sorted(name for name in interp.__all__ if inspect.isfunction(getattr(interp, name)))
CLASSES = sorted(set(interp.__all__) - set(FUNCTIONS))


def junk() -> Iterator[object]:
    """Yield what is of another kind, shape, type or length than any argument should be, or has no finite values."""
    yield from (None, True, 3, -1, 2.5, float("nan"), "", "no such", "null\0byte", "x" * 5000, b"ab", 1j, object(), int)
    yield from ([], [1, 2], [[1, 2], [3]], (), {}, {"a": 1}, {1: None}, {"nearest": 3}, iter([1]), [None], ["no such"])
    yield from (np.zeros(3), np.zeros(0), np.zeros((0, 6)), np.zeros((6, 0)), np.float64(3), np.zeros((2, 3, 4)))
    yield from (np.full((ROWS, 6), np.nan), np.full((ROWS, 3), np.inf), np.full(ROWS, np.nan), np.zeros((ROWS, 7)))
    yield from (np.array([["a"]]), np.array(["a"] * ROWS), np.array([{}, None], object), np.zeros((ROWS, 3), complex))
    yield from (np.full(ROWS, -1), np.full(ROWS, 99), np.full(3, 99), np.array([2, 1]), np.zeros((ROWS, 6), bool))
    yield from (torch.zeros(3, requires_grad=True), torch.zeros(ROWS, 3), Path("nowhere"), lambda: None, nn.ReLU())
    yield from (interp.Thresholds(), interp.ClusterOptions(), interp.Split(None, None), interp.Ranges(None, None))
    yield from (
        interp.LabelledInputs(None, None, None),
        interp.LayerRows(None, None, None),
        [interp.LayerRows(1, 2, 3)],
    )


def fault_of(call, *given, **named) -> str:
    """Call with junk; give what is wrong with how that ends, or nothing."""
    try:
        repr(call(*given, **named))
    except interp.InterpError as error:
        says = (error.where, error.found, error.expected, error.do)
        return "" if all(says) and "\n" not in str(error) else f"{type(error).__name__} that says too little: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:150]}"
    return ""


def faults_of(call, argument: str, arguments: dict, values=None) -> dict[str, str]:
    """Try one junk value after the other in an argument; give those that end in a fault of ours."""
    found = {}
    for value in junk() if values is None else values:
        if fault := fault_of(call, **arguments | {argument: value}):
            found[f"{type(value).__name__} {value!r}"[:80]] = fault
    return found


OWN_CODE = {("run_all", "told"), ("intervene", "keep")}
"""Functions of the user's own, which may fail as they like: what cannot be called is refused."""

ALIKE = {"out": ("no such",), "stages": (None,), "brief": (True,)}
"""Arguments whose good values take a whole run -> good values that are left out: another path, and those of `good`."""

ARGUMENTS = [
    (name, argument)
    for name in FUNCTIONS
    for argument in inspect.signature(getattr(interp, name)).parameters
    if name != "analyse" or argument in ("source", "data", "stages", "others", "out", "overwrite", "progress", "seed")
]


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_junk_in_an_argument_is_one_line(name, argument, kept, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    alike = ALIKE.get(argument, ())
    values = [value for value in junk() if not (isinstance(value, str | bool | None) and value in alike)]
    values = [value for value in values if not callable(value)] if (name, argument) in OWN_CODE else values
    assert faults_of(public(name), argument, good(name, kept), values) == {}


def test_good_arguments_are_taken(kept):
    for name in FUNCTIONS:
        public(name)(**good(name, kept))


OPTIONS = [
    (name, argument, field.name)
    for name, argument, cls in (
        ("fit_gaussians", "options", interp.GaussianOptions),
        ("classify_boundaries", "thresholds", interp.Thresholds),
        ("find_prototypes", "options", interp.PrototypeOptions),
        ("match_clusters", "options", interp.ClusterOptions),
        ("intervene", "options", interp.InterventionOptions),
        ("attribute", "options", interp.AttributionOptions),
        ("attribute", "split", interp.Split),
        ("load_model", "options", interp.LoadOptions),
        ("load_dataset", "options", interp.DataOptions),
        ("start", "options", interp.Options),
    )
    for field in fields(cls)
]


@pytest.mark.parametrize(("name", "argument", "field"), OPTIONS)
def test_junk_in_a_field_of_an_argument_is_one_line(name, argument, field, kept):
    given = good(name, kept)
    values = [replace(given[argument], **{field: value}) for value in junk()]
    assert faults_of(public(name), argument, given, values) == {}


METHODS = {
    "Analysis.node": lambda kept: kept.analysis.node,
    "Analysis.recording": lambda kept: kept.analysis.recording,
    "Analysis.save": lambda kept: kept.analysis.save,
    "LoadedModel.layer": lambda kept: kept.model.layer,
}


@pytest.mark.parametrize("method", METHODS)
def test_junk_in_a_method_is_one_line(method, kept, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    call = METHODS[method](kept)
    assert faults_of(call, next(iter(inspect.signature(call).parameters)), {}) == {}


@pytest.mark.parametrize("name", [name for name in CLASSES if name != "Analysis"])  # which `analyse` alone makes
def test_junk_in_a_class_is_shown(name):
    """What holds values is made of anything, and checked where it is used."""
    cls = getattr(interp, name)
    if issubclass(cls, interp.InterpError):
        named, first = ["found", "expected", "do"], ["where"]
    else:
        named, first = [each for each in inspect.signature(cls).parameters if not each.startswith("_")], []
    faults = {}
    for value in junk():
        if fault := fault_of(lambda value=value: cls(*(value for _ in first), **dict.fromkeys(named, value))):
            faults[repr(value)[:80]] = fault
    assert faults == {}
