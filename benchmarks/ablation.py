"""Silencing each of 128 nodes: rank-1 updates against a full forward pass a node, Captum beside them.

python benchmarks/ablation.py [--data-root FOLDER] [--plain-nodes 12] [--curves]

The plain side and Captum run fewer nodes or rows, and their times are scaled.
"""

from __future__ import annotations

import sys
from importlib.metadata import version

import numpy as np
import torch
from captum.attr import LayerFeatureAblation
from perturbed import as_model, finish, parser, pictures, scaled, timed, trained_mlp

from interp.cli import guarded
from interp.interventions import ablate, clamp_curves, output_ranges, tally


@torch.no_grad()
def plain(module, x, labels, nodes):
    """Run the whole network on all rows for every node, as one would write it."""
    hits = []
    for node in nodes:
        outputs = module[1](module[0](x))
        outputs[:, node] = 0
        hits.append(int((module[2](outputs).argmax(1) == labels).sum()))
    return hits


@torch.no_grad()
def captum(module, x, labels):
    """Ablate every node with Captum; it gives score changes, not counts."""
    groups = torch.arange(128)[None]
    return LayerFeatureAblation(module, module[1]).attribute(x, layer_baselines=0, target=labels, layer_mask=groups)


def main():
    known = parser(__doc__)
    known.add_argument("--plain-nodes", type=int, default=12)
    known.add_argument("--curves", action="store_true", help="clamp curves of every node at 101 levels too")
    known.add_argument("--captum-samples", type=int, default=6000)
    options = known.parse_args()
    data, source = pictures(options)
    module = trained_mlp(data.train)
    model = as_model(module, (784,))
    x, labels = scaled(model, data.train), torch.from_numpy(data.train.labels)
    edits = [ablate(node, 0.0) for node in range(128)]

    def silence(nodes=edits, losses=False):
        return tally(model, model.layers[0], nodes, data.train, losses=losses)

    ours, counted = timed(silence, warm=lambda: silence(edits[:1]))
    with_losses, _ = timed(lambda: silence(losses=True))
    some = np.linspace(0, 127, options.plain_nodes).astype(int)
    seconds, hits = timed(lambda: plain(module, x, labels, some), warm=lambda: plain(module, x, labels, some[:1]))
    slow = seconds * 128 / len(some)
    fewer = min(options.captum_samples, len(x))
    peer, _ = timed(lambda: captum(module, x[:fewer], labels[:fewer]))
    peer *= len(x) / fewer
    rows = [
        ("plain loop, a pass a node", slow, f"{len(some)} nodes took {seconds:.2f} s, scaled to 128"),
        (f"Captum {version('captum')}", peer, f"LayerFeatureAblation on {fewer:,} rows, scaled to {len(x):,}"),
        ("ours", ours, f"{1000 * ours / 128:.2f} ms a node"),
        ("ours, with losses", with_losses, f"{1000 * with_losses / 128:.2f} ms a node"),
    ]
    if options.curves:
        found = output_ranges(model, model.layers[0], data.train.inputs)
        curves, table = timed(lambda: clamp_curves(model, model.layers[0], data.train, found))
        rows.append(("ours, both clamp curves", curves, f"{len(table):,} evaluations, with losses"))
    apart = int(np.abs(counted.hits[some] - hits).sum())
    facts = {"nodes": 128, "samples": len(x), "data": source, "counts_apart": apart, "captum_seconds": peer}
    finish("ablation", rows, slow, ours, **facts)


if __name__ == "__main__":
    sys.exit(guarded(main))
