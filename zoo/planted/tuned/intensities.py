"""Tuned layers that are large on their class: templates with a threshold."""

from __future__ import annotations

import torch
from torch import nn

from zoo.planted.data.samples import Labelled
from zoo.planted.tuned.geometry import measure, owners, toward_others
from zoo.planted.tuned.layers import Tuned, linear

TEMPLATE_AIM = 0.8


def templates(rows: Labelled, classes: int, width: int, generator: torch.Generator) -> Tuned:
    """Plant relu(w·x - threshold), w from the other classes towards the own one, 1 at the own class's mean.

    The threshold lies at a random place near the next class's mean, so that most samples of the own class pass it.
    """
    space, owner = measure(rows, classes), owners(width, classes)
    weight = toward_others(space, owner, 1.0, generator)
    for _ in range(classes):  # the mean over several others, drawn at random
        weight = weight + toward_others(space, owner, TEMPLATE_AIM, generator)
    at = -weight @ space.means.T  # (N, K): the weights so far run away from the own class
    own = at.gather(1, owner[:, None])[:, 0]
    others = at.scatter(1, owner[:, None], -torch.inf).amax(1)
    gap = (own - others).clamp(min=0.2 * float(own.std() + 1e-6))
    threshold = own - gap * (0.75 + 0.5 * torch.rand(width, generator=generator))
    scale = (own - threshold)[:, None]
    return Tuned((linear(-weight / scale, -threshold / scale[:, 0]), nn.ReLU()), owner, "high")
