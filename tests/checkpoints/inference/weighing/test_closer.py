"""What some training rows do not tell apart, all of them do where training has come to rest."""

from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from checkpoints.planted import DIGITS, inputs
from interp.checkpoints import LoadOptions, load_model
from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.dense.trials import try_dense
from interp.checkpoints.inference.stack.state import layer_stack
from interp.checkpoints.inference.weighing.again import closer
from interp.checkpoints.inference.weighing.again.closer import looked_closer
from interp.checkpoints.inference.weighing.weigh import (
    LIKELY,
    ROWS,
    activations_looked_at,
    shares,
    shares_at_rest,
    weigh,
)
from interp.data import scalings
from interp.tasks import CLASSIFICATION

UNIT = scalings(DIGITS)["x/16"]
ALL = len(DIGITS.train)
FEW = 150


@cache
def at_rest():
    """Train a perceptron with SiLUs on all of digits, until its loss with a little weight decay is stationary."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(64, 12), nn.SiLU(), nn.Linear(12, 12), nn.SiLU(), nn.Linear(12, 10)).double()
    x, y = inputs(rows=None, part="train").double(), torch.from_numpy(DIGITS.train.labels)
    optimiser = torch.optim.LBFGS(
        network.parameters(), max_iter=400, tolerance_grad=1e-7, history_size=30, line_search_fn="strong_wolfe"
    )

    def loss():
        optimiser.zero_grad()
        decay = sum((part**2).sum() for part in network.parameters())
        value = F.cross_entropy(network(x), y) + 2e-4 * decay
        value.backward()
        return value

    optimiser.step(loss)
    return network.float().eval().requires_grad_(False)


def weighed_on(rows, monkeypatch):
    """Weigh its activations on some rows; give them with what weighs them again on more."""
    monkeypatch.setitem(ROWS, False, rows)
    layers, y = layer_stack(at_rest().state_dict(), "net").layers, DIGITS.train.labels
    scorers = {UNIT.name: CLASSIFICATION.scorer(y, UNIT)}
    try_out, base = partial(try_dense, layers, scorers), Candidate(UNIT, "relu", "linear")
    found = weigh(activations_looked_at(layers, try_out, base, scorers, DIGITS.train.inputs, y), 0.5)
    return found, partial(looked_closer, found, shares, shares_at_rest, layers, scorers, DIGITS.train.inputs, y)


def share_of(weighed, name):
    return sum(one.share for one in weighed if one.signs.trial.candidate.activation == name)


def test_what_is_not_likely_on_few_rows_is_on_all(monkeypatch):
    few, again = weighed_on(FEW, monkeypatch)
    assert few[0].share < LIKELY
    found = again().weighed
    assert found[0].signs.trial.candidate.activation == "silu"
    assert found[0].share >= LIKELY > share_of(few, "silu")


def test_slopes_of_rows_that_training_ended_on_count_for_more(monkeypatch):
    few, _ = weighed_on(ALL, monkeypatch)
    signs = [one.signs for one in few[:4]]
    found = closer._where_training_ended(signs, shares, shares_at_rest)
    np.testing.assert_array_equal(found, shares_at_rest(signs))
    assert found[1:].max() < shares(signs)[1:].max()


def test_of_a_loss_of_nothing_they_do_not(monkeypatch):
    few, _ = weighed_on(ALL, monkeypatch)
    signs = [one.signs for one in few[:4]]
    signs = [replace(one, trial=replace(one.trial, loss=1e-5)) for one in signs]
    np.testing.assert_array_equal(closer._where_training_ended(signs, shares, shares_at_rest), shares(signs))


def test_shares_still_add_up_and_signs_are_those_of_the_first_rows(monkeypatch):
    few, again = weighed_on(FEW, monkeypatch)
    found = again().weighed
    assert sum(one.share for one in found) == pytest.approx(1)
    assert [one.share for one in found] == sorted((one.share for one in found), reverse=True)
    before = {one.signs.trial.candidate: one.signs for one in few}
    assert {one.signs.trial.candidate: one.signs for one in found} == before
    rows = np.random.default_rng(0).permutation(ALL)[:FEW]
    assert all(len(one.signs.trial.per_sample) == len(rows) for one in found)


@pytest.mark.parametrize(("few", "most"), [(FEW, ALL - 1), (ALL, 10 * ALL), (2 * ALL, 10 * ALL)])
def test_rows_are_not_looked_at_again_where_there_are_too_many_or_no_more(few, most, monkeypatch):
    found, again = weighed_on(few, monkeypatch)
    monkeypatch.setattr(closer, "signs_of_all", lambda *given: pytest.fail("rows were looked at again"))
    assert again(most=most) == (found, True, {})


def test_rows_that_training_did_not_end_on_change_nothing(monkeypatch):
    """Of a part of the rows trained on, slopes are the chance of which rows they are, as those of fewer are."""
    monkeypatch.setitem(ROWS, False, FEW)
    layers, part = layer_stack(at_rest().state_dict(), "net").layers, DIGITS.train.take(np.arange(500))
    scorers = {UNIT.name: CLASSIFICATION.scorer(part.labels, UNIT)}
    try_out, base = partial(try_dense, layers, scorers), Candidate(UNIT, "relu", "linear")
    found = weigh(activations_looked_at(layers, try_out, base, scorers, part.inputs, part.labels), 0.5)
    assert found[0].share < LIKELY
    assert looked_closer(found, shares, shares_at_rest, layers, scorers, part.inputs, part.labels) == (found, True, {})


def test_what_nothing_rivals_is_not_looked_at_again(monkeypatch):
    found, again = weighed_on(FEW, monkeypatch)
    monkeypatch.setattr(closer, "LEAST", found[0].share)
    monkeypatch.setattr(closer, "signs_of_all", lambda *given: pytest.fail("rows were looked at again"))
    assert again() == (found, True, {})


def test_all_rows_are_asked_of_what_is_likely_on_the_first_too(monkeypatch):
    """A Leaky ReLU was likely a ReLU on 800 of its rows, and is itself on all of them."""
    found, again = weighed_on(FEW, monkeypatch)
    own = next(one for one in found if one.signs.trial.candidate.activation == "silu")
    rival = next(one for one in found if one is not own)
    planted = [replace(rival, share=0.95), replace(own, share=0.05)]
    assert looked_closer(planted, *again.args[1:]).weighed[0].signs.trial.candidate.activation == "silu"


def test_a_user_says_how_many_rows_may_be_looked_at(monkeypatch, tmp_path):
    monkeypatch.setitem(ROWS, False, FEW)
    torch.save(at_rest().state_dict(), tmp_path / "net.pt")
    said = [
        load_model(tmp_path / "net.pt", DIGITS, LoadOptions(scaling="x/16", weighed_rows=most))[0].inferred[
            "activation"
        ]
        for most in (ALL - 1, ALL)
    ]
    assert [one.confidence for one in said] == ["uncertain", "likely"]
    assert said[1].value == "silu"
