"""A module in memory: the numbers of its file, and everything of it as it was found."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from module_states import same, state_of
from torch import nn

from checkpoints.planted import DIGITS, Planted, planted
from interp.checkpoints import LoadOptions, as_found, load_model, load_module
from interp.checkpoints.live import module_digest
from interp.errors import CheckpointError, DataError, UsageError


class Restless(nn.Module):
    """Does all that a module should leave alone: draws, counts, replaces buffers, and knows its mode."""

    def __init__(self):
        super().__init__()
        self.fc1, self.norm, self.fc2 = nn.Linear(64, 16), nn.BatchNorm1d(16), nn.Linear(16, 10)
        self.register_buffer("runs", torch.zeros(()))
        self.register_buffer("last", torch.full((1,), torch.nan))
        self.calls, self.seen = 0, {}

    def forward(self, x):
        self.calls += 1
        self.runs += 1
        self.last = x[:1, 0].detach()
        self.seen["rows"] = len(x)
        noise = 0 * (torch.rand(1) + float(np.random.rand()) + random.random())  # noqa: NPY002
        hidden = F.dropout(self.norm(self.fc1(x)).relu(), 0.5, training=self.training)
        return self.fc2(hidden) + noise


class TwoInputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(64, 16), nn.Linear(16, 10)

    def forward(self, x):
        return {"logits": self.fc2(F.dropout(self.fc1(x), 0.5, self.training).relu())}


def restless():
    torch.manual_seed(0)
    module = Restless().train()
    module.norm.eval()  # each submodule has a mode of its own
    module.fc2.weight.requires_grad_(False)
    module.register_forward_hook(lambda part, inputs, output: None)
    module(torch.ones(4, 64)).sum().backward()
    module.last = torch.full((1,), torch.nan)
    return module


def test_everything_is_as_it_was_found():
    module = restless()
    before, digest = state_of(module), module_digest(module)
    model, _ = load_module(module, DIGITS)
    assert same(before, state_of(module))
    assert model.digest == digest  # of the module as it was found, not as it was in between
    assert model.module is module
    assert [layer.name for layer in model.layers] == ["fc1", "fc2"]


def test_the_state_that_is_compared_shows_each_change():
    """The test above can fail: one change of each kind is seen."""
    changes = [
        lambda m: m.train(not m.training),
        lambda m: m.norm.running_mean.add_(1e-7),
        lambda m: m.fc1.register_forward_pre_hook(lambda *_: None),
        lambda m: m.fc1.weight.requires_grad_(False),
        lambda m: setattr(m, "calls", 7),
        lambda m: setattr(m.fc1.weight, "grad", None),
        lambda m: torch.rand(1),
        lambda m: np.random.rand(),  # noqa: NPY002
        lambda m: random.random(),
    ]
    module = restless()
    for change in changes:
        before = state_of(module)
        change(module)
        assert not same(before, state_of(module))


def test_after_an_exception_too():
    module = restless()
    before = state_of(module)

    def meddle():
        assert not any(part.training for part in module.modules())
        module(torch.ones(4, 64))
        module.fc1.register_forward_hook(lambda *_: None)
        module.norm.running_mean.fill_(3)
        module.runs.resize_(2)
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match=r"^mine$"), as_found(module):
        meddle()
    assert same(before, state_of(module))


def test_a_module_that_fails_is_left_as_it_was():
    module = restless()
    before = state_of(module)
    with pytest.raises(DataError, match="<module Restless>: found a module that refuses"):
        load_module(module, replace(DIGITS, splits={"train": replace(DIGITS.train, inputs=DIGITS.train.inputs[:, :9])},
                                    image_shape=None))  # fmt: skip
    assert same(before, state_of(module))


def test_an_adapted_module_runs_in_eval_mode_and_is_left_in_train_mode():
    """The adapter is no parent of the network: the network's own mode counts too."""
    torch.manual_seed(0)
    module = TwoInputs().train()
    model, _ = load_module(module, DIGITS)
    x = torch.from_numpy(DIGITS.train.inputs[:9]).float()
    assert module.training
    with as_found(model.module), torch.no_grad():
        assert not module.training
        assert torch.equal(model.module(x), model.module(x))
    assert module.training


@pytest.mark.parametrize("norm", [None, "before"])
@pytest.mark.parametrize("training", [True, False])
def test_numbers_are_those_of_the_file(norm, training, tmp_path, monkeypatch):
    module = planted(norm=norm)
    torch.save(module.state_dict(), tmp_path / "net.pt")
    (tmp_path / "its_class.py").write_text(
        f"from checkpoints.planted import Planted\ndef net(): return Planted(norm={norm!r})\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "its_class", raising=False)
    filed, _ = load_model(tmp_path / "net.pt", DIGITS, LoadOptions(model="its_class:net"))
    live, _ = load_module(module.train(training), DIGITS)
    module.eval()
    assert (live.format, live.path) == ("module", "<module Planted>")
    for fact in ("layers", "scaling", "input_shape", "output", "skipped", "task", "scores"):
        assert getattr(live, fact) == getattr(filed, fact), fact
    facts = {name: said for name, said in filed.inferred.items() if name != "architecture"}
    assert {name: said for name, said in live.inferred.items() if name != "architecture"} == facts
    assert live.inferred["architecture"].confidence == "certain"


def test_without_data_a_row_or_an_image_is_tried():
    model, data = load_module(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 26 * 26, 3)))
    assert (data, model.input_shape, model.scores) == (None, (1, 28, 28), {})


def test_other_types_of_numbers_are_run_on_a_copy():
    module = planted().double()
    try:
        model, _ = load_module(module, DIGITS)
        assert {one.dtype for one in module.parameters()} == {torch.float64}
        assert {one.dtype for one in model.module.parameters()} == {torch.float32}
        assert model.scores["train"] > 0.97
    finally:
        module.float()


def test_torch_wrappers_are_looked_into():
    model, _ = load_module(nn.DataParallel(planted()), DIGITS)
    assert [layer.name for layer in model.layers] == ["fc1", "fc2", "fc3"]


def test_digest_is_of_values_names_and_settings():
    first = Planted()
    again = Planted()
    again.load_state_dict(first.state_dict())
    assert module_digest(first) == module_digest(again)
    assert load_module(again, DIGITS)[0].digest == module_digest(first)
    with torch.no_grad():
        again.fc3.bias[0] += 1e-6
    assert module_digest(first) != module_digest(again)
    assert module_digest(nn.Sequential(nn.Linear(1, 1), nn.ReLU())) != module_digest(
        nn.Sequential(nn.Linear(1, 1), nn.Tanh())
    )
    torch.manual_seed(0)
    slopes = [nn.Sequential(nn.Linear(1, 1), nn.LeakyReLU(slope)) for slope in (0.1, 0.2)]
    slopes[1][0].load_state_dict(slopes[0][0].state_dict())
    assert module_digest(slopes[0]) != module_digest(slopes[1])


@pytest.mark.filterwarnings("ignore:Lazy modules", "ignore:.*torch.jit")
@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: nn.Sequential(nn.LazyLinear(4)), CheckpointError, "found 0.weight without a shape"),
        (lambda: nn.Sequential(nn.ReLU()), CheckpointError, "found no linear map"),
        (lambda: nn.Linear(3, 2, device="meta"), CheckpointError, "without values"),
        (lambda: torch.jit.script(nn.Linear(64, 10)), CheckpointError, "found a TorchScript module"),
        (lambda: nn.Linear(7, 2), DataError, "a module that refuses digits"),
    ],
)
def test_what_cannot_be_looked_at_is_said_in_one_line(make, error, said):
    with pytest.raises(error, match=f"^<module .*{said}"):
        load_module(make(), DIGITS)


@pytest.mark.parametrize("said", [{"model": "a:b"}, {"weights": "w.pt"}, {"allow_pickle": True}])
def test_options_of_files_are_refused(said):
    with pytest.raises(UsageError, match=r"expected no such option; leave it out$"):
        load_module(nn.Linear(64, 10), DIGITS, LoadOptions(**said))


def test_a_layer_alone_is_a_network_of_one_step():
    """Its name was empty, which no file can hold."""
    layer = nn.Linear(64, 10).train()
    before = layer.weight.clone()
    model, data = load_module(layer, "digits")
    assert [(one.name, one.nodes, one.inputs) for one in model.layers] == [("0", 10, 64)]
    assert len(data.train) == 1437
    assert layer.training
    assert torch.equal(layer.weight, before)
