"""Small networks with attention, trained for this and opened from their tensors alone: how often what is said is right.

Each is opened by its bare state dict with its training rows. A fact is right where its value is the network's own, or
where it is uncertain with that among the values not told apart; it is wrong and likely where another is called likely.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from interp.checkpoints import LoadOptions, load_model
from interp.cli import guarded

sys.path.insert(0, str(Path(__file__).parents[1]))  # a program's own folder is there, and not that of the tests

from tests.checkpoints.inference.attention.networks import Series, Words, series, tokens, trained

FACTS = ("heads", "norms", "activation", "readout", "positions")


def drawn(seed: int):
    """Train one network: its tensors, data and the truth of each fact."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    heads, depth = int(rng.choice([1, 2, 4, 8])), int(rng.integers(1, 3))
    if seed % 3 == 0:
        x, y = series()
        network = trained(Series(heads, bool(rng.integers(2)), depth), x=x, y=y)
        return network, {"x": x, "y": y}, (str(heads), "before (pre-norm)", "gelu", "first step", "stored")
    readout, before, active = str(rng.choice(["mean", "max"])), bool(rng.integers(2)), str(rng.choice(["relu", "gelu"]))
    stored = bool(rng.integers(2))
    x, y, lengths = tokens()
    network = trained(Words(heads, depth, readout, stored, before, active), x=x, y=y, lengths=lengths)
    truth = (
        str(heads), "before (pre-norm)" if before else "behind (post-norm)", active,
        "mean over steps" if readout == "mean" else "maximum over steps", "stored" if stored else "none",
    )  # fmt: skip
    return network, {"x": x, "y": y, "lengths": lengths}, truth


def judged(seed: int, folder: str) -> dict[str, str]:
    """Open one network, and say of each fact whether it is right."""
    network, data, truth = drawn(seed)
    path = Path(folder, "net.pt")
    torch.save(network.state_dict(), path)
    model, _ = load_model(path, data, LoadOptions(scaling="raw"))
    found = {}
    for fact, own in zip(FACTS, truth, strict=True):
        said = model.inferred[fact]
        named = said.value == own or own in said.evidence.rpartition("not told apart")[2].split(";")[0]
        firm = said.confidence != "uncertain"
        found[fact] = ("right and " if said.value == own else "named, " if named else "wrong and ") + (
            "likely" if firm else "uncertain"
        )
    return found


def main():
    """Judge all networks, one line of the log each, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=60)
    parser.add_argument("--first-seed", type=int, default=1000)
    parser.add_argument("--log", type=Path, help="file of lines to add to; networks that it has are not trained again")
    said = parser.parse_args()
    lines = said.log.read_text().splitlines() if said.log and said.log.exists() else []
    done = {row.pop("seed"): row for row in map(json.loads, lines)}
    counts: dict[str, Counter[str]] = {fact: Counter() for fact in FACTS}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(said.first_seed, said.first_seed + said.networks):
            found = done.get(seed) or judged(seed, folder)
            for fact, verdict in found.items():
                counts[fact][verdict] += 1
            if said.log and seed not in done:
                with said.log.open("a") as log:
                    print(json.dumps({"seed": seed, **found}), file=log)
            print(seed - said.first_seed + 1, json.dumps(counts), flush=True)


if __name__ == "__main__":
    sys.exit(guarded(main))
