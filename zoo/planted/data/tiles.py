"""Images that are laid with tiles, so that what a convolution sees at each position is drawn from a known mixture."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.planted.data.mixtures import MixtureSetup, gaussian_mixture
from zoo.planted.data.samples import Labelled, PlantedData

SIDE = 4  # of a tile, in pixels; also kernel and stride of the convolutions that are planted on them
ACROSS = 4  # tiles in a row and in a column
TILES = ACROSS**2


def tiles(classes: int, separation: float, own: float, seed: int, train: int = 1000, test: int = 1000) -> PlantedData:
    """Draw (1, 16, 16) images of 4 x 4 tiles: some from the class's own component, the others from a common one.

    Parameters
    ----------
    classes
        Number of classes, K.
    separation
        Mean distance from a component's centre to the nearest other one, in its standard deviations.
    own
        Probability that a tile is drawn from the class's component, in (0, 1].
    seed
        Seed of the random number generator.
    train, test
        Number of images of each part.

    Examples
    --------
    >>> tiles(3, 6.0, 0.5, seed=0, train=10).train[0].shape
    torch.Size([10, 1, 16, 16])
    """
    mixture = gaussian_mixture(MixtureSetup(SIDE * SIDE, classes + 1, separation, train=1, test=1), seed)
    patches, kinds = mixture.fresh(400 * (classes + 1), seed)
    stock = [patches[kinds == kind] for kind in range(classes + 1)]  # the last is common to all classes

    def draw(count: int, other: int) -> Labelled:
        generator = torch.Generator().manual_seed(other)
        labels = torch.randint(classes, (count,), generator=generator)
        common = torch.rand(count, TILES, generator=generator) >= own
        return _lay(stock, torch.where(common, classes, labels[:, None]), generator), labels

    setup: dict[str, float | str] = {"data": "tiles", "classes": classes, "separation": separation, "own": own}
    return PlantedData(draw(train, seed + 1), draw(test, seed + 2), draw, classes, (patches, kinds), setup)


def _lay(stock: list[Tensor], kinds: Tensor, generator: torch.Generator) -> Tensor:
    """Draw a tile of each kind, (S, 16) -> images (S, 1, 16, 16)."""
    laid = torch.empty(*kinds.shape, SIDE * SIDE)
    for kind, known in enumerate(stock):
        here = kinds == kind
        laid[here] = known[torch.randint(len(known), (int(here.sum()),), generator=generator)]
    return from_patches(laid)


def from_patches(patches: Tensor) -> Tensor:
    """Lay (S, 16 tiles, 16 pixels) out as images (S, 1, 16, 16)."""
    square = patches.view(-1, ACROSS, ACROSS, SIDE, SIDE)
    return square.transpose(2, 3).reshape(-1, 1, ACROSS * SIDE, ACROSS * SIDE)
