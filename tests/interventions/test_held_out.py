"""Single nodes are tested on samples that the network has not seen."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from claims import learned, noise
from small_networks import loaded

from interp.interventions import InterventionOptions, Ranges, intervene
from interp.interventions.readouts.held_out import node_splits
from interp.types import Dataset

PLAIN = InterventionOptions(levels=1, interventions=("scale",), curve_levels=0, control_samples=0)


def silenced(net, splits, options=PLAIN):
    model = loaded(net, (16,))
    with torch.no_grad():
        outputs = net[1](net[0](torch.from_numpy(splits["train"].inputs))).numpy()
    ranges, means = {"0": Ranges(outputs.min(0), outputs.max(0))}, {"0": outputs.mean(0)}
    return intervene(model, Dataset("noise", splits, None, (), (), "d"), ranges, means, replace(options, layers=("0",)))


def test_nodes_of_a_network_that_learned_noise_matter_in_training_and_nowhere_else():
    trained, alarms = [], []
    for seed in range(6):
        splits = {
            "train": noise(np.random.default_rng(seed), 700),
            "test": noise(np.random.default_rng(100 + seed), 1500),
        }
        effects = silenced(learned(splits["train"], seed), splits)
        assert effects.baseline["train"] > 0.7
        trained.append((effects.training_nodes["q_value"] < 0.05).mean())
        alarms.append((effects.tested_nodes["q_value"] < 0.05).any())
    assert np.mean(trained) > 0.2
    assert sum(alarms) <= 2, "each network has a discovery with a chance of 5 % at most"


def test_what_is_tested_is_the_test_split():
    splits = {"train": noise(np.random.default_rng(0), 120), "test": noise(np.random.default_rng(1), 70)}
    effects = silenced(learned(splits["train"], 0), splits)
    assert set(effects.tested_nodes["split"]) == {"test"}
    assert set(effects.tested_nodes["samples"]) == {70}
    assert set(effects.training_nodes["split"]) == {"train"}
    assert len(effects.tested_nodes) == len(effects.training_nodes) == 48


def test_without_a_test_split_a_half_is_tested_and_says_so():
    splits = {"train": noise(np.random.default_rng(0), 121)}
    effects = silenced(learned(splits["train"], 0), splits, replace(PLAIN, seed=7))
    assert set(effects.tested_nodes["split"]) == {"train, tested half (seed 7)"}
    assert set(effects.tested_nodes["samples"]) == {60}
    assert set(effects.training_nodes["samples"]) == {61}
    first, second = node_splits(splits, 7).values()
    together = np.concatenate([first.inputs, second.inputs])
    assert len(np.unique(together, axis=0)) == 121, "no sample is in both"
    again = node_splits(splits, 8)["train, tested half (seed 8)"]
    assert not np.array_equal(again.inputs, first.inputs)


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_very_few_samples(samples):
    splits = node_splits({"train": noise(np.random.default_rng(0), samples)}, 0)
    assert sum(len(split) for split in splits.values()) == samples
    assert all(len(split) for split in splits.values())
