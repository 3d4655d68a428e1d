"""Networks of one's own, as a notebook has them in memory and as `--model live_networks:NAME` names them."""

import random
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torchvision.models import VisionTransformer


class MLP(nn.Module):
    """Batch-norm and dropout, which train mode would show."""

    def __init__(self):
        super().__init__()
        self.fc1, self.norm, self.fc2 = nn.Linear(64, 12), nn.BatchNorm1d(12), nn.Linear(12, 4)

    def forward(self, x):
        return self.fc2(F.dropout(self.norm(self.fc1(x)).relu(), 0.2, self.training))


class Restless(MLP):
    """Draws from every generator and counts its calls; `fail_at` ends a call with an exception."""

    def __init__(self, fail_at=None):
        super().__init__()
        self.register_buffer("runs", torch.zeros(()))
        self.calls, self.fail_at = 0, fail_at

    def forward(self, x):
        self.calls += 1
        self.runs += 1
        if self.calls == self.fail_at:
            raise ZeroDivisionError("in mid-forward")
        return super().forward(x) + 0 * (torch.rand(1) + float(np.random.rand()) + random.random())  # noqa: NPY002


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 6, 3), nn.Linear(6 * 9, 4)

    def forward(self, x):
        return self.fc(F.max_pool2d(self.conv(x).relu(), 2).flatten(1))


class ViT(VisionTransformer):
    def __init__(self):
        super().__init__(8, 4, 1, 2, 16, 16, num_classes=4)
        nn.init.normal_(self.heads.head.weight, std=0.1)  # zeros as they are drawn


class TwoInputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.rows, self.shape, self.fc = nn.Linear(32, 8), nn.Linear(32, 6), nn.Linear(14, 4)

    def forward(self, upper, lower):
        return self.fc(torch.cat([self.rows(upper).relu(), self.shape(lower).tanh()], 1))


@cache
def digits(kind):
    """Give some digits below 4 as a network takes them: inputs, or several by name, and labels."""
    x, y = load_digits(n_class=4, return_X_y=True)
    x, y = (x[:160] / 16).astype(np.float32), y[:160]
    if kind is TwoInputs:
        return {"upper": x[:, :32], "lower": x[:, 32:]}, y
    images = x.reshape(-1, 1, 8, 8)
    return {CNN: images, ViT: images.repeat(3, 1)}.get(kind, x), y


@cache
def state(kind):
    """Train a network of a kind for a moment; the same weights each time."""
    torch.manual_seed(0)
    network, (inputs, labels) = kind(), digits(kind)
    tensors = [torch.from_numpy(part) for part in (inputs.values() if isinstance(inputs, dict) else [inputs])]
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    for _ in range(30):
        optimiser.zero_grad()
        F.cross_entropy(network(*tensors), torch.from_numpy(labels)).backward()
        optimiser.step()
    return network.state_dict()


def trained(kind):
    """Give a trained network in train mode, with gradients and a part that is frozen."""
    network = kind()
    network.load_state_dict(state(kind))
    network.train()
    first = next(network.parameters())
    first.requires_grad_(False)
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    return network
