"""Values written over in place are read as what they became."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from interp.checkpoints import read_contents
from interp.checkpoints.graph.graph import build_graph

pytestmark = pytest.mark.filterwarnings("ignore")  # exporters warn of their own future
X = torch.randn(20, 6, generator=torch.Generator().manual_seed(0)) * 20


class Three(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b, self.c = nn.Linear(6, 5), nn.Linear(5, 5), nn.Linear(5, 3)


class Reread(Three):
    def forward(self, x):
        h = self.a(x)
        return self.c(self.b(F.relu_(h)) + h)


class NotAssigned(Three):
    def forward(self, x):
        h = self.a(x)
        h.mul_(2.0)
        h.relu_()
        return self.c(self.b(h))


class OnACopy(Three):
    def forward(self, x):
        h = self.a(x)
        return self.c(self.b(F.relu_(h.clone())) + h)


class OfTheInput(Three):
    def forward(self, x):
        F.relu_(x)
        return self.c(self.b(self.a(x)))


class ThroughAView(Three):
    def forward(self, x):
        h = self.a(x)
        h.view(-1, 5).relu_()
        return self.c(self.b(h))


class Capped(Three):
    def forward(self, x):
        return self.c(F.relu(self.b(F.relu(self.a(x)).clamp(max=8.0))))


def scripted(module, path):
    torch.jit.save(torch.jit.script(module), path)


def traced(module, path):
    torch.jit.save(torch.jit.trace(module, X.clone()), path)


def exported(module, path):
    torch.export.save(torch.export.export(module, (X.clone(),)), path)


SAVERS = {"script": scripted, "trace": traced, "export": exported}


@pytest.mark.parametrize("saver", SAVERS)
@pytest.mark.parametrize("network", [Reread, NotAssigned, OnACopy, OfTheInput, Capped])
def test_outputs_are_the_originals(network, saver, tmp_path):
    module = network().eval()
    SAVERS[saver](module, tmp_path / "network")
    contents = read_contents(tmp_path / "network")
    with torch.no_grad():
        torch.testing.assert_close(build_graph(contents.graph)(X.clone()), module(X.clone()))


@pytest.mark.parametrize("saver", SAVERS)
def test_what_is_changed_through_a_view_is_not_followed(saver, tmp_path):
    SAVERS[saver](ThroughAView().eval(), tmp_path / "network")
    contents = read_contents(tmp_path / "network")
    assert contents.graph is None
    assert contents.graph_problem == "a value that is changed in place through a view of it"
