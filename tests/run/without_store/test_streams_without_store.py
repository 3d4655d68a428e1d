"""Streams without stored activations: all samples pass by, some are held, and what is found is that of arrays."""

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

import interp
from interp.analysis.mergeable.draws import mixed
from interp.data.streams import drawn, sampled
from interp.errors import InterpError
from interp.run.pipeline import evidence_of
from interp.streams import Stream
from tests.run.without_store.test_stages_without_store import convolutional, dense, differences

HELD = 120
SAID = {"scaling": "x/16", "stages": ["fit", "boundaries"], "store": False}


@pytest.fixture(autouse=True)
def few_are_held(monkeypatch):
    monkeypatch.setattr(sampled, "MOST_SAMPLES", HELD)


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return x[:500], y[:500]


def in_batches(x, y, size):
    for start in range(0, len(x), size):
        yield x[start : start + size], y[start : start + size]


def function(x, y):
    """Batches of changing sizes, whose number nobody says."""

    def begun():
        start = 0
        for size in (7, 100, 1, 64, 328):
            yield x[start : start + size], y[start : start + size]
            start += size

    return begun


SOURCES = {
    "function": lambda x, y: interp.stream(function(x, y)),
    "loader": lambda x, y: interp.stream(
        DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), batch_size=33, num_workers=1)
    ),
    "arrays as a stream": lambda x, y: interp.stream((x, y)),
    "arrays": lambda x, y: (x, y),
}


@pytest.mark.parametrize("make", [dense, convolutional])
def test_every_source_gives_the_same_statistics_and_fits(make, digits):
    torch.manual_seed(0)
    network = make()
    found = {name: interp.analyse(network, source(*digits), **SAID) for name, source in SOURCES.items()}
    wanted = found.pop("arrays")
    for name, own in found.items():
        assert len(own.run.data.train) == HELD, name
        for stage in ("record", "fit"):
            assert list(differences(stage, wanted.found[stage], own.found[stage])) == [], (name, stage)
        for layer, boundaries in own.found["boundaries"].items():
            assert boundaries.kind.tolist() == wanted.found["boundaries"][layer].kind.tolist()


def test_samples_that_come_once_are_read_once_and_kept_nowhere(digits, monkeypatch):
    """The fit is of the first pass alone, so its histograms are not those of the second; moments are the same."""
    monkeypatch.setattr("interp.streams.rows.Kept.add", lambda *_: pytest.fail("inputs were written to disk"))
    torch.manual_seed(0)
    network = dense()
    found = interp.analyse(network, interp.stream(function(*digits)()), **SAID)
    wanted = interp.analyse(network, digits, **SAID)
    assert found.found["record"].splits["train"].samples == 500
    for layer, fit in found.found["fit"].items():
        other = wanted.found["fit"][layer]
        for name in ("mean", "var", "skewness", "kurtosis", "minimum", "maximum", "class_mean", "class_var", "count"):
            np.testing.assert_allclose(getattr(fit, name), getattr(other, name), rtol=1e-10, atol=1e-12)
        assert fit.histogram.sum(axis=1).tolist() == [500] * len(fit.mean)
        sd = np.sqrt(other.var)
        one = (fit.components == 1) & (other.components == 1)
        assert (np.abs(fit.component_mean[one, 0] - other.component_mean[one, 0]) < 0.01 * sd[one]).all()


def test_samples_that_come_once_are_not_taken_for_others_that_begin_alike(digits, tmp_path):
    x, y = digits
    said = {**SAID, "stages": ["record"], "out": tmp_path}
    first = interp.analyse(network := dense(), interp.stream(function(x, y)()), **said)
    other = interp.analyse(network, interp.stream(function(np.where(np.arange(500)[:, None] < 400, x, 0), y)()), **said)
    means = [found.found["record"].splits["train"].layers["0"].moments.mean for found in (first, other)]
    assert (means[0] != means[1]).any()


def test_the_page_says_what_is_held(digits):
    found = interp.analyse(dense(), interp.stream(function(*digits)), **SAID)
    said = found.run.data.facts["samples held"]
    assert said.value == "120 of 500, drawn at random"
    assert any(limit.looked_at == 120 and limit.of == 500 for limit in found.run.limits)


def test_a_class_of_which_no_sample_is_held_is_refused(digits):
    x, y = digits
    rare = np.where(np.arange(500) == 499, 11, y)
    with pytest.raises(InterpError, match="class 11, of which no sample is held"):
        interp.analyse(dense(), interp.stream(function(x, rare)()), **SAID)


def test_a_value_that_is_not_finite_is_named_where_its_sample_is_not_held(digits):
    """The data are at fault: what the network makes of such a sample is no sign of a training that diverged."""
    x, y = digits
    held = np.partition(mixed(np.arange(500), 1), HELD - 1)[HELD - 1]
    row = int(np.flatnonzero(mixed(np.arange(500), 1) > held)[-1])
    torn = np.where(np.arange(500)[:, None] == row, np.nan, x)
    with pytest.raises(InterpError, match=f"not finite in 32 bits in row {row}; .*clean the data"):
        interp.analyse(dense(), interp.stream(function(torn, y)), **SAID)


@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize(("later", "found"), [(500, "over 400 samples"), (300, "300 samples")])
def test_passes_of_other_numbers_of_samples_are_refused(digits, passes, later, found):
    """A pass draws the samples that are held and counts, one gathers statistics, and one sorts into bins."""
    (x, y), begun = digits, []

    def source():
        begun.append(1)
        count = 400 if len(begun) <= passes else later
        return in_batches(x[:count], y[:count], 50)

    with pytest.raises(InterpError, match=f"found {found} in a further pass; expected 400") as error:
        interp.analyse(dense(), interp.stream(source), **SAID)
    assert "\n" not in str(error.value)
    assert len(begun) == passes + 1


def test_alerts_count_all_samples_for_fits_and_those_held_for_single_values(digits):
    torch.manual_seed(0)
    found = interp.analyse(dense(), interp.stream(digits), **SAID)
    known = evidence_of(found.run, {})
    assert (known.fitted, known.screened) == (500, HELD)
    plain = evidence_of(interp.analyse(dense(), digits, **SAID).run, {})
    assert (plain.fitted, plain.screened, plain.screened_words) == (500, 500, "")


def test_draws_do_not_depend_on_batches(digits):
    x, y = digits
    parts = [drawn.drawn(interp.stream(partial(in_batches, x, y, size))) for size in (1, 13, 500)]
    for data, wholes in parts:
        np.testing.assert_array_equal(data.train.inputs, parts[0][0].train.inputs)
        assert wholes["train"].digest == parts[0][1]["train"].digest


@pytest.mark.parametrize(("stated", "count", "is_once"), [(499, 500, False), (101, 100, False), (101, 100, True)])
def test_a_stream_that_gives_another_number_of_samples_than_it_says_is_refused(stated, count, is_once, digits):
    x, y = (part[:count] for part in digits)
    said = Stream(
        "mine", lambda: ({"x": one, "y": two} for one, two in in_batches(x, y, 13)), samples=stated, is_once=is_once
    )
    with pytest.raises(InterpError, match=f"mine: found {count} samples; expected {stated}, as it says of itself"):
        drawn.drawn(said)


def test_far_from_zero_a_small_spread_is_kept():
    """1000 ± 0.01 in float32 keeps its variance to 1 %, of the values as float32 has them."""
    values = (1000 + 0.01 * np.random.default_rng(0).normal(size=(2000, 1))).astype(np.float32)
    network = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False), torch.nn.ReLU(), torch.nn.Linear(1, 1))
    with torch.no_grad():
        network[0].weight.fill_(1)
    found = interp.analyse(
        network, interp.stream(lambda: ((values[i : i + 99], values[i : i + 99] > 1000) for i in range(0, 2000, 99))),
        scaling="raw", stages=["record"], store=False,
    )  # fmt: skip
    moments = found.found["record"].splits["train"].layers["0"].moments
    assert abs(moments.var[0] / np.var(values.astype(np.longdouble)) - 1) < 0.01
