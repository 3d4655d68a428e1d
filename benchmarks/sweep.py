"""325 levels of one layer: blocks behind a cached prefix against a full forward pass a level.

python benchmarks/sweep.py [--data-root FOLDER] [--levels 325] [--plain-levels 12]

The plain side runs fewer levels, spread over the same sweep, and its time is scaled; counts are compared at these.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from perturbed import as_model, finish, parser, pictures, scaled, timed, trained_mlp

from interp.cli import guarded
from interp.interventions import INTERVENTIONS, PUBLISHED, levels, output_ranges, tally


def wanted(count):
    """List (intervention, level), `count` in all."""
    share = [count // 3, count // 3, count - 2 * (count // 3)]
    keys = [(kind, float(level)) for kind, some in zip(PUBLISHED, share, strict=True) for level in levels(kind, some)]
    return keys[:count]


@torch.no_grad()
def plain(module, x, labels, edits):
    """Run the whole network on all rows for every edit, as one would write it."""
    hits = []
    for edit in edits:
        z = module[0](x)
        z = z if edit.before is None else edit.before(z)
        hits.append(int((module[2](module[1](z)).argmax(1) == labels).sum()))
    return hits


def main():
    known = parser(__doc__)
    known.add_argument("--levels", type=int, default=325)
    known.add_argument("--plain-levels", type=int, default=12)
    options = known.parse_args()
    data, source = pictures(options)
    module = trained_mlp(data.train)
    model = as_model(module, (784,))
    x, labels = scaled(model, data.train), torch.from_numpy(data.train.labels)
    found = output_ranges(model, model.layers[0], data.train.inputs)
    edits = [INTERVENTIONS[kind](level, found) for kind, level in wanted(options.levels)]

    def sweep(some=edits, losses=False):
        return tally(model, model.layers[0], some, data.train, losses=losses)

    ours, counted = timed(sweep, warm=lambda: sweep(edits[:1]))
    with_losses, _ = timed(lambda: sweep(losses=True))
    some = np.linspace(0, len(edits) - 1, min(options.plain_levels, len(edits))).astype(int)
    chosen = [edits[i] for i in some]
    seconds, hits = timed(lambda: plain(module, x, labels, chosen), warm=lambda: plain(module, x, labels, chosen[:1]))
    slow = seconds * len(edits) / len(some)
    apart = int(np.abs(counted.hits[some] - hits).sum())
    note = f"{len(some)} levels took {seconds:.2f} s, scaled to {len(edits)}"
    rows = [
        ("plain loop, a pass a level", slow, note),
        ("ours", ours, f"{1000 * ours / len(edits):.1f} ms a level"),
        ("ours, with losses", with_losses, f"{1000 * with_losses / len(edits):.1f} ms a level"),
    ]
    finish("sweep", rows, slow, ours, levels=len(edits), samples=len(x), data=source, counts_apart=apart)


if __name__ == "__main__":
    sys.exit(guarded(main))
