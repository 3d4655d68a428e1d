"""1D mixtures with K <= 5 chosen by BIC for 128 nodes: ours against scikit-learn's GaussianMixture a node.

OMP_WAIT_POLICY=passive python benchmarks/mixture.py [--data-root FOLDER] [--plain-nodes 3]

The plain side fits fewer nodes, and its time is scaled.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from perturbed import as_model, finish, parser, pictures, scaled, timed, trained_mlp
from sklearn.mixture import GaussianMixture

from interp.analysis import GaussianOptions, fit_gaussians
from interp.cli import guarded


def plain(z, nodes):
    """Fit 1 to 5 components to each node and keep the number with the least BIC."""
    bics = []
    for node in nodes:
        values = z[:, [node]].astype(np.float64)
        bics.append([GaussianMixture(k, random_state=0).fit(values).bic(values) for k in range(1, 6)])
    return np.array(bics)


def main():
    known = parser(__doc__)
    known.add_argument("--plain-nodes", type=int, default=3)
    options = known.parse_args()
    data, source = pictures(options)
    module = trained_mlp(data.train)
    with torch.no_grad():
        z = module[0](scaled(as_model(module, (784,)), data.train)).numpy()
    once = GaussianOptions(crossed=False)  # the halves are fits beside this one, which the plain side does not make
    ours, fit = timed(lambda: fit_gaussians(z, data.train.labels, once))
    some = np.linspace(0, z.shape[1] - 1, options.plain_nodes).astype(int)
    seconds, bics = timed(lambda: plain(z, some))
    slow = seconds * z.shape[1] / len(some)
    worse = (np.nanmin(fit.bic[some], axis=1) - bics.min(axis=1)) / (2 * len(z))
    rows = [
        ("scikit-learn, node by node", slow, f"{len(some)} nodes took {seconds:.1f} s, scaled to {z.shape[1]}"),
        ("ours, with moments and KS", ours, f"all {z.shape[1]} nodes; nats a sample worse: {worse.max():.5f}"),
    ]
    finish("mixture", rows, slow, ours, nodes=z.shape[1], samples=len(z), data=source, nats_worse=float(worse.max()))


if __name__ == "__main__":
    sys.exit(guarded(main))
