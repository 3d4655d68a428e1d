"""The whole way, on planted networks of seeds that belong to nobody else."""

import pytest

from interp.verdict.reading.noise import NoiseOptions
from interp.verdict.reading.profile import ProfileOptions, read_chain
from interp.verdict.reading.rule import Rule
from zoo.planted.data.mixtures import MixtureSetup, gaussian_mixture
from zoo.planted.families import Wish, plant
from zoo.planted.planted import ends

SETUP = MixtureSetup(dimension=8, classes=6, train=500, test=300)
WISH = Wish(gaussian_mixture(SETUP, seed=2_000), (36,))
OPTIONS = ProfileOptions(NoiseOptions(ends_only=True))


def read(family, wish=WISH, options=OPTIONS, seed=2_000):
    made = plant(family, seed, wish)
    return made, read_chain(made.network, ends(made.network), made.data.test[0], made.data.train[0], options)


@pytest.mark.parametrize("family", ["l1-mahalanobis", "relu-pairs", "templates", "untrained", "batch-norm"])
def test_what_was_planted_is_found(family):
    made, found = read(family)
    assert {name: layer.leaning for name, layer in found.items()} == dict(made.truth)


def test_layers_of_a_deep_network_are_told_apart():
    made, found = read("l1-mahalanobis", Wish(WISH.data, (36, 30)), seed=2_002)
    assert dict(made.truth) == {"hidden1": "distances", "hidden2": "intensities"}
    assert {name: layer.leaning for name, layer in found.items()} == dict(made.truth)
    assert found["hidden1"].copies["fresh"].curve.balance.shape == (199,)


def test_few_copies_leave_it_undecided():
    _, found = read("templates", options=ProfileOptions(OPTIONS.noise, copies=20))
    assert found["hidden1"].leaning == "undecided"
    _, found = read("templates", options=ProfileOptions(OPTIONS.noise, Rule(copies=20, alpha=0.1), copies=20))
    assert found["hidden1"].leaning == "intensities"


def test_the_same_seed_gives_the_same_numbers_and_another_one_other_copies():
    one, two, other = (
        read("templates", options=ProfileOptions(OPTIONS.noise, copies=20, seed=seed))[1]["hidden1"]
        for seed in (0, 0, 50)
    )
    assert one.p_value == two.p_value
    assert one.balance == two.balance == other.balance
    for kind in ("shuffled", "fresh"):
        assert (one.copies[kind].curve.balance == two.copies[kind].curve.balance).all()
        assert (one.copies[kind].curve.balance != other.copies[kind].curve.balance).any()


def test_levels_tell_the_trained_from_its_copies():
    _, found = read("trained", options=ProfileOptions(OPTIONS.noise, copies=40, levels=True))
    layer = found["hidden1"]
    assert layer.given.levels.kept[0] > layer.copies["shuffled"].levels.kept.max()
