"""60 levels of each of LeNet's five layers: what precedes a layer runs once, against a full forward pass a level.

python benchmarks/lenet_sweep.py [--data-root FOLDER] [--samples 10000] [--levels 60] [--plain-levels 4]

The plain side runs fewer levels of each layer, and its time is scaled; counts are compared at these.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from perturbed import as_model, finish, parser, pictures, scaled, timed
from sweep import wanted

from interp.cli import guarded
from interp.interventions import INTERVENTIONS, output_ranges, tally
from interp.network.hooks import edit
from interp.types import Split
from zoo.architectures import build


@torch.no_grad()
def plain(model, layer, x, labels, edits):
    """Run the whole network on all rows for every edit, a thousand at a time."""
    hits = []
    for one in edits:
        with edit(model.module, layer, one.before, one.after):
            guesses = [model.module(rows).argmax(1) for rows in x.split(1000)]
        hits.append(int((torch.cat(guesses) == labels).sum()))
    return hits


def main():
    known = parser(__doc__)
    known.add_argument("--samples", type=int, default=10_000)
    known.add_argument("--levels", type=int, default=60)
    known.add_argument("--plain-levels", type=int, default=4)
    options = known.parse_args()
    data, source = pictures(options)
    split = Split(data.train.inputs[: options.samples], data.train.labels[: options.samples])
    torch.manual_seed(0)
    module = build("lenet").eval().requires_grad_(False)
    model = as_model(module, (1, 28, 28))
    x, labels = scaled(model, split), torch.from_numpy(split.labels)
    some = np.linspace(0, options.levels - 1, options.plain_levels).astype(int)
    ours = slow = apart = 0.0
    rows = []
    for layer in model.layers:
        found = output_ranges(model, layer, split.inputs)
        edits = [INTERVENTIONS[kind](level, found) for kind, level in wanted(options.levels)]
        quick, counted = timed(lambda: tally(model, layer, edits, split, losses=False))  # noqa: B023
        seconds, hits = timed(lambda: plain(model, layer, x, labels, [edits[i] for i in some]))  # noqa: B023
        ours, slow = ours + quick, slow + seconds * len(edits) / len(some)
        apart += int(np.abs(counted.hits[some] - hits).sum())
        rows.append((f"ours, {layer.name}", quick, f"plain loop {seconds * len(edits) / len(some):.2f} s"))
    rows += [("plain loop, a pass a level", slow, f"{len(some)} levels a layer, scaled"), ("ours", ours, "all layers")]
    finish("lenet_sweep", rows, slow, ours, levels=options.levels, samples=len(x), data=source, counts_apart=apart)


if __name__ == "__main__":
    sys.exit(guarded(main))
