"""Plans of networks with parts joined or exchanged, so that more networks begin alike and the rest takes less time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import nn

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.rebuild import Planned, planned
from interp.checkpoints.inference.stack.layers import Layer
from interp.network.activations import DIPPING, RISING
from interp.network.quick.joined import LargerEnd, NormedConv2d, WindowEnds


def joined_plan(layers: Sequence[Layer], candidate: Candidate) -> list[Planned]:
    """List modules that do what those of `planned` do, gradients included.

    Convolutions are joined with the batch norms behind them, and activations that never fall act behind maxima.

    Parameters
    ----------
    layers, candidate
        Arguments of `planned`.
    """
    moments = {layer.norm.name for layer in layers if layer.norm is not None and layer.norm.mean is not None}
    found: list[Planned] = []
    for step in planned(layers, candidate):
        before = found[-1] if found else step
        if step.settings[0] == "norm" and step.name in moments and before.settings[0] == "convolution":
            found[-1] = Planned(before.name, ("normed", *before.settings), partial(_normed, before, step))
        elif step.settings[0] == "max" and before.settings[0] == "activation" and before.settings[1] in RISING:
            found.insert(len(found) - 1, step)
        else:
            found.append(step)
    return found


def quick_plan(layers: Sequence[Layer], candidate: Candidate) -> list[Planned]:
    """List modules as `joined_plan` does, for runs without gradients.

    Activations that fall and then rise act behind the largest and the least value of each window too.
    """
    found: list[Planned] = []
    for step in joined_plan(layers, candidate):
        before = found[-1] if found else step
        if len(step.settings) == 2 and step.settings[0] == "max" and before.settings[0] == "activation":
            active, side = before.settings[1], step.settings[1]
            if isinstance(side, int) and isinstance(active, str) and active in DIPPING:
                found[-1] = Planned(step.name, ("ends", side), partial(WindowEnds, side))
                found.append(Planned(before.name, ("end", active), partial(LargerEnd, active)))
                continue
        found.append(step)
    return found


def _normed(convolution: Planned, norm: Planned) -> nn.Module:
    first, behind = convolution.build(), norm.build()
    assert isinstance(first, nn.Conv2d)
    assert isinstance(behind, nn.BatchNorm2d)
    return NormedConv2d(first, behind)
