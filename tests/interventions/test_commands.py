"""`python -m interp intervene` and the whole report: what is asked for is done, and awkward data end well."""

import json

import numpy as np
import pytest
import quick
import torch

from interp.cli.main import main, report
from interp.store import read_results
from interp.types import Effects

pytestmark = pytest.mark.usefixtures("few_draws")
STATED = ("--activation", "relu", "--scaling", "raw", "--output", "linear")


def weights(**change):
    torch.manual_seed(0)
    state = {"a.weight": torch.randn(6, 4), "a.bias": torch.randn(6)}
    state |= {"b.weight": torch.randn(3, 6), "b.bias": torch.randn(3)}
    return state | {name.replace("__", "."): value for name, value in change.items()}


def drawn(samples=90, seed=0):
    rng = np.random.default_rng(seed)
    return {"x": rng.normal(size=(samples, 4)).astype(np.float32), "y": rng.integers(0, 3, samples)}


def call(command, *words):
    return command([*map(str, words)])


@pytest.fixture
def folder(tmp_path):
    """Make a run with a recording, where options can be tried."""
    torch.save(weights(), tmp_path / "net.pt")
    np.savez(tmp_path / "d.npz", **drawn())
    given = ("--data", tmp_path / "d.npz", "--out", tmp_path, *STATED)
    assert call(main, "record", tmp_path / "net.pt", *given) == 0
    return tmp_path


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Make one where what is refused leaves nothing."""
    folder = tmp_path_factory.mktemp("recorded")
    torch.save(weights(), folder / "net.pt")
    np.savez(folder / "d.npz", **drawn())
    assert call(main, "record", folder / "net.pt", "--data", folder / "d.npz", "--out", folder, *STATED) == 0
    return folder


def effects(folder):
    return read_results(folder / "effects.h5", Effects, "")[0]["all"]


def test_options_choose_what_is_swept(folder, capsys):
    words = "--interventions scale,clamp-max --levels 5 --curve-levels 3 --layers a --nodes a:1,b:0 --together a,b"
    words += " --together a:0,a:2,b:1"
    assert call(main, "intervene", "--out", folder, *words.split()) == 0
    found = effects(folder)
    whole = found.whole_layers
    assert set(whole["layer"]) == {"a"}
    assert set(whole["intervention"]) == {"scale", "clamp-max"}
    assert len(whole) == 7 + 5  # scale has seven published levels, the no-op among them
    assert set(found.curves["level"]) == {0, 0.5, 1}
    assert set(found.groups["group"]) == {"a:1", "b:0", "a, b", "a:0, a:2, b:1"}
    assert set(found.control["layer"]) == {"a"}
    assert "a:0, a:2, b:1, clamp-max, train: 5 levels, least score" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--interventions offet", "did you mean offset?"),
        ("--interventions no_such:f", "expected an importable package.module:name"),
        ("--interventions ,", "expected names separated by commas"),
        ("--levels 0", "expected 1 to 10,000"),
        ("--levels x", "invalid int value"),
        ("--curve-levels 1", "expected 0, or 2 and more"),
        ("--curve-levels -1", "expected 0 to 10,000"),
        ("--layers c", "found 'c'; expected one of a, b"),
        ("--nodes a:6", "found 'a:6'; expected a:0 to a:5"),
        ("--nodes a:-1", "expected a:0 to a:5"),
        ("--nodes aa:1", "did you mean a?"),
        ("--together a,b:3", "found 'b:3'; expected b:0 to b:2"),
    ],
)
def test_wrong_names_and_numbers_are_one_line(recorded, capsys, words, message):
    capsys.readouterr()
    assert call(main, "intervene", "--out", recorded, *words.split()) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
    assert not (recorded / "effects.h5").exists()


def only_first_class(data):
    return data | {"y": np.zeros_like(data["y"])}


def unlabelled(data):
    return {"x": data["x"]}


def spoiled(data, value):
    x = data["x"].copy()
    x[7, 2] = value
    return data | {"x": x}


INFINITE, NAN = float("inf"), float("nan")
AWKWARD = {
    "dead nodes, no labels": (weights(a__bias=torch.tensor([-99.0] * 5 + [0.0])), unlabelled(drawn())),
    "all nodes dead": (weights(a__bias=torch.full((6,), -99.0)), drawn()),
    "one class": (weights(), only_first_class(drawn())),
    "one sample": (weights(), drawn(1)),
    "two samples": (weights(), drawn(2)),
    "one sample, no labels": (weights(), unlabelled(drawn(1))),
}
HARDEST = ("all nodes dead", "one class", "one sample, no labels")
"""Cases whose figures are made, and that are swept again by themselves: each holds what is awkward in the others."""
REFUSED = {
    "an infinite bias": (weights(a__bias=torch.full((6,), -INFINITE)), drawn(), "NaN or infinite in a.bias"),
    "a bias that is no number": (weights(a__bias=torch.full((6,), NAN)), drawn(), "NaN or infinite in a.bias"),
    "an input that is no number": (weights(), spoiled(drawn(), NAN), "not finite in 32 bits in row 7"),
    "an infinite input": (weights(), spoiled(drawn(), INFINITE), "not finite in 32 bits in row 7"),
}
OVERFLOW = weights(a__weight=torch.full((6, 4), 3e38))
FEW = ("--levels", 3, "--curve-levels", 3)


def put(folder, state, data):
    torch.save(state, folder / "net.pt")
    np.savez(folder / "d.npz", **data)
    return (folder / "net.pt", "--data", folder / "d.npz", "--out", folder / "out", *STATED)


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_data_end_in_defined_results_and_a_whole_page(name, tmp_path, capsys):
    state, data = AWKWARD[name]
    with quick.blank_figures(made=name in HARDEST):
        assert call(report, *put(tmp_path, state, data), *FEW) == 0, capsys.readouterr().err
    found = effects(tmp_path / "out")
    assert found.table["score"].between(0, 1).all()
    assert found.table[["difference", "p_value", "q_value"]].notna().all().all()
    assert (found.table[["low", "high"]].notna().all(axis=1) == (found.table["samples"] >= 26)).all()
    assert found.table["loss"].isna().all() == ("y" not in data)
    assert ("a:0" in found.skipped) == ("dead" in name)
    assert found.classes["class"].nunique() <= 3
    page = json.loads((tmp_path / "out" / "report.json").read_text())
    assert len(page["interventions"]) == len(found.table)
    if name not in HARDEST:
        return
    assert call(main, "intervene", "--out", tmp_path / "out", *FEW) == 0
    again = effects(tmp_path / "out")
    assert again.whole_layers.equals(found.whole_layers)
    assert again.single_nodes.equals(found.single_nodes)


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("command", [main, report], ids=["intervene", "report"])
def test_what_is_not_finite_is_refused_in_one_line(name, command, tmp_path, capsys):
    state, data, message = REFUSED[name]
    words = put(tmp_path, state, data)
    assert call(command, *(("intervene",) if command is main else ()), *words, *FEW) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_activations_that_overflow_to_no_number_are_refused_in_one_line(tmp_path, capsys):
    words = put(tmp_path, OVERFLOW, drawn())
    assert call(report, *words, *FEW) == 2
    assert "NaN or infinite pre-activations in 6 of 6 nodes" in capsys.readouterr().err
    assert call(main, "intervene", "--out", tmp_path / "out", *FEW) == 2
    err = capsys.readouterr().err
    assert "samples whose output is not a number; expected finite outputs" in err
    assert err.count("\n") == 1


def huge_and_small(samples=90):
    """Rows whose z is infinite beside rows whose z is about 1e8; terms have one sign, so no order of a sum matters."""
    data = drawn(samples)
    x = np.abs(data["x"]) + 0.5
    x[1::2] *= 1e-30
    return data | {"x": x}


def test_infinite_outputs_are_compared_and_their_nodes_named(tmp_path):
    data, state = huge_and_small(), OVERFLOW | {"b.weight": weights()["b.weight"].abs()}
    words = put(tmp_path, state, data)
    assert call(main, "record", *words) == 0
    assert call(main, "intervene", "--out", tmp_path / "out", *FEW) == 0
    found = effects(tmp_path / "out")
    assert {name for name in found.skipped if "not finite" in found.skipped[name]} >= {f"a:{i}" for i in range(6)}
    z = data["x"].astype(float) @ state["a.weight"].double().numpy().T
    logits = z @ state["b.weight"].double().numpy().T
    guess = np.where(np.arange(len(z)) % 2 == 0, 0, logits.argmax(1))  # all infinite: the first of the best
    for kind in ("scale", "offset"):
        rows = found.whole_layers[(found.whole_layers["intervention"] == kind) & found.whole_layers["no_op"]]
        assert rows["score"].tolist() == [(guess == data["y"]).mean()] * len(rows) != []
    silenced = found.single_nodes.query("layer == 'a' and intervention == 'zero-ablation'")
    assert len(silenced) == 12, "6 nodes on two halves"
    assert found.table["score"].between(0, 1).all()
    assert found.table[["low", "high", "difference", "p_value"]].notna().all().all()


@pytest.mark.parametrize("seed", range(3))
def test_sums_that_may_or_may_not_cancel_to_no_number_end_in_a_result_or_in_one_line(tmp_path, seed, capsys):
    """Whether inf - inf is met hangs on the order of a sum; either way the end is a defined one."""
    words = put(tmp_path, OVERFLOW | {"b.weight": torch.full((3, 6), 3e38)}, drawn(seed=seed))
    assert call(main, "record", *words) == 0
    capsys.readouterr()
    code = call(main, "intervene", "--out", tmp_path / "out", *FEW)
    if code == 0:
        found = effects(tmp_path / "out")
        assert found.table["score"].between(0, 1).all()
        assert set(found.skipped) >= {f"a:{i}" for i in range(6)}
    else:
        err = capsys.readouterr().err
        assert (code, err.count("\n")) == (2, 1)
        assert "samples whose output is not a number; expected finite outputs" in err
