"""A loaded network in, the reading profile of its layers out."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from interp.network.inputs import outputs_on
from interp.types import Array, Dataset, LoadedModel, NodeLayer, ReadingProfile
from interp.types.parts import Keep, made_now
from interp.verdict.reading.levels import CUTS, LEVELS, Levels
from interp.verdict.reading.measure import Measured
from interp.verdict.reading.networks.subject import subject
from interp.verdict.reading.noise import NoiseOptions
from interp.verdict.reading.options import ReadingOptions
from interp.verdict.reading.profile import LayerReading, ProfileOptions, read_network
from interp.verdict.reading.significance import Null

PARTS = NoiseOptions().parts
LEAST_SAMPLES = 4 * PARTS
"""Least number of samples that a layer is read on: noise needs some in each part of the ranks, levels in each half."""
NORM_ROWS = 500
"""Number of training samples that the norms of fresh copies measure their statistics on."""


def drawn(data: Dataset, most: int, seed: int) -> tuple[str, Array, Array]:
    """Draw samples that chose nothing: of the test split, or of one half of the only one.

    Returns
    -------
    split
        Name of the split, with what part of it.
    rows
        Inputs to read on, (S, D).
    others
        Training inputs that are none of them.
    """
    rng = np.random.default_rng(seed)
    if "test" in data.splits:
        inputs, train = data.splits["test"].inputs, data.train.inputs
        others = train[np.sort(rng.permutation(len(train))[:NORM_ROWS])]
        return "test", inputs[rng.permutation(len(inputs))[:most]], others
    order = rng.permutation(len(data.train))
    inputs, half = data.train.inputs, unseen(data)
    return "train, one half", inputs[order[:half][:most]], inputs[order[half:][:NORM_ROWS]]


def unseen(data: Dataset) -> int:
    """Count the samples that chose nothing: those of the test split, or of one half of the only one."""
    return len(data.splits["test"]) if "test" in data.splits else max(len(data.train) // 2, 1)


def read_layers(
    model: LoadedModel,
    data: Dataset,
    layers: Sequence[NodeLayer],
    samples: int,
    options: ReadingOptions = ReadingOptions(),
    keep: Keep = made_now,
) -> dict[str, ReadingProfile]:
    """Read layers of a network beside its copies.

    Parameters
    ----------
    model
        Network whose layers are read.
    data
        Data set that it is read on.
    layers
        Hidden layers, in network order.
    samples
        Largest number of samples.
    options
        Number of copies, and the seed.
    keep
        Function that gives each part of what is measured: kept from before an interrupt, or measured now.

    Examples
    --------
    >>> import torch
    >>> from interp.checkpoints import load_module
    >>> network = torch.nn.Sequential(torch.nn.Linear(64, 8), torch.nn.ReLU(), torch.nn.Linear(8, 10))
    >>> model, data = load_module(network, "digits")
    >>> found = read_layers(model, data, model.layers[:1], 40, ReadingOptions(read_copies=3))
    >>> found["0"].copied_balance["shuffled"].shape
    (3,)
    """
    split, rows, others = drawn(data, samples, options.seed)
    made = subject(model, layers, rows, others)
    asked = ProfileOptions(copies=options.read_copies, levels=True, seed=options.seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "There is a performance drop")  # of vmap, for a rare operation
        found = read_network(made.network, made.cut, made.inputs, made.norm_inputs, asked, keep)
    outputs = int(outputs_on(model, rows[:1]).shape[1])
    return {name: profile_of(read, split, len(rows), unseen(data), outputs) for name, read in found.items()}


def profile_of(found: LayerReading, split: str, samples: int, of: int, outputs: int) -> ReadingProfile:
    """Put what was measured of a layer down, with its copies'."""
    given, copies = found.given, found.copies
    levels = given.levels
    assert levels is not None
    shares = {kind: _central(one.curve.shares) for kind, one in copies.items()}
    kept = {kind: _central(_levels(one).kept_levels) for kind, one in copies.items()}
    most = max(len(one.curve.balance) for one in copies.values())
    return ReadingProfile(
        skipped="",
        split=split,
        samples=samples,
        of=of,
        logits=outputs,
        balance=found.balance,
        reached=float(given.curve.reached[0]),
        copied_balance={kind: _padded(one.curve.balance, most) for kind, one in copies.items()},
        curve=given.curve.shares[0],
        flipped=given.curve.flipped[0],
        curve_low={kind: ends[0] for kind, ends in shares.items()},
        curve_high={kind: ends[1] for kind, ends in shares.items()},
        cuts=levels.cuts,
        kept_at=levels.kept_at[0],
        best_cut=float(levels.best_cut[0]),
        kept=float(levels.kept[0]),
        copied_kept={kind: _levels(one).kept for kind, one in copies.items()},
        levels=levels.levels,
        kept_levels=levels.kept_levels[0],
        kept_levels_low={kind: ends[0] for kind, ends in kept.items()},
        kept_levels_high={kind: ends[1] for kind, ends in kept.items()},
        needed=float(levels.needed()[0]),
        copied_needed={kind: _levels(one).needed() for kind, one in copies.items()},
    )


def _levels(found: Measured) -> Levels:
    assert found.levels is not None
    return found.levels


def _central(values: Array) -> Array:
    """Give the central 95 % over copies, (M, A) -> (2, A); NaN where no copy has a value."""
    columns = [Null("", column).central for column in values.T]
    return np.array(columns).T


def _padded(values: Array, length: int) -> Array:
    return np.concatenate([values, np.full(length - len(values), np.nan)])


def too_few(data: Dataset) -> str:
    """Say why a data set has too few samples to read on, or nothing where it has enough."""
    have = unseen(data)
    return f"{have:,} samples that chose nothing; it takes {LEAST_SAMPLES}" if have < LEAST_SAMPLES else ""


def not_read(why: str) -> ReadingProfile:
    """Give the profile of a layer that was not read."""
    nothing, none = np.full(PARTS, np.nan), float("nan")
    empty: Mapping[str, Array] = {}
    return ReadingProfile(
        skipped=why,
        split="",
        samples=0,
        of=0,
        logits=0,
        balance=none,
        reached=none,
        copied_balance=empty,
        curve=nothing,
        flipped=nothing,
        curve_low=empty,
        curve_high=empty,
        cuts=np.array(CUTS),
        kept_at=np.full(len(CUTS), np.nan),
        best_cut=none,
        kept=none,
        copied_kept=empty,
        levels=np.array(LEVELS, float),
        kept_levels=np.full(len(LEVELS), np.nan),
        kept_levels_low=empty,
        kept_levels_high=empty,
        needed=none,
        copied_needed=empty,
    )
