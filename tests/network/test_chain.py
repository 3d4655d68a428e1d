import torch
from torch import nn

from interp.network.chain import Chain, chain_steps, run, split_at

X = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))


def steps():
    torch.manual_seed(0)
    return [nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)]


def test_a_chain_runs_its_steps_in_order_under_dotted_names():
    parts = steps()
    chain = Chain([("layers.0", parts[0]), ("act", parts[1]), ("layers.2.inner", parts[2])])
    assert torch.equal(chain(X), nn.Sequential(*parts)(X))
    assert list(chain.state_dict()) == [
        "layers.0.weight",
        "layers.0.bias",
        "layers.2.inner.weight",
        "layers.2.inner.bias",
    ]
    assert chain.get_submodule("layers.0") is parts[0]
    assert chain.steps() == parts


def test_nested_sequentials_are_opened_and_other_modules_are_no_chain():
    a, b, c = steps()
    assert chain_steps(nn.Sequential(a, nn.Sequential(b, nn.Sequential(c)))) == [a, b, c]
    assert chain_steps(nn.Linear(2, 2)) is None

    class Residual(nn.Sequential):
        def forward(self, x):
            return x + super().forward(x)

    assert chain_steps(Residual(nn.Linear(2, 2))) is None
    kept = Residual(nn.Linear(4, 4))
    assert chain_steps(nn.Sequential(kept, nn.ReLU()))[0] is kept


def test_both_halves_of_a_split_give_the_whole():
    net = nn.Sequential(*steps())
    for name in ("0", "1", "2"):
        before, after = split_at(net, name)
        assert len(before) == int(name) + 1
        assert torch.equal(run(after, run(before, X)), net(X))


def test_what_has_no_one_place_is_not_split():
    a, b, _ = steps()
    twice = nn.Sequential(nn.Linear(4, 4), b, nn.Linear(4, 4), b)
    assert split_at(twice, "0") is None

    class Hidden(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(a, b)

        def forward(self, x):
            return self.net(x) + 1

    assert split_at(Hidden(), "net.0") is None

    class Residual(nn.Sequential):
        def forward(self, x):
            return x + super().forward(x)

    assert split_at(nn.Sequential(Residual(nn.Linear(4, 4)), nn.ReLU()), "0.0") is None
