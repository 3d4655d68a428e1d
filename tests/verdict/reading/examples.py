"""Layers whose reading is known, without a network: what follows, and 600 outputs of 24 nodes on six classes."""

import torch


def linear_read_out(weight):
    """Give what follows a layer as a product with (N, K)."""
    return lambda outputs: outputs @ weight


def _six_classes():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(600) % 6
    owner = torch.arange(24) % 6
    own = (labels[:, None] == owner[None]).float()
    return own, (owner[:, None] == torch.arange(6)[None]).float(), torch.rand(600, 24, generator=generator)


def distances():
    """Nodes that are nearly zero on their class, and anything above on the others; small sums win."""
    own, read, noise = _six_classes()
    return linear_read_out(-read), (0.1 * noise * own + (0.3 + noise) * (1 - own))[None]


def intensities():
    """Nodes that are large on their class and anything below on the others; large sums win."""
    own, read, noise = _six_classes()
    return linear_read_out(read), ((1.2 + 0.1 * noise) * own + noise * (1 - own))[None]


def random_network():
    """Nodes and a read-out that mean nothing."""
    generator = torch.Generator().manual_seed(3)
    return linear_read_out(torch.randn(24, 6, generator=generator)), torch.rand(1, 600, 24, generator=generator)
