"""Silencing each of 128 nodes: rank-1 updates against a full forward pass a node, Captum beside them.

python benchmarks/ablation.py [--data-root FOLDER] [--plain-nodes 12] [--curves]

The plain side and Captum run fewer nodes or rows, and their times are scaled.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version

import numpy as np
import torch
from captum.attr import LayerFeatureAblation
from perturbed import as_model, finish, pictures, ranges, scaled, timed, trained_mlp

from interp.interventions import ablate, clamp_curves, tally


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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root")
    parser.add_argument("--synthetic", action="store_true")
    parser.add_argument("--plain-nodes", type=int, default=12)
    parser.add_argument("--curves", action="store_true", help="clamp curves of every node at 101 levels too")
    parser.add_argument("--captum-samples", type=int, default=6000)
    options = parser.parse_args()
    data, source = pictures(options.data_root, options.synthetic)
    module = trained_mlp(data.train)
    model = as_model(module, (784,))
    x, labels = scaled(model, data.train), torch.from_numpy(data.train.labels)
    edits = [ablate(node, 0.0) for node in range(128)]
    ours, counted = timed(lambda: tally(model, model.layers[0], edits, data.train, losses=False))
    with_losses, _ = timed(lambda: tally(model, model.layers[0], edits, data.train))
    some = np.linspace(0, 127, options.plain_nodes).astype(int)
    seconds, hits = timed(lambda: plain(module, x, labels, some))
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
        found = ranges(module, x)
        curves, table = timed(lambda: clamp_curves(model, model.layers[0], data.train, found))
        rows.append(("ours, both clamp curves", curves, f"{len(table):,} evaluations, with losses"))
    apart = int(np.abs(counted.hits[some] - hits).sum())
    facts = {"nodes": 128, "samples": len(x), "data": source, "counts_apart": apart, "captum_seconds": peer}
    finish("ablation", rows, slow, ours, **facts)


if __name__ == "__main__":
    main()
