"""Small text classifiers, trained for this and opened from their tensors alone: how often what is said is right.

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

from tests.checkpoints.inference.text.networks import Bag, TextCnn, sentences, trained

READOUTS = {"mean": "mean over steps", "sum": "sum over steps", "max": "maximum over steps"}
EDGES = {
    "none": "not padded",
    "same": "padded to the same length",
    "half": "padded by half their width",
    "full": "padded by their width less one",
}
WIDTHS = ((2, 3), (2, 3, 4), (3,), (3, 4), (1, 2, 3))


def drawn(seed: int):
    """Train one network: its kind, itself, its data and the truth of each fact."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)

    def pick(*values):
        return values[int(rng.integers(len(values)))]

    said = {"epochs": pick(10, 25, 60), "rate": pick(0.003, 0.01, 0.02), "falls": rng.random() < 0.7}
    said["decay"] = pick(0.0, 0.0, 0.1)
    samples, hidden = pick(400, 1000, 2500), pick(0, 0, 10)
    if seed % 2:
        data = sentences(seed, samples)
        network, truth = _bag(pick, hidden)
        kind = "bag of tokens"
    else:
        data = sentences(seed, samples, phrases=pick(True, True, False))
        network, truth = _convolutions(pick, hidden, rng)
        usual = set(truth.values()) - {truth["order"]} == {"maximum over steps", "read on", "relu", "not padded"}
        kind = "the usual convolutions" if usual else "other convolutions"
    trained(network, *data, **said)
    return kind, network, dict(zip(("x", "y", "lengths"), data, strict=True)), truth


def _bag(pick, hidden):
    readout, active, left_out = pick("mean", "sum", "max"), pick("relu", "tanh"), pick(True, False)
    network = Bag(readout, hidden, active, left_out, pick(True, False), pick(8, 16, 32), pick(0.0, 0.0, 0.3))
    return network, {
        "readout": READOUTS[readout],
        "padding": "left out" if left_out else "read on",
        "activation": active if hidden else "identity",
    }


def _convolutions(pick, hidden, rng):
    widths, readout = WIDTHS[int(rng.integers(len(WIDTHS)))], pick("max", "max", "max", "mean")
    active, edges = (
        pick("relu", "relu", "relu", "tanh", "identity"),
        pick("none", "none", "none", "same", "half", "full"),
    )
    order = tuple(rng.permutation(len(widths)).tolist()) if rng.random() < 0.25 else tuple(range(len(widths)))
    between, left_out, is_zero = pick("relu", "tanh"), bool(rng.random() < 0.25), pick(True, False)
    network = TextCnn(
        widths, pick(4, 8, 16), pick(True, False), readout, active, edges, order, hidden, between, left_out, is_zero,
        pick(8, 16), pick(0.0, 0.5),
    )  # fmt: skip
    edges = "same" if edges == "half" and all(width % 2 for width in widths) else edges
    return network, {
        "readout": READOUTS[readout],
        "padding": "left out" if left_out else "read on",
        "activation": active,
        "convolutions": EDGES[edges],
        "order": ", ".join(f"convs.{place}" for place in order),
        **({"dense_activation": between} if hidden else {}),
    }


def judged(seed: int, folder: str) -> dict[str, str]:
    """Open one network, and say of each fact whether it is right, and of all whether its outputs are the module's."""
    kind, network, data, truth = drawn(seed)
    path = Path(folder, "net.pt")
    torch.save(network.state_dict(), path)
    model, loaded = load_model(path, data, LoadOptions())
    found = {"kind": kind}
    for fact, own in truth.items():
        said = model.inferred[fact]
        others = said.evidence.rpartition("not told apart: ")[2].split(";")[0]
        named = said.confidence == "uncertain" and (own in others if fact == "order" else own in others.split(", "))
        firm = "likely" if said.confidence != "uncertain" else "uncertain"
        found[fact] = "named" if named and said.value != own else f"{'right' if said.value == own else 'wrong'}, {firm}"
    with torch.no_grad():
        wanted = network(torch.from_numpy(data["x"]), torch.from_numpy(data["lengths"]))
        given = model.module(torch.from_numpy(loaded.train.inputs).float())
    found["outputs"] = (
        "equal" if torch.allclose(given, wanted, atol=1e-5 * (1 + float(wanted.abs().max()))) else "other"
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
    counts: dict[str, dict[str, Counter[str]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(said.first_seed, said.first_seed + said.networks):
            found = dict(done.get(seed) or judged(seed, folder))
            if said.log and seed not in done:
                with said.log.open("a") as log:
                    print(json.dumps({"seed": seed, **found}), file=log)
            own = counts.setdefault(found.pop("kind"), {})
            for fact, verdict in found.items():
                own.setdefault(fact, Counter())[verdict] += 1
    print(json.dumps(counts))


if __name__ == "__main__":
    sys.exit(guarded(main))
