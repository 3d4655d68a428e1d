"""Small networks whose weights are read in the ways that weights of transformers and recurrent networks are."""

import torch
import torch.nn.functional as F
from torch import nn

WIDTH = 8


class ScaleNorm(nn.Module):
    """Llama's norm: a bare weight."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(WIDTH) + 0.5)

    def forward(self, x):
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6) * self.weight


class Transposed(nn.Module):
    """GPT-2's Conv1D: a linear map with its weight the other way round."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(inputs, outputs) / 3), nn.Parameter(torch.randn(outputs))

    def forward(self, x):
        return torch.addmm(self.bias, x.flatten(0, -2), self.weight).unflatten(0, x.shape[:-1])


class Block(nn.Module):
    """Causal attention with linear maps of its own, and a map of two layers."""

    def __init__(self):
        super().__init__()
        self.norm, self.behind = ScaleNorm(), nn.RMSNorm(WIDTH)
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(3))
        self.out, self.up, self.down = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 12), Transposed(12, WIDTH)

    def forward(self, h):
        read = self.norm(h)
        heads = (part(read).unflatten(-1, (2, 4)).transpose(1, 2) for part in (self.query, self.key, self.value))
        h = h + self.out(F.scaled_dot_product_attention(*heads, is_causal=True).transpose(1, 2).flatten(2))
        return h + self.down(F.gelu(self.up(self.behind(h))))


class Language(nn.Module):
    """A network of 6 words, each one of 10, whose last map is its table of words, read as a function."""

    units, only = ("block",), "embed,block.query"

    def __init__(self):
        super().__init__()
        self.embed, self.places = nn.Embedding(10, WIDTH), nn.Parameter(torch.randn(6, WIDTH))
        self.block, self.last = Block(), ScaleNorm()

    def forward(self, x):
        h = self.block(self.embed(x[:, :6].abs().mul(3).long().clamp(max=9)) + self.places)
        return F.linear(self.last(h)[:, -1], self.embed.weight)[:, :3]


class Encoder(nn.Module):
    """A classifier of pictures by torch's encoder, with a class token, places, and norms of groups."""

    units, only = (
        ("encoder.layers.0", "read"),
        "encoder.layers.0.self_attn.in_proj,read.out_proj",
    )

    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(WIDTH, 2, 12, dropout=0.0, batch_first=True)
        self.cut, self.group = nn.Conv1d(1, WIDTH, 3, stride=3), nn.GroupNorm(2, WIDTH)
        self.single = nn.InstanceNorm1d(WIDTH, affine=True)
        self.token, self.places = nn.Parameter(torch.randn(1, 1, WIDTH)), nn.Parameter(torch.randn(5, WIDTH))
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.read, self.head = nn.MultiheadAttention(WIDTH, 2, batch_first=True), nn.Linear(WIDTH, 3)

    def forward(self, x):
        h = self.single(self.group(self.cut(x[:, None]))).transpose(1, 2)
        h = self.encoder(torch.cat([self.token.expand(len(x), -1, -1), h], 1) + self.places)
        return self.head(self.read(h[:, :1], h, h, need_weights=False)[0][:, 0])


class Recurrent(nn.Module):
    """Recurrent layers of two kinds with a linear one behind them."""

    units, only = ("cells",), "cells.l0.hidden,more.l0.reset"

    def __init__(self):
        super().__init__()
        self.cells, self.more = nn.LSTM(4, 5, batch_first=True), nn.GRU(5, 4, batch_first=True, bidirectional=True)
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        return self.out(torch.relu(self.more(self.cells(x.unflatten(1, (3, 4)))[0])[0][:, -1]))


class Own(nn.Module):
    """A linear map and a batch norm without modules."""

    units, only = (), "weight,out"

    def __init__(self, inputs=12):
        super().__init__()
        self.weight, self.shift = nn.Parameter(torch.randn(5, inputs)), nn.Parameter(torch.randn(5))
        self.register_buffer("mean", torch.randn(5))
        self.register_buffer("variance", torch.ones(5))
        self.out = nn.Linear(5, 3)

    def forward(self, x):
        z = F.linear(x, self.weight)
        z = F.batch_norm(z, self.mean, self.variance, bias=self.shift)
        return self.out(F.silu(z))


class TiedWithoutBias(nn.Module):
    """The weight of one part, which a function reads beside it."""

    def __init__(self):
        super().__init__()
        self.first, self.shared = nn.Linear(12, 5), nn.Linear(5, 5, bias=False)
        self.last = nn.Linear(5, 3)

    def forward(self, x):
        return self.last(F.linear(torch.relu(self.shared(torch.relu(self.first(x)))), self.shared.weight))


class TiedInPlace(TiedWithoutBias):
    """The weight of one part, which another is added to in place."""

    def forward(self, x):
        h = torch.relu(self.shared(self.first(x)))
        h += self.shared.weight[0]
        return self.last(h)


def made(kind):
    torch.manual_seed(0)
    return kind().eval()
