"""Weights stored in parts come out as the module computes them; copies and companions are left out, and said to be."""

import copy
import warnings
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

from checkpoints.planted import DIGITS, planted, same_outputs
from interp.checkpoints import LoadOptions, load_model
from interp.checkpoints.weights.effective import effective_state
from interp.errors import CheckpointError

SAID = LoadOptions(activation="relu", scaling="x/16", output="linear")


def each(change):
    """Apply a change to every linear layer of a trained network."""
    module = copy.deepcopy(planted())
    for layer in (module.fc1, module.fc2, module.fc3):
        change(layer)
    with torch.no_grad():
        for parameter in module.parameters():  # so that no part is as the change left it
            parameter.mul_(1 + 0.1 * torch.rand(parameter.shape, generator=torch.Generator().manual_seed(0)))
    return module.eval()


def old(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated, but files that it wrote stay
        return getattr(nn.utils, name)


CHANGES = {
    "pruned: stored weight times mask": lambda layer: prune.l1_unstructured(layer, "weight", 0.3),
    "weight norm": parametrizations.weight_norm,
    "weight norm over all": lambda layer: parametrizations.weight_norm(layer, dim=None),
    "spectral norm": parametrizations.spectral_norm,
    "old weight norm": lambda layer: old("weight_norm")(layer),
    "old spectral norm": lambda layer: old("spectral_norm")(layer),
    "orthogonal": parametrizations.orthogonal,
}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("change", CHANGES)
def test_parts_are_put_together(change, tmp_path):
    module = each(CHANGES[change])
    torch.save(module.state_dict(), tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt", DIGITS, SAID)
    same_outputs(model.module, module)
    said = model.inferred["weights"]
    assert change.removeprefix("old ").removesuffix(" over all") in said.evidence
    assert said.confidence == ("likely" if change == "orthogonal" else "certain")
    theirs, _ = load_model(tmp_path / "net.pt", DIGITS, LoadOptions(model="checkpoints.planted:Planted"))
    same_outputs(theirs.module, module)


def normed():
    """Give the planted network with torch's newer weight norm, as a class of a user's."""
    return each(parametrizations.weight_norm)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("prefix", ["", "module."])
def test_older_names_go_into_a_class_with_newer_ones(prefix, tmp_path):
    """The class was changed to torch's newer weight norm after the file was saved; torch loads that, too."""
    module = each(CHANGES["old weight norm"])
    torch.save({f"{prefix}{name}": tensor for name, tensor in module.state_dict().items()}, tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt", DIGITS, LoadOptions(model=f"{__name__}:normed"))
    same_outputs(model.module, module)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("dim", [0, 1])
def test_convolutions(dim):
    layer = parametrizations.weight_norm(nn.Conv2d(3, 4, 2), dim=dim)
    torch.testing.assert_close(effective_state(layer.state_dict()).state["weight"], layer.weight)
    layer = parametrizations.spectral_norm(nn.Conv2d(3, 4, 2)).eval()
    torch.testing.assert_close(effective_state(layer.state_dict()).state["weight"], layer.weight)


def test_spectral_norm_of_the_first_years():
    """Torch before 1.0 stored the weight as last computed, and no right vector."""
    state = {"weight_orig": torch.ones(2, 3), "weight": torch.full((2, 3), 0.4), "weight_u": torch.ones(2)}
    assert effective_state(state).state["weight"][0, 0] == torch.tensor(0.4)


def test_names_that_end_so_by_chance():
    state = {"w_g": torch.ones(4, 3), "w_v": torch.ones(5, 3)}
    assert effective_state(state).state.keys() == state.keys()


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).mT


def test_parametrizations_of_ones_own_are_refused(tmp_path):
    module = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    parametrize.register_parametrization(module[0], "weight", Symmetric())
    torch.save(module.state_dict(), tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match=r"0\.weight stored under a parametrization .*remove_parametrizations"):
        load_model(tmp_path / "net.pt", DIGITS)


def quantised(state):
    """Give each weight in eight bits, and the floats that these stand for."""
    weights = {name: tensor for name, tensor in state.items() if tensor.dim() == 2}
    scales = {name: float(tensor.abs().max()) / 127 for name, tensor in weights.items()}
    packed = {name: torch.quantize_per_tensor(weights[name], scales[name], 0, torch.qint8) for name in weights}
    return packed, {name: tensor.dequantize() for name, tensor in packed.items()}


@pytest.mark.filterwarnings("ignore")  # torch announces the end of quantised types; files stay
def test_quantised_layers_as_floats(tmp_path):
    """The state dict of torch.ao's dynamically quantised layers."""
    module = copy.deepcopy(planted())
    packed, floats = quantised(module.state_dict())
    module.load_state_dict({**module.state_dict(), **floats})
    saved = {}
    for name in ("fc1", "fc2", "fc3"):
        saved |= {f"{name}.scale": torch.tensor(1.0), f"{name}.zero_point": torch.tensor(0)}
        saved[f"{name}._packed_params.dtype"] = torch.qint8
        pair = (packed[f"{name}.weight"], module.state_dict()[f"{name}.bias"])
        saved[f"{name}._packed_params._packed_params"] = pair
    torch.save(saved, tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt", DIGITS, SAID)
    same_outputs(model.module, module)
    assert "scales of quantised activations, which run as floats here" in model.inferred["weights"].evidence


@pytest.mark.filterwarnings("ignore")
def test_packed_by_torch(tmp_path):
    """Weights come out as the codes stand for; the outputs are then those of float layers with these weights."""
    ao = pytest.importorskip("torch.ao.quantization")
    module = copy.deepcopy(planted())
    packed = ao.quantize_dynamic(module, {nn.Linear}, dtype=torch.qint8)
    torch.save(packed.state_dict(), tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt", DIGITS, SAID)
    for name in ("fc1", "fc2", "fc3"):
        weight = getattr(packed, name).weight()
        whole = getattr(module, name).weight
        assert 0 < (weight.dequantize() - whole).abs().max() <= 0.5001 * weight.q_scale()  # rounded to the next code
        whole.copy_(weight.dequantize())
    same_outputs(model.module, module)


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.double])
def test_other_precisions(dtype, tmp_path):
    module = copy.deepcopy(planted(norm="before")).to(dtype)
    torch.save(module.state_dict(), tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt", DIGITS, SAID)
    same_outputs(model.module, module.float())


def test_codes_of_another_packing_are_refused(tmp_path):
    torch.save({"fc.weight": torch.ones(10, 64, dtype=torch.int8), "fc.bias": torch.ones(10)}, tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match=r"fc.weight of whole numbers \(torch.int8\)"):
        load_model(tmp_path / "net.pt", DIGITS)


def other():
    return {name: tensor + 1 for name, tensor in planted().state_dict().items()}


def prefixed(state, prefix):
    return {prefix + name: tensor for name, tensor in state.items()}


BESIDE = {
    "ema first": (lambda s: {"ema": other(), "model": s}, "weights of the same shapes under 'ema' were left"),
    "both named": (
        lambda s: {"ema": {"state_dict": other()}, "state_dict": s},
        "weights of the same shapes under 'ema/state_dict' were left",
    ),
    "another network": (
        lambda s: {"generator": {"0.weight": torch.ones(64, 9)}, "discriminator": s},
        "weights of other shapes under 'generator' were left",
    ),
    "in one": (
        lambda s: prefixed(other(), "ema_model.") | prefixed(s, "online_model."),
        "averaged copy under 'ema_model.'",
    ),
    "alone": (lambda s: {"n_averaged": torch.tensor(5), **prefixed(s, "module.")}, "left out: counters (n_averaged)"),
    "loss": (lambda s: {"criterion.weight": torch.ones(10), **s}, "left out: numbers of the loss (criterion.weight)"),
    "observers": (
        lambda s: {"fc1.activation_post_process.min_val": torch.tensor(0.0), **s},
        "left out: quantisation observers",
    ),
    "quantisation-aware": (
        lambda s: {
            **s,
            "fc1.weight_fake_quant.scale": torch.tensor([0.01]),
            "fc1.weight_fake_quant.zero_point": torch.tensor([0]),
            "fc1.weight_fake_quant.activation_post_process.min_val": torch.tensor([]),
        },
        "quantisation-aware training, whose rounding to few bits is not run",
    ),
    "observers that saw nothing": (
        lambda s: {
            "quant.activation_post_process.activation_post_process.min_val": torch.tensor(float("inf")),
            "quant.activation_post_process.activation_post_process.max_val": torch.tensor(float("-inf")),
            **s,
        },
        "left out: quantisation observers",
    ),
    "TensorRT": (
        lambda s: {**s, "fc1._weight_quantizer._amax": torch.tensor([float("nan")])},
        "quantisation-aware training",
    ),
    "deep": (
        lambda s: prefixed(s, "_orig_mod.module.model.network.net."),
        "prefix '_orig_mod.module.model.network.net.'",
    ),
}


@pytest.mark.parametrize("way", BESIDE)
def test_copies_and_companions(way, tmp_path):
    make, said = BESIDE[way]
    torch.save(make(planted().state_dict()), tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt", DIGITS, SAID)
    same_outputs(model.module, planted())
    assert said in " ".join(fact.evidence for fact in model.inferred.values())


@pytest.mark.filterwarnings("ignore")
def test_what_torch_prepares_for_quantisation_aware_training(tmp_path):
    """A stand-in for the quantiser runs while it trains; the floats beneath are what the file holds."""
    import torch.ao.quantization as quantization

    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(64, 12), torch.nn.ReLU(), torch.nn.Linear(12, 10))
    plain = copy.deepcopy(net).eval()
    net.qconfig = quantization.get_default_qat_qconfig("fbgemm")
    prepared = quantization.prepare_qat(net.train())
    torch.save(prepared.state_dict(), tmp_path / "net.pt")  # before any batch: ranges are infinite
    model, _ = load_model(tmp_path / "net.pt", DIGITS, SAID)
    same_outputs(model.module, plain)
    assert "quantisation-aware training" in model.inferred["weights"].evidence


TWO = {
    "mappings": lambda first, second: {"gen": first.state_dict(), "disc": second.state_dict()},
    "in one mapping": lambda first, second: {"model": {"gen": first.state_dict(), "disc": second.state_dict()}},
    "modules": lambda first, second: {"gen": first, "disc": second},
}


def two_of(seeds=(1, 2)):
    found = []
    for seed in seeds:
        torch.manual_seed(seed)
        layers = (torch.nn.Linear(64, 12), torch.nn.ReLU(), torch.nn.Linear(12, 10))
        found.append(torch.nn.Sequential(*layers).eval().requires_grad_(False))
    return found


@pytest.mark.parametrize("kind", TWO)
def test_one_of_several_networks_is_a_choice_and_said_to_be(kind, tmp_path):
    first, second = two_of()
    torch.save(TWO[kind](first, second), tmp_path / "net.pt")
    chosen = load_model(tmp_path / "net.pt", DIGITS, SAID)[0]
    said = chosen.inferred["architecture"]
    assert said.confidence == "uncertain"
    assert "a choice, for its size or as the first" in said.evidence
    assert "disc with --member NAME" in said.evidence
    same_outputs(chosen.module, first)
    name = "model/disc" if kind == "in one mapping" else "disc"
    asked = replace(SAID, member=name)
    other_one = load_model(tmp_path / "net.pt", DIGITS, asked)[0]
    same_outputs(other_one.module, second)
    assert other_one.inferred["architecture"].confidence != "uncertain"


def test_a_usual_name_is_no_choice(tmp_path):
    first, second = two_of()
    torch.save({"extra": second.state_dict(), "model": first.state_dict()}, tmp_path / "net.pt")
    said = load_model(tmp_path / "net.pt", DIGITS, SAID)[0].inferred["architecture"]
    assert said.confidence != "uncertain"
    assert "a choice" not in said.evidence
