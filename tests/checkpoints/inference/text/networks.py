"""Small text classifiers, trained where they are asked for: tokens averaged, or read by convolutions side by side."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

WORDS, STEPS, SAMPLES = 60, 12, 600
ACTIVE = {"relu": torch.relu, "tanh": torch.tanh, "gelu": F.gelu, "identity": lambda z: z, "elu": F.elu}


def sentences(seed=0, samples=SAMPLES, phrases=False, least=4):
    """Tokens with 0 behind their ends, one of three topics and the number of tokens: words of a topic, or a phrase.

    Three in ten of the words are of the topic, the rest of any; a phrase is two words in one order, which stand apart
    in others.
    """
    rng = np.random.default_rng(seed)
    lengths = rng.integers(least, STEPS + 1, samples)
    y = rng.integers(0, 3, samples)
    x = rng.integers(1, WORDS, (samples, STEPS))
    own = 1 + y[:, None] * 6 + rng.integers(0, 6, (samples, STEPS))
    x = np.where(rng.random((samples, STEPS)) < 0.3, own, x)
    if phrases:
        x = rng.integers(8, WORDS, (samples, STEPS))
        first, second = np.array([(1, 2), (2, 1), (3, 4)])[y].T
        at = (rng.random(samples) * (lengths - 1)).astype(int)
        rows = np.arange(samples)
        x[rows, at], x[rows, at + 1] = first, second
        loose = rng.random((samples, STEPS)) < 0.04
        loose[rows, at] = loose[rows, at + 1] = False
        x = np.where(loose, rng.integers(1, 5, x.shape), x)
    return x * (np.arange(STEPS) < lengths[:, None]), y, lengths


class Bag(nn.Module):
    """An embedding, one vector of all tokens, and one or two dense layers; padding is read on or left out."""

    def __init__(self, readout="mean", hidden=0, active="relu", left_out=True, own_bag=False, width=8, drop=0.0):
        super().__init__()
        self.drop = nn.Dropout(drop)
        self.embedding = (nn.EmbeddingBag if own_bag else nn.Embedding)(WORDS, width)
        if hidden:
            self.fc1 = nn.Linear(width, hidden)
        self.fc = nn.Linear(hidden or width, 3)
        self.readout, self.active, self.left_out = readout, active, left_out

    def forward(self, x, lengths):
        values = F.embedding(x, self.embedding.weight)
        alive = (torch.arange(x.shape[1]) < lengths[:, None]) if self.left_out else torch.ones_like(x, dtype=bool)
        given = {
            "mean": lambda: (values * alive[..., None]).sum(1) / alive.sum(1, keepdim=True),
            "sum": lambda: (values * alive[..., None]).sum(1),
            "max": lambda: values.masked_fill(~alive[..., None], -1e9).amax(1),
        }[self.readout]()
        return self.fc(self.drop(ACTIVE[self.active](self.fc1(given)) if hasattr(self, "fc1") else given))


class TextCnn(nn.Module):
    """Kim (2014): convolutions of several widths side by side, an activation, the largest over time, dense layers."""

    def __init__(self, widths=(2, 3), filters=6, image=False, readout="max", active="relu", edges="none",
                 order=None, hidden=0, between="relu", left_out=False, is_zero=False, width=8, drop=0.0):  # fmt: skip
        super().__init__()
        self.drop = nn.Dropout(drop)
        self.embedding = nn.Embedding(WORDS, width, padding_idx=0 if is_zero else None)
        self.convs = nn.ModuleList(
            nn.Conv2d(1, filters, (k, width)) if image else nn.Conv1d(width, filters, k) for k in widths
        )
        if hidden:
            self.fc1 = nn.Linear(filters * len(widths), hidden)
        self.fc = nn.Linear(hidden or filters * len(widths), 3)
        self.said = (widths, readout, active, edges, order or range(len(widths)), between, left_out)

    def forward(self, x, lengths):
        widths, readout, active, edges, order, between, left_out = self.said
        values, found = self.embedding(x), []
        if left_out:
            values = values * (torch.arange(x.shape[1]) < lengths[:, None])[..., None]
        for k, conv in zip(widths, self.convs, strict=True):
            ends = {"none": (0, 0), "same": ((k - 1) // 2, k // 2), "half": (k // 2,) * 2, "full": (k - 1,) * 2}[edges]
            padded = F.pad(values, (0, 0, *ends))
            z = conv(padded[:, None]).squeeze(3) if isinstance(conv, nn.Conv2d) else conv(padded.transpose(1, 2))
            a = ACTIVE[active](z)
            alive = torch.ones(len(x), 1, a.shape[2], dtype=bool)
            if left_out:
                alive = (torch.arange(a.shape[2]) < (lengths + a.shape[2] - x.shape[1]).clamp(1)[:, None])[:, None]
            found.append({
                "max": lambda a=a, alive=alive: a.masked_fill(~alive, -1e9).amax(2),
                "mean": lambda a=a, alive=alive: (a * alive).sum(2) / alive.sum(2),
            }[readout]())  # fmt: skip
        given = self.drop(torch.cat([found[i] for i in order], 1))
        return self.fc(ACTIVE[between](self.fc1(given)) if hasattr(self, "fc1") else given)


def trained(network, x, y, lengths, epochs=30, rate=0.01, falls=True, decay=0.0):
    """Fit a network by Adam on batches of 50 rows, with a rate that falls to nothing or stays."""
    x, y, lengths = (torch.from_numpy(np.asarray(one)) for one in (x, y, lengths))
    optimiser = torch.optim.AdamW(network.parameters(), rate, weight_decay=decay)
    steps = epochs * (len(x) // 50)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    draws = torch.Generator().manual_seed(0)
    with torch.enable_grad():
        for _ in range(steps):
            rows = torch.randperm(len(x), generator=draws)[:50]
            optimiser.zero_grad()
            F.cross_entropy(network(x[rows], lengths[rows]), y[rows]).backward()
            optimiser.step()
            if falls:
                falling.step()
    return network.eval()
