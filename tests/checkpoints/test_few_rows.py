"""How well a draft does on some rows: scores, and losses of logits of the size that fits best."""

import gc
from dataclasses import replace
from weakref import ref

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from checkpoints.planted import DIGITS
from interp.checkpoints import LoadOptions
from interp.checkpoints.drafts.choose import draft
from interp.checkpoints.drafts.request import Request
from interp.checkpoints.few_rows import SIZES, done_by, few_rows, is_poor, score_of, scores_of_rows, skill_at, skill_of
from interp.checkpoints.formats.contents import Contents


def drafted(factor=1.0, data=DIGITS):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 10))
    x, y = torch.from_numpy(DIGITS.train.inputs).float() / 16, torch.from_numpy(DIGITS.train.labels)
    optimiser = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(60):
        optimiser.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimiser.step()
    with torch.no_grad():
        net[2].weight *= factor
        net[2].bias *= factor
    contents = Contents({}, "module", module=net.eval())
    return draft(Request("net", contents, data, LoadOptions(scaling="x/16"))), net, x, y


@pytest.mark.parametrize("factor", [1.0, 200.0, 0.25])
def test_losses_are_of_logits_of_the_best_size(factor):
    """Beside torch's own at every size of the grid; a network with other logits of the same direction has the same."""
    found, net, x, y = drafted(factor)
    done = done_by(found)
    with torch.no_grad():
        every = [F.cross_entropy(size * net(x), y, reduction="none").double().numpy() for size in SIZES]
        right = (net(x).argmax(1) == y).numpy()
    np.testing.assert_allclose(done.losses, min(every, key=lambda one: one.mean()), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(done.scores, right)
    best = done_by(drafted()[0]).losses.mean()
    assert done.losses.mean() == pytest.approx(best, rel=0.05)  # the grid has steps of a factor of the root of 2


def test_scores_of_rows_are_those_of_the_rows_that_are_drawn():
    found, *_ = drafted()
    few = few_rows(DIGITS, 300)
    assert len(few.train) == 300
    np.testing.assert_array_equal(scores_of_rows(replace(found, data=few)), done_by(replace(found, data=few)).scores)
    assert skill_of(found) == skill_at(found, float(scores_of_rows(found).mean()))


def test_a_draft_runs_once_and_is_not_kept():
    found, net, *_ = drafted()
    runs = []
    net.register_forward_hook(lambda *_: runs.append(1))
    assert not is_poor(found)
    once = len(runs)
    assert once
    assert skill_of(found) > score_of(found) - 0.1
    assert not is_poor(found)
    assert len(runs) == once
    score_of(replace(found, data=few_rows(DIGITS, 300)))
    assert len(runs) > once, "other rows are another draft"
    known = ref(found)
    del found
    gc.collect()
    assert known() is None
