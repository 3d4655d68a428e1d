"""Which samples are stored: a hash of index and seed says, whatever the number of samples and their grouping."""

import numpy as np
import pytest

from interp.analysis.components.halves import sample_halves
from interp.analysis.mergeable.draws import second_half
from interp.errors import UsageError
from interp.recording.kept import rule_of, store_of, stored_samples

SIGMAS = 5
"""Standard deviations of a binomial count within which each of some 50 counts lies but once in 30,000 times."""


@pytest.mark.parametrize("share", [0.01, 0.12, 0.5, 0.97])
@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_a_share_is_kept_within_binomial_limits(share, seed):
    count = 50_000
    kept = stored_samples(count, share, seed)
    assert abs(len(kept) - share * count) < SIGMAS * np.sqrt(count * share * (1 - share))
    parts = np.bincount(kept // 5000, minlength=10)  # as many from each tenth of the data
    assert (np.abs(parts - share * 5000) < SIGMAS * np.sqrt(5000 * share * (1 - share))).all()
    assert (np.diff(kept) > 0).all()
    assert kept.dtype.kind == "i"


def test_a_sample_is_kept_or_not_whatever_comes_after_it():
    kept = stored_samples(10_000, 0.1, 3)
    for samples in (100, 4321):
        np.testing.assert_array_equal(stored_samples(samples, 0.1, 3), kept[kept < samples])


def test_a_number_is_the_smallest_of_the_parts_however_they_are_cut():
    """Of the smallest hashes of parts the smallest are those of the whole: a reservoir finds the same."""
    whole = set(stored_samples(3000, 200, 1).tolist())
    assert len(whole) == 200
    for samples in (1000, 2345):
        first = set(stored_samples(samples, 200, 1).tolist())
        assert {sample for sample in whole if sample < samples} <= first


def test_a_larger_share_or_number_holds_the_smaller():
    shares = [set(stored_samples(5000, share, 0).tolist()) for share in (0.05, 0.1, 0.6)]
    numbers = [set(stored_samples(5000, number, 0).tolist()) for number in (1, 80, 900)]
    for found in (shares, numbers):
        assert found[0] < found[1] < found[2]


def test_seeds_keep_other_samples():
    one, two = (stored_samples(20_000, 0.5, seed) for seed in (0, 1))
    assert abs(len(np.intersect1d(one, two)) - 5000) < SIGMAS * np.sqrt(20_000 * 0.25 * 0.75)


@pytest.mark.parametrize("halves", [lambda count: sample_halves(count), lambda count: second_half(np.arange(count))])
def test_what_is_kept_lies_in_both_halves_alike(halves):
    """Were the same bits taken for both, half of the samples would be one half of them, and no fit could be crossed."""
    kept = stored_samples(20_000, 0.5, 0)
    assert abs(halves(20_000)[kept].mean() - 0.5) < SIGMAS * 0.5 / np.sqrt(len(kept))


def test_enough_are_all_and_too_few_are_one():
    assert stored_samples(100, 100, 0) is None
    assert stored_samples(100, 5000, 0) is None
    assert stored_samples(100, True, 0) is None
    assert len(stored_samples(100, 99, 0)) == 99
    assert len(stored_samples(5, 1e-9, 0)) == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        *(("10%", 0.1), ("12.5%", 0.125), (".5", 0.5), ("5000", 5000), ("1", 1), (0.25, 0.25), (7, 7)),
        *(("100%", True), ("all", True), ("1.0", True), (1.0, True), (True, True), (False, False)),
    ],
)
def test_what_can_be_said(given, expected):
    found = store_of(given, "store")
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    "given", ["0%", "200%", "abc", "", "0", "-5", "1.5", "10 %%", "nan", "1e3", 0, -1, 0.0, 1.5, float("nan"), None, ()]
)
def test_what_cannot_is_refused_in_one_line(given):
    with pytest.raises(UsageError, match=r"--store: found .*; expected a share such as 10%, or a number of samples"):
        store_of(given, "--store")


def test_the_rule_says_seed_and_share():
    assert "the seed 3: those below 12 % of its range" in rule_of(0.12, 3)
    assert rule_of(5000, 0).endswith("the seed 0: the 5,000 smallest")
    assert rule_of(True, 0) == ""
