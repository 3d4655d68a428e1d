"""Copies of a network in threads of their own give what the network gives, to the last digit, and leave it alone."""

import threading

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import resnet18

from interp.checkpoints import load_module
from interp.interventions import Edit, ablate
from interp.interventions.engine import executor
from interp.interventions.engine.sites import HookedSite
from interp.interventions.engine.tally import tally
from interp.network import inputs
from interp.network.copies import MOST, at_places, can_copy, copy_of, one_thread
from interp.verdict.attribution.attribute import AttributionOptions, attribute


@pytest.fixture(scope="module")
def given():
    torch.manual_seed(0)
    module = resnet18(num_classes=4).eval()
    x = np.random.default_rng(0).normal(size=(12, 3, 32, 32)).astype(np.float32)
    model, data = load_module(module, (x, np.arange(12) % 4))
    return model, data.train


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_a_copy_shares_weights_and_no_hooks():
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    copy = copy_of(network)
    assert all(a is b for a, b in zip(network.parameters(), copy.parameters(), strict=True))
    assert all(a is b for a, b in zip(network.buffers(), copy.buffers(), strict=True))
    copy[0].register_forward_hook(lambda *_: None)
    assert can_copy(network)
    assert not can_copy(copy)


def test_what_a_users_own_module_does_is_not_known_and_not_copied():
    class Own(nn.Module):
        def forward(self, x):
            return x

    assert not can_copy(nn.Sequential(nn.Linear(2, 2), Own()))


def test_items_come_in_order_from_places_that_no_other_thread_uses():
    both, used = threading.Barrier(2, timeout=30), []

    def work(place, item):
        assert place not in used
        used.append(place)
        if item < 2:
            both.wait()
        found = item, torch.is_grad_enabled(), torch.get_num_threads()
        used.remove(place)
        return found

    with one_thread():
        assert at_places(work, ["here", "there"], range(6)) == [(item, False, 1) for item in range(6)]


@pytest.mark.parametrize("name", ["conv1", "layer2.0.conv1", "layer4.1.conv2"])
def test_counts_and_losses_are_those_of_one_thread_to_the_last_digit(given, threads, name, monkeypatch):
    model, split = given
    layer, copies = model.layer(name), []
    among = HookedSite.among

    def seen(site, count):
        found = among(site, count)
        copies.append(len(found.copies))
        return found

    monkeypatch.setattr(HookedSite, "among", seen)
    edits = [Edit(), *(ablate(node, 0.0) for node in range(7)), Edit()]
    found = {}
    for count in (1, 3):
        threads(count)
        found[count] = tally(model, layer, edits, split)
        assert torch.get_num_threads() == count
    assert copies == [0, 2]
    assert found[1].baseline == found[3].baseline
    for field in ("hits", "gained", "lost", "loss"):
        np.testing.assert_array_equal(getattr(found[1], field), getattr(found[3], field))
    assert (found[3].loss[[0, -1]] == found[3].baseline_loss).all()  # no change, no difference
    assert (found[3].loss[1:-1] != found[3].baseline_loss).any()
    assert not any(part._forward_hooks for part in model.module.modules())


def test_copies_have_the_rows_in_memory_that_one_network_has(given, threads, monkeypatch):
    """Blocks that grow with the threads, on as many copies, would take the square of the threads' number."""
    model, split = given
    monkeypatch.setattr(inputs, "BLOCK", 5)
    blocks, opened = {}, executor.open_block

    def seen(model, site, inputs, scoring, rows):
        blocks.setdefault(count, []).append((rows, len(site.copies)))
        return opened(model, site, inputs, scoring, rows)

    monkeypatch.setattr(executor, "open_block", seen)
    found = {}
    for count in (1, 2, 20):
        threads(count)
        found[count] = tally(model, model.layer("layer4.1.conv2"), [Edit(), ablate(1, 0.0), Edit()], split)
    rows = [slice(0, 5), slice(5, 10), slice(10, 15)]
    assert blocks == {
        1: [(own, 0) for own in rows],
        2: [(own, 1) for own in rows],
        20: [(own, MOST - 1) for own in rows],
    }
    for count in (2, 20):
        np.testing.assert_array_equal(found[1].loss, found[count].loss)
        assert (found[count].loss[[0, -1]] == found[count].baseline_loss).all()


def test_both_ablations_at_once_are_those_of_one_thread(given, threads):
    model, split = given
    few, found = AttributionOptions(samples=6, steps=2, single_nodes=5, repetitions=20), {}
    for count in (1, 2):
        threads(count)
        found[count] = attribute(model, model.layer("layer3.0.conv1"), split, few, np.zeros(256))
    assert np.isfinite(found[2].ablation).sum() == 5
    np.testing.assert_array_equal(found[1].ablation, found[2].ablation)
    np.testing.assert_array_equal(found[1].captum_ablation, found[2].captum_ablation)
    np.testing.assert_allclose(found[2].ablation, found[2].captum_ablation, rtol=1e-4, atol=1e-6)
