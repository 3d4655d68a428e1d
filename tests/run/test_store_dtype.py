"""Activations that are stored in half the room: what that cost is said, and stages find what they find in float32."""

import re

import numpy as np
import pytest
from run.planted import GIVEN, WORDS, planted_data, planted_network

from interp.cli.main import main
from interp.run import options_from, run_stages, start
from interp.store import open_recording

pytestmark = pytest.mark.usefixtures("few_draws")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Work in a folder with a network and its data."""
    monkeypatch.chdir(tmp_path)
    planted_data(tmp_path / "a.npz")
    planted_network(tmp_path / "a.pt")
    return tmp_path


def fits(out, dtype):
    run = start("a.pt", out, "a.npz", GIVEN, options=options_from({"store_dtype": dtype}))
    return run_stages(run, ["fit"])


@pytest.mark.parametrize(("dtype", "bits"), [("float16", 11), ("bfloat16", 8)])
def test_moments_are_those_of_float32_to_what_rounding_cost(here, dtype, bits):
    exact, rounded = fits("exact", "float32"), fits("rounded", dtype)
    with open_recording("exact/activations.h5") as whole, open_recording("rounded/activations.h5") as halves:
        for layer in rounded["record"].rows:
            z, loss = whole.z[layer][:], halves.rounding[layer]
            assert np.abs(halves.z[layer][:] - z).max() <= np.abs(z).max() * 2.0**-bits, "half a unit in the last place"
            sigma = np.sqrt(exact["fit"][layer].var)
            varies = sigma > 0
            moved = np.abs(rounded["fit"][layer].mean - exact["fit"][layer].mean)
            assert (moved <= loss[1] * sigma * (1 + 1e-9))[varies].all(), "a mean moves by no more than the mean square"
            ratio = np.sqrt(rounded["fit"][layer].var[varies]) / sigma[varies]
            assert (np.abs(ratio - 1) <= loss[1][varies] * (1 + 1e-9)).all(), "nor does a spread, by Minkowski"
    assert rounded["record"].dtype == dtype


def test_the_cost_is_printed(here, capsys):
    words = ["record", "a.pt", "--data", "a.npz", *WORDS[:6], "--out", "out", "--store-dtype", "bfloat16"]
    assert main(words) == 0
    shown = capsys.readouterr()
    said = r"stored as bfloat16: rounding moves no value by over 0\.0\d+ sigma of its node, and those of no node by"
    assert re.search(said, shown.err)
    assert re.search(r"^\S+: rounding by up to 0\.0\d+ sigma, 0\.0\d+ sigma in root mean square$", shown.out, re.M)
    assert main([*words[:-1], "float61", "--overwrite"]) == 2
    expected = "error: --store-dtype: found 'float61'; expected one of bfloat16, float16, float32; did you mean float"
    assert capsys.readouterr().err.splitlines()[-1].startswith(expected)
