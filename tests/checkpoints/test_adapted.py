"""Networks of several inputs, and of outputs that are no single tensor: every stage runs, and says what was taken."""

import json
from collections import namedtuple
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import nn

from checkpoints.planted import DIGITS
from interp.analysis import ClusterOptions, GaussianOptions
from interp.checkpoints import LoadOptions, load_model, load_module
from interp.checkpoints.drafts.adapted import Adapted
from interp.data import load_dataset
from interp.errors import CheckpointError, DataError, UsageError
from interp.interventions import InterventionOptions
from interp.report.page import write_report
from interp.run import Options, resume, run_all, start
from interp.verdict.attribution import AttributionOptions
from interp.verdict.reading.options import ReadingOptions

ROWS = 150
RAW = LoadOptions(scaling="raw")
QUICK = Options(
    gaussians=GaussianOptions(components=2),
    clusters=ClusterOptions(repetitions=2),
    interventions=InterventionOptions(levels=6, curve_levels=0, control_shuffles=2, control_samples=60),
    attribution=AttributionOptions(samples=20, steps=4, repetitions=20),
    reading=ReadingOptions(samples=40, images=20, read_copies=2),
    directions=2,
)
Named = namedtuple("Named", "states scores")


@dataclass
class Said:
    hidden: torch.Tensor
    logits: torch.Tensor
    loss: torch.Tensor | None = None


class Several(nn.Module):
    """Gives its scores among other things, in a form of its own."""

    def __init__(self, form="dict"):
        super().__init__()
        torch.manual_seed(0)
        self.fc1, self.fc2, self.aux, self.form = nn.Linear(64, 12), nn.Linear(12, 10), nn.Linear(12, 7), form

    def forward(self, x):
        hidden = self.fc1(x).relu()
        return FORMS[self.form](self.fc2(hidden), self.aux(hidden), hidden)


FORMS = {
    "dict": lambda z, aux, hidden: {"aux": aux, "logits": z},
    "nested": lambda z, aux, hidden: {"states": (hidden,), "head": {"logits": z}},
    "dataclass": lambda z, aux, hidden: Said(hidden, z),
    "tuple": lambda z, aux, hidden: (hidden, z),
    "named tuple": lambda z, aux, hidden: Named(hidden, z),
    "alone": lambda z, aux, hidden: (z, None, hidden.unsqueeze(1)),
    "several": lambda z, aux, hidden: [hidden, z, z],
    "none": lambda z, aux, hidden: {"loss": z.mean()},
}
TAKEN = {
    "dict": ("logits", "likely"),
    "nested": ("head.logits", "likely"),
    "dataclass": ("logits", "likely"),
    "tuple": ("1", "likely"),
    "named tuple": ("scores", "likely"),
    "alone": ("0", "certain"),
    "several": ("1", "uncertain"),
}


def makers(form):
    return lambda: Several(form)


globals().update({f"make_{form.replace(' ', '_')}": makers(form) for form in FORMS})


def saved(module, folder):
    torch.save(module.state_dict(), folder / "net.pt")
    return folder / "net.pt"


def given(form, **said):
    return replace(RAW, model=f"checkpoints.test_adapted:make_{form.replace(' ', '_')}", **said)


def images(rows=20):
    return torch.from_numpy(DIGITS.train.inputs[:rows]).float()


@pytest.mark.parametrize("form", TAKEN)
def test_the_scores_are_found_and_said(form, tmp_path):
    model, _ = load_model(saved(Several(), tmp_path), DIGITS, given(form))
    said = model.inferred["scores_from"]
    assert (said.value, said.confidence) == TAKEN[form]
    assert f"{said.value} (2, 10)" in said.evidence
    assert {"fc1", "fc2"} <= {layer.name for layer in model.layers}
    plain = Several().fc2(Several().fc1(images()).relu())
    torch.testing.assert_close(model.module(images()), plain)


def test_the_user_names_another_output(tmp_path):
    data = replace(DIGITS, splits={"train": replace(DIGITS.train, labels=DIGITS.train.labels % 7)})
    model, _ = load_model(saved(Several(), tmp_path), data, given("dict", logits="aux"))
    assert model.inferred["scores_from"].confidence == "certain"
    assert model.module(images()).shape == (20, 7)


@pytest.mark.parametrize(
    ("form", "said", "error", "found"),
    [
        ("none", {}, CheckpointError, r"found a dict of loss \(\); expected one tensor"),
        ("dict", {"logits": "logit"}, UsageError, "--logits: found 'logit'; .* did you mean logits"),
    ],
)
def test_what_cannot_be_taken(form, said, error, found, tmp_path):
    with pytest.raises(error, match=found):
        load_model(saved(Several(), tmp_path), DIGITS, given(form, **said))


def test_one_tensor_needs_no_name(tmp_path):
    path = saved(Mixed(), tmp_path)
    with pytest.raises(UsageError, match="--logits z: found a network of one output"):
        load_model(path, str(mixed_data(tmp_path)), replace(MIXED, logits="z"))
    torch.save(nn.Linear(64, 10).state_dict(), tmp_path / "bare.pt")
    with pytest.raises(UsageError, match="--logits z: found a network built from its weights"):
        load_model(tmp_path / "bare.pt", DIGITS, LoadOptions(logits="z"))


class Flat(nn.Module):
    """Gives one number a sample without an axis of its own, as `squeeze` leaves it."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.fc1, self.fc2 = nn.Linear(64, 6), nn.Linear(6, 1)

    def forward(self, x):
        return self.fc2(self.fc1(x).relu()).squeeze(1).sigmoid()


def test_one_number_a_sample(tmp_path):
    data = replace(DIGITS, splits={"train": replace(DIGITS.train, labels=DIGITS.train.labels % 2)}, classes=("0", "1"))
    model, _ = load_model(saved(Flat(), tmp_path), data, replace(RAW, model="checkpoints.test_adapted:Flat"))
    assert (model.task, model.output) == ("binary", "sigmoid")
    torch.testing.assert_close(model.module(images())[:, 0], Flat()(images()))
    assert model.module(images(1)).shape == (1, 1)


# --------------------------------------------------------------------------- several inputs


class Mixed(nn.Module):
    """Reads an image, a few measurements and two tokens."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.words = nn.Conv2d(1, 4, 3), nn.Embedding(5, 3)
        self.table, self.out = nn.Linear(5, 6), nn.Linear(4 + 6 + 6, 10)

    def forward(self, image, table, words=None):
        seen = self.conv(image).relu().mean((2, 3))
        return self.out(torch.cat([seen, self.table(table).relu(), self.words(words).flatten(1)], 1))


MIXED = LoadOptions(model="checkpoints.test_adapted:Mixed", scaling="raw")


def mixed_arrays(rows=ROWS):
    rng = np.random.default_rng(0)
    image = DIGITS.train.inputs[:rows].reshape(-1, 1, 8, 8).astype(np.float32)
    table, words = rng.normal(size=(rows, 5)).astype(np.float32), rng.integers(0, 5, (rows, 2))
    return {"words": words, "image": image, "table": table}


def mixed_data(folder, rows=ROWS, **others):
    np.savez(folder / "data.npz", **{**mixed_arrays(rows), "y": DIGITS.train.labels[:rows], **others})
    return folder / "data.npz"


def test_arrays_go_to_the_arguments_of_their_names(tmp_path):
    model, data = load_model(saved(Mixed(), tmp_path), str(mixed_data(tmp_path)), MIXED)
    assert [(part.name, part.shape, part.whole) for part in data.parts] == [
        ("words", (2,), True), ("image", (1, 8, 8), False), ("table", (5,), False)
    ]  # fmt: skip
    arrays = {name: torch.from_numpy(array) for name, array in mixed_arrays().items()}
    torch.testing.assert_close(model.module(torch.from_numpy(data.train.inputs)), Mixed()(**arrays))
    assert [layer.name for layer in model.layers] == ["conv", "table", "out"]
    assert "words" in model.skipped


def test_tokens_are_not_scaled(tmp_path):
    _, data = load_model(saved(Mixed(), tmp_path), str(mixed_data(tmp_path)), replace(MIXED, scaling="(x-mean)/std"))
    model, _ = load_model(saved(Mixed(), tmp_path), data, replace(MIXED, scaling=None))
    assert set(model.scaling(data.train.inputs)[:, 0].tolist()) <= {0, 1, 2, 3, 4}
    with pytest.raises(UsageError, match="beside inputs of whole numbers"):
        load_model(tmp_path / "net.pt", data, replace(MIXED, scaling="x/16"))


class Codes(nn.Module):
    """An autoencoder of images, with its code of as many values as there are classes beside."""

    def __init__(self):
        super().__init__()
        self.code, self.back = nn.Linear(64, 10), nn.ConvTranspose2d(10, 1, 8)

    def forward(self, image):
        code = self.code(image.flatten(1))
        return self.back(code[..., None, None]), code


IMAGES = {"x_train": DIGITS.train.inputs[:40].reshape(-1, 1, 8, 8)}


def test_images_that_come_out_are_rows_as_those_that_go_in():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.ReLU(), nn.ConvTranspose2d(4, 1, 4, 2, 1)).eval()
    model, data = load_module(net, IMAGES, RAW)
    images = torch.from_numpy(data.train.inputs).float().reshape(-1, 1, 8, 8)
    torch.testing.assert_close(model.module(images), net(images).flatten(1))
    error = ((net(images) - images) ** 2).sum() / ((images - images.mean(0)) ** 2).sum()
    assert model.task == "autoencoder"
    assert model.scores["train"] == pytest.approx(1 - error.item(), rel=1e-4)


def test_maps_of_one_place_are_rows():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 10, 6)).eval()
    model, _ = load_module(net, DIGITS, RAW)
    assert (model.task, model.module(torch.ones(3, 1, 8, 8)).shape) == ("classification", (3, 10))
    with pytest.raises(CheckpointError, match=r"outputs of shape \(2, 4, 6, 6\)"):
        load_module(net[:2], DIGITS, RAW)


def test_an_output_like_the_inputs_is_taken_where_no_labels_ask_for_another():
    torch.manual_seed(0)
    model, _ = load_module(Codes().eval(), IMAGES, RAW)
    assert (model.inferred["scores_from"].value, model.inferred["scores_from"].confidence) == ("0", "likely")
    labelled = {**IMAGES, "y_train": np.arange(40) % 10}
    model, _ = load_module(Codes().eval(), labelled, RAW)
    assert (model.inferred["scores_from"].value, model.inferred["scores_from"].confidence) == ("1", "uncertain")


class Variational(nn.Module):
    """Draws its code, in use too, as in the usual examples."""

    def __init__(self):
        super().__init__()
        self.mean, self.spread, self.back = nn.Linear(64, 8), nn.Linear(64, 8), nn.Linear(8, 64)

    def forward(self, x):
        mean, spread = self.mean(x), self.spread(x)
        return self.back(mean + torch.randn_like(spread) * torch.exp(spread / 2)), mean, spread


def test_a_network_that_draws_draws_the_same_in_every_run():
    torch.manual_seed(0)
    net, state = Variational().eval(), torch.get_rng_state()
    model, data = load_module(net, DIGITS, RAW)
    rows = torch.from_numpy(data.train.inputs[:20]).float() / 16
    assert torch.equal(model.module(rows), model.module(rows))
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(net(rows)[0], net(rows)[0])  # the module itself is as it was
    assert [layer.name for layer in model.layers] == ["mean", "spread", "back"]
    assert model.inferred["draws"].confidence == "certain"
    model, _ = load_module(nn.Sequential(nn.Linear(64, 8), nn.Dropout(), nn.Linear(8, 10)).eval(), DIGITS, RAW)
    assert "draws" not in model.inferred


def test_first_rows_that_are_equal_leave_tokens_within_the_table():
    words = np.repeat(np.random.default_rng(0).integers(0, 6, (20, 5)), 2, axis=0)
    model, _ = load_module(nn.Sequential(nn.EmbeddingBag(6, 4), nn.Linear(4, 3)).eval(), (words, np.arange(40) % 3))
    assert [layer.name for layer in model.layers] == ["1"]


class Masked(nn.Module):
    """Attention that leaves steps out by a mask of truth values; one of floats would be added to its scores."""

    def __init__(self):
        super().__init__()
        self.attention, self.out = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 3)

    def forward(self, steps, left_out):
        seen, _ = self.attention(steps, steps, steps, key_padding_mask=left_out)
        return self.out(seen.mean(1))


class Flags(nn.Module):
    def __init__(self):
        super().__init__()
        self.numbers, self.flags = nn.Linear(4, 3), nn.Linear(2, 3)

    def forward(self, numbers, flags):
        return self.numbers(numbers) + self.flags(flags)


def test_truth_values_are_a_mask_where_the_network_takes_one():
    torch.manual_seed(0)
    steps, left_out, net = torch.randn(40, 5, 8), torch.arange(5) >= torch.randint(1, 6, (40, 1)), Masked().eval()
    model, data = load_module(net, ((steps.numpy(), left_out.numpy()), np.arange(40) % 3), RAW)
    torch.testing.assert_close(model.module(torch.from_numpy(data.train.inputs)), net(steps, left_out))


def test_truth_values_are_numbers_where_the_network_takes_no_others():
    torch.manual_seed(0)
    numbers, flags, net = torch.randn(40, 4), torch.rand(40, 2) > 0.5, Flags().eval()
    model, data = load_module(net, ((numbers.numpy(), flags.numpy()), np.arange(40) % 3), RAW)
    torch.testing.assert_close(model.module(torch.from_numpy(data.train.inputs)), net(numbers, flags.float()))


class Twins(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(64, 8)

    def forward(self, first, second):
        return nn.functional.pairwise_distance(self.encoder(first), self.encoder(second))


def test_of_twins_the_part_that_reads_one_input_is_asked_for():
    images = DIGITS.train.inputs[:40].astype(np.float32)
    with pytest.raises(CheckpointError, match=r"Linear runs 2 times.*give the part that reads one input"):
        load_module(Twins().eval(), ((images, images[::-1].copy()), np.arange(40) % 2), RAW)
    with pytest.raises(DataError, match=r"label 9; expected labels 0 to 7.*no labels where the outputs are no classes"):
        load_module(Twins().encoder.eval(), DIGITS, RAW)


class OneHot(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(6, 3)

    def forward(self, x):
        return self.out(nn.functional.one_hot(x, 6).float().mean(1))


@pytest.mark.parametrize("kind", [np.int64, np.float32])
@pytest.mark.parametrize("make", [OneHot, lambda: nn.Sequential(nn.EmbeddingBag(6, 4), nn.Linear(4, 3))])
def test_whole_numbers_go_as_tokens_to_what_takes_no_others(make, kind):
    torch.manual_seed(0)
    words, module = np.random.default_rng(0).integers(0, 6, (40, 5)), make().eval()
    model, data = load_module(module, (words.astype(kind), np.arange(40) % 3))
    torch.testing.assert_close(model.module(torch.from_numpy(data.train.inputs)), module(torch.from_numpy(words)))
    assert model.scaling.name == "raw"
    assert model.inferred["input_scaling"].confidence == "certain"
    with pytest.raises(DataError, match="a module that refuses"):
        load_module(module, (words + 0.5, np.arange(40) % 3))


@pytest.mark.parametrize(
    ("others", "said", "found"),
    [
        ({"table": np.ones((3, 5))}, MIXED, f"rows: {ROWS} of words, {ROWS} of image, 3 of table"),
        ({"more": np.ones((ROWS, 2))}, MIXED, "inputs words, image, table, more; expected the arguments of"),
        ({"table": np.array(["a"] * ROWS)}, MIXED, "table of shape .* expected numbers"),
        ({}, RAW, "arrays words, image, table; expected x_train, .* --model"),
        ({"image_test": np.ones((2, 4))}, MIXED, None),
    ],
)
def test_inputs_that_do_not_fit(others, said, found, tmp_path):
    path, data = saved(Mixed(), tmp_path), mixed_data(tmp_path, **others)
    if found is None:
        load_model(path, str(data), said)
        return
    with pytest.raises(DataError, match=found):
        load_model(path, str(data), said)


def as_tuple():
    arrays = mixed_arrays()
    return (arrays["image"], arrays["table"], arrays["words"]), DIGITS.train.labels[:ROWS]


def as_mapping():
    return mixed_arrays(), DIGITS.train.labels[:ROWS]


@pytest.mark.parametrize("form", ["as_tuple", "as_mapping"])
def test_callables_give_several_inputs_in_order_or_by_name(form, tmp_path):
    model, data = load_model(saved(Mixed(), tmp_path), f"checkpoints.test_adapted:{form}", MIXED)
    arrays = {name: torch.from_numpy(array) for name, array in mixed_arrays().items()}
    torch.testing.assert_close(model.module(torch.from_numpy(data.train.inputs)), Mixed()(**arrays))


# --------------------------------------------------------------------------- every stage


class Both(Mixed):
    """Several inputs, and scores in a mapping."""

    def forward(self, image, table, words):
        return {"logits": super().forward(image, table, words), "twice": image.flatten(1)}


@pytest.mark.usefixtures("blank_figures")
def test_every_stage_runs_on_several_inputs_and_outputs(tmp_path):
    said = replace(MIXED, model="checkpoints.test_adapted:Both")
    run = start(saved(Both(), tmp_path), tmp_path / "run", str(mixed_data(tmp_path)), said, options=QUICK)
    results = run_all(run)
    write_report(results, tmp_path / "run", "test")
    found = json.loads((tmp_path / "run" / "report.json").read_text())
    assert found["model"]["inferred"]["scores_from"]["value"] == "logits"
    page = (tmp_path / "run" / "report.html").read_text()
    assert "scores_from" in page or "scores from" in page
    no_op = results.effects.whole_layers.query("intervention == 'scale' and level == 1 and split == 'train'")
    assert (no_op["score"] == results.effects.baseline["train"]).all()
    with pytest.raises(UsageError, match=r"a recording made with --model .*Both; expected the same on this command"):
        resume(tmp_path / "run", QUICK)
    assert resume(tmp_path / "run", QUICK, said).model.digest == run.model.digest


def test_the_users_module_is_left_as_it_is():
    network = Several("dict")
    Adapted(network, output="logits").eval()
    assert set(network(images())) == {"aux", "logits"}
    assert list(dict(network.named_modules())) == ["", "fc1", "fc2", "aux"]


def test_data_without_a_name_for_inputs_are_several(tmp_path):
    data = load_dataset(str(mixed_data(tmp_path)))
    assert (data.width, data.image_shape, data.train.inputs.dtype) == (2 + 64 + 5, None, np.float32)
