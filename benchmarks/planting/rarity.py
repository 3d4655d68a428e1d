"""Whether a network reads whichever state of a node is rare, or whichever says more.

A node that is small on m of K classes and large on the others, read with one weight on those m, is under argmax the
same as one that is large on the K - m others, read with the opposite weight: the two differ by a constant for all
classes. Only which state singles out fewer classes is left. The winner and the next class are told apart by a node that
is small on the winner with probability (K - m) / (K - 1), by one that is large on it with m / (K - 1); for independent
noise S = 1 - 2 m / K. How rare the state is among samples has no part in this, nor has the skewness of the outputs.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from scipy import stats

from interp.verdict.reading.networks.copies import stack
from interp.verdict.reading.noise import NoiseOptions, rank_noise
from zoo.planted.families import plant
from zoo.planted.planted import ends

NODES, SAMPLES = 60, 3000


def coded(classes: int, small_on: int, seed: int, favourite: float | None = None) -> tuple:
    """Make a layer of two-state nodes that are small on `small_on` of the classes, and what follows it.

    With `favourite`, that share of the samples is of class 0 and the other classes share the rest; all nodes are then
    small on class 0 among others, so that small is common however few classes it stands for.
    """
    rng = np.random.default_rng(seed)
    codes = np.array([rng.permutation(classes) < small_on for _ in range(NODES)])
    if favourite is not None:
        codes = np.array([row if row[0] else np.roll(row, -int(np.flatnonzero(row)[0])) for row in codes])
    shares = np.full(classes, 1 / classes)
    if favourite is not None:
        shares = np.array([favourite, *[(1 - favourite) / (classes - 1)] * (classes - 1)])
    labels = rng.choice(classes, SAMPLES, p=shares)
    small = codes[:, labels].T
    outputs = np.where(small, 0.2 * rng.random(small.shape), 1 + 0.2 * rng.random(small.shape))
    weight = torch.tensor(-codes.astype(np.float32))
    half = 0.6 * torch.tensor(codes.sum(0, dtype=np.float32))  # so that a class wins where most of its nodes are small
    return (lambda a: a @ weight + half), torch.tensor(outputs[None], dtype=torch.float32)


def measured(following, outputs, share: float = 0.2) -> float:
    """Give S with `share` of the ranks at either end."""
    parts = round(2 / share)
    return float(rank_noise(following, outputs, NoiseOptions(parts=parts, ends_only=True)).balance[0])


def bent(following, outputs, sign: float) -> tuple:
    """Replace outputs by a growing function of them, undone in what follows: same ranks, same network, other skewness.

    ``exp`` of standardised values stretches the upper end, ``-exp(-...)`` the lower.
    """
    mean, spread = outputs.mean(1, keepdim=True), outputs.std(1, keepdim=True).clamp(min=1e-6)
    new = sign * (sign * (outputs - mean) / spread).exp()

    def undone(changed: torch.Tensor) -> torch.Tensor:
        return following(sign * (sign * changed).clamp(min=1e-3).log() * spread + mean)

    return undone, new


def skewness(outputs: torch.Tensor) -> float:
    """Give the mean skewness of the nodes that vary, of outputs (1, S, N)."""
    centred = outputs[0] - outputs[0].mean(0)
    spread = centred.square().mean(0).sqrt()
    live = spread > 1e-6
    return float(((centred[:, live] / spread[live]) ** 3).mean())


def network_rows(families: tuple[str, ...], seeds: range) -> pd.DataFrame:
    """Read every layer of dense planted networks as it is, and bent both ways."""
    rows = []
    for family in families:
        for seed in seeds:
            made = plant(family, seed)
            inputs = made.data.test[0][:400]
            if inputs.dim() > 2:
                continue
            copies = stack([made.network])
            for name, end in ends(made.network).items():
                following, outputs = copies.after(end), copies.until(end, inputs)
                row = {"family": family, "truth": made.truth[name], "last": name == list(made.truth)[-1]}
                row |= {"activation": made.setup["activation"], "S": measured(following, outputs)}
                row |= {"skewness": skewness(outputs), "active": float((outputs > 1e-6).float().mean())}
                for way, sign in (("up", 1.0), ("down", -1.0)):
                    undone, new = bent(following, outputs, sign)
                    row |= {f"S {way}": measured(undone, new), f"skewness {way}": skewness(new)}
                rows.append(row)
    return pd.DataFrame(rows)


def tell_networks() -> None:
    """Print how S goes with skewness and activity, and what bending does to it."""
    rows = network_rows(("l1-mahalanobis", "relu-pairs", "templates", "positive-read-out", "trained"), range(500, 525))
    trained, planted = rows[rows["family"] == "trained"], rows[rows["truth"].isin(["distances", "intensities"])]
    print(f"{len(trained)} layers of trained networks, Spearman's correlation of S with")
    for column in ("skewness", "active"):
        for last, some in trained.groupby("last"):
            found = stats.spearmanr(some["S"], some[column])
            where = "last hidden layers" if last else "layers before"
            print(f"  {column:9} {where:18} {found.statistic:+.2f} (p {found.pvalue:.2g}, {len(some)})")
    print("median S and skewness of trained layers")
    print(trained.groupby(["activation", "last"])[["S", "skewness", "active"]].median().round(2).to_string())
    print("planted layers, as they are and with their outputs bent: median skewness, median S, sign of S kept")
    for truth, some in planted.groupby("truth"):
        for way in ("", " up", " down"):
            kept = float((np.sign(some[f"S{way}"]) == np.sign(some["S"])).mean())
            middle = some[[f"skewness{way}", f"S{way}"]].median()
            print(
                f"  {truth:12}{way or ' as is':7} {middle.iloc[0]:+.2f} {middle.iloc[1]:+.2f} {kept:.0%} of {len(some)}"
            )
    right = np.where(planted["truth"] == "distances", 1, -1)
    by_s, by_skewness = (float(np.mean(np.sign(x) == right)) for x in (planted["S"], -planted["skewness"]))
    print(f"  the sign of S is that of the truth in {by_s:.0%}, the opposite of the skewness' in {by_skewness:.0%}")


def main() -> None:
    print("two-state nodes, K = 10, balanced classes: S beside 1 - 2 m / K")
    for small_on in range(1, 10):
        found = [measured(*coded(10, small_on, seed)) for seed in range(5)]
        print(f"  small on {small_on} of 10   S {np.mean(found):+.2f}   1 - 2m/K {1 - small_on / 5:+.2f}")
    print("small on class 0 alone, which most samples have: the small state is common and says most")
    for favourite in (0.1, 0.3, 0.5, 0.7, 0.85):
        found, skewed = [], []
        for seed in range(5):
            following, outputs = coded(10, 1, seed, favourite)
            found.append(measured(following, outputs))
            centred = outputs[0] - outputs[0].mean(0)
            skewed.append(float((centred**3).mean() / (centred**2).mean() ** 1.5))
        print(f"  small on {favourite:.0%} of samples   S {np.mean(found):+.2f}   skewness {np.mean(skewed):+.2f}")

    tell_networks()


if __name__ == "__main__":
    main()
