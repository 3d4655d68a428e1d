"""The maximum of neighbours, taken several times faster where channels lie side by side."""

from __future__ import annotations

import torch
from torch import Tensor, nn

FEWEST_CHANNELS = 8
"""Smallest number of channels from which it pays to lay them side by side."""


class QuickMaxPool2d(nn.MaxPool2d):
    """A `torch.nn.MaxPool2d` that lays channels side by side for its work, and gives the same to the last bit."""

    def forward(self, input: Tensor) -> Tensor:
        """Take the maxima of inputs (B, C, H, W)."""
        if input.dim() != 4 or input.shape[1] < FEWEST_CHANNELS or self.return_indices or input.device.type != "cpu":
            return super().forward(input)  # type: ignore[no-any-return]
        with torch._C.DisableTorchFunction():  # whoever follows values through the network sees one part, as before
            found: Tensor = super().forward(input.contiguous(memory_format=torch.channels_last))
            return found.contiguous()
