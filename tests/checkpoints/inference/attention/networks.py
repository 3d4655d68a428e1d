"""Small classifiers with attention, trained once."""

from functools import cache

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

SAMPLES, STEPS, WORDS, WIDTH = 300, 6, 9, 16


def tokens():
    """Sequences of tokens of several lengths, 0 behind their ends; whether the last word stood there before."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, STEPS + 1, SAMPLES)
    x = rng.integers(1, WORDS, (SAMPLES, STEPS)) * (np.arange(STEPS) < lengths[:, None])
    last = x[np.arange(SAMPLES), lengths - 1]
    return x, ((x == last[:, None]).sum(1) > 1).astype(int), lengths


def series():
    """Three values a time step, and whether two steps are alike."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(SAMPLES, STEPS, 3)).astype(np.float32)
    y = rng.integers(0, 2, SAMPLES)
    x[y == 1, 4] = x[y == 1, 1]
    return x, y


class Words(nn.Module):
    """An embedding, learned positions, torch's encoder, the mean over steps and a dense layer."""

    def __init__(self, heads=4, depth=1, readout="mean", positions=True, norm_first=False, activation="relu"):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, WIDTH)
        self.pos = nn.Parameter(torch.randn(1, STEPS, WIDTH) * 0.3) if positions else None
        said = {"batch_first": True, "norm_first": norm_first, "activation": activation, "dropout": 0.0}
        layer = nn.TransformerEncoderLayer(WIDTH, heads, 2 * WIDTH, **said)
        norm = nn.LayerNorm(WIDTH) if norm_first else None
        self.encoder = nn.TransformerEncoder(layer, depth, norm, enable_nested_tensor=False)
        self.fc = nn.Linear(WIDTH, 2)
        self.readout = readout

    def forward(self, x, lengths=None):
        alive = torch.arange(x.shape[1]) < (x.shape[1] if lengths is None else lengths[:, None])
        alive = alive.expand(len(x), -1)
        values = self.embedding(x)
        values = values if self.pos is None else values + self.pos
        out = self.encoder(values, src_key_padding_mask=~alive)
        if self.readout == "max":
            return self.fc(out.masked_fill(~alive[..., None], -torch.inf).amax(1))
        return self.fc((out * alive[..., None]).sum(1) / alive.sum(1, keepdim=True))


class Attention(nn.Module):
    """Attention of dense layers, one for queries, keys and values or three."""

    def __init__(self, heads, fused):
        super().__init__()
        self.heads = heads
        if fused:
            self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        else:
            self.q_proj, self.k_proj, self.v_proj = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.proj = nn.Linear(WIDTH, WIDTH)
        self.fused = fused

    def forward(self, x):
        three = self.qkv(x).chunk(3, -1) if self.fused else (self.q_proj(x), self.k_proj(x), self.v_proj(x))
        q, k, v = (one.unflatten(-1, (self.heads, -1)).transpose(1, 2) for one in three)
        shares = torch.softmax(q @ k.transpose(-1, -2) / (WIDTH // self.heads) ** 0.5, -1)
        return self.proj((shares @ v).transpose(1, 2).flatten(2))


class Alone(nn.Module):
    """An embedding, attention without a dense pair, one norm or none, the mean over steps and a dense layer."""

    def __init__(self, norm, place, fused=False):
        super().__init__()
        self.embed = nn.Embedding(WORDS, WIDTH)
        self.attn = Attention(2, True) if fused else nn.MultiheadAttention(WIDTH, 2, batch_first=True)
        self.norm = norm(WIDTH)
        self.fc = nn.Linear(WIDTH, 2)
        self.place, self.fused = place, fused

    def forward(self, x):
        values = self.embed(x)
        read = self.norm(values) if self.place == "before (pre-norm)" else values
        given = self.attn(read) if self.fused else self.attn(read, read, read)[0]
        given = given if "without a sum" in self.place else values + given
        return self.fc((given if self.place == "before (pre-norm)" else self.norm(given)).mean(1))


class OwnBlock(nn.Module):
    """A block before whose parts the norms are, with names of its own."""

    def __init__(self, heads, fused):
        super().__init__()
        self.ln1 = nn.LayerNorm(WIDTH) if fused else nn.RMSNorm(WIDTH)
        self.attn = Attention(heads, fused)
        self.ln2 = nn.LayerNorm(WIDTH) if fused else nn.RMSNorm(WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 24), nn.GELU(), nn.Linear(24, WIDTH))

    def forward(self, x):
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class Series(nn.Module):
    """A dense layer, a first step that reads all others, positions, blocks of one's own, a norm and a dense layer."""

    def __init__(self, heads=2, fused=True, depth=2):
        super().__init__()
        self.enter = nn.Linear(3, WIDTH)
        self.cls_token = nn.Parameter(torch.randn(1, 1, WIDTH) * 0.3)
        self.pos_embed = nn.Parameter(torch.randn(1, STEPS + 1, WIDTH) * 0.3)
        self.blocks = nn.ModuleList([OwnBlock(heads, fused) for _ in range(depth)])
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, 2)

    def forward(self, x):
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), self.enter(x)], 1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


def trained(network, steps=110, **inputs):
    """Fit a network by Adam on all rows at once."""
    given = {name: torch.from_numpy(np.asarray(values)) for name, values in inputs.items()}
    y = given.pop("y")
    optimiser = torch.optim.Adam(network.parameters(), 0.015)
    with torch.enable_grad():
        for _ in range(steps):
            optimiser.zero_grad()
            F.cross_entropy(network(**given), y).backward()
            optimiser.step()
    return network.eval()


MADE = {
    "words": lambda: Words(),
    "words, norms first": lambda: Words(2, 2, norm_first=True, activation="gelu"),
    "words, no positions": lambda: Words(1, 1, "max", positions=False),
    "series": lambda: Series(),
    "series, apart": lambda: Series(4, fused=False),
}


@cache
def made(name, seed=0):
    """Give a trained network and its data."""
    torch.manual_seed(seed)
    network = MADE[name]()
    if name.startswith("series"):
        x, y = series()
        return trained(network, x=x, y=y), {"x": x, "y": y}
    x, y, lengths = tokens()
    return trained(network, x=x, y=y, lengths=lengths), {"x": x, "y": y, "lengths": lengths}
