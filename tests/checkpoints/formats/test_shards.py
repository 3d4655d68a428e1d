"""Weights in several files of a folder are joined by an index or by their names; what is missing is named."""

import json

import pytest
import torch
from safetensors.torch import save_file

from checkpoints.planted import DIGITS, planted, same_outputs
from interp.checkpoints import LoadOptions, load_model
from interp.errors import CheckpointError

SAID = LoadOptions(scaling="x/16", activation="relu", output="linear")
NAME = "model-{:05d}-of-00003{}"


def parts(prefix=""):
    """Cut a state dict into three; beside others, the first part's names have a beginning in common."""
    state = {prefix + name: tensor for name, tensor in planted().state_dict().items()}
    names = list(state)
    return [{name: state[name] for name in names[start : start + 2]} for start in (0, 2, 4)]


def write(folder, ending=".safetensors", said=None, prefix=""):
    found = {NAME.format(number, ending): part for number, part in enumerate(said or parts(prefix), 1)}
    for name, part in found.items():
        (save_file if ending == ".safetensors" else torch.save)(part, folder / name)
    return {tensor: name for name, part in found.items() for tensor in part}


def index(folder, weight_map, name="model.safetensors.index.json"):
    (folder / name).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


@pytest.mark.parametrize("ending", [".safetensors", ".bin", ".pt"])
@pytest.mark.parametrize("indexed", [True, False])
def test_parts_are_joined(ending, indexed, tmp_path):
    weight_map = write(tmp_path, ending)
    if indexed:
        index(tmp_path, weight_map, "mine.index.json")
    model, _ = load_model(tmp_path, DIGITS, SAID)
    same_outputs(model.module, planted())
    assert model.format == "shards"
    assert "3 files of weights" in model.inferred["architecture"].evidence


def test_prefixes_are_those_of_all_parts(tmp_path):
    """Not of one alone, whose names all begin with ``model.`` where others' do not."""
    first, second, third = parts()
    write(tmp_path, said=[{f"model.{name}": tensor for name, tensor in part.items()} for part in (first, second)])
    save_file(third, tmp_path / NAME.format(3, ".safetensors"))
    model, _ = load_model(tmp_path, DIGITS, SAID)
    assert [layer.name for layer in model.layers] == ["model.fc1", "model.fc2", "fc3"]


def test_one_file_of_the_usual_name(tmp_path):
    save_file(planted().state_dict(), tmp_path / "model.safetensors")
    same_outputs(load_model(tmp_path, DIGITS, SAID)[0].module, planted())


def without(number):
    def change(folder):
        write(folder)
        (folder / NAME.format(number, ".safetensors")).unlink()

    return change


def doubled(folder):
    first, second, third = parts()
    write(folder, said=[first, second, third | first])


def two_networks(folder):
    write(folder)
    save_file(parts()[0], folder / "other-00001-of-00001.safetensors")


def listed_elsewhere(folder):
    index(folder, dict.fromkeys(write(folder), "../secret.safetensors"))


def listed_under_no_name(folder):
    index(folder, dict.fromkeys(write(folder), "x" * 5000))


def listed_in_none(folder):
    index(folder, write(folder) | {"fc4.weight": NAME.format(1, ".safetensors")})


def text(folder):
    write(folder)
    (folder / NAME.format(2, ".safetensors")).write_text("no tensors")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (without(2), "2 of 3 files, without model-00002-of-00003.safetensors; expected all"),
        (doubled, "fc1.bias in two of its files"),
        (two_networks, r"parts of 2 networks \(model-...-of-00003.safetensors, other-"),
        (listed_elsewhere, "weights in '../secret.safetensors'; expected files in the same folder"),
        (listed_under_no_name, "weights in 'xxxxx"),
        (listed_in_none, r"1 tensors that none of its files holds \(fc4.weight\)"),
        (text, "model-00002-of-00003.safetensors: found a damaged safetensors file"),
    ],
)
def test_what_is_missing_is_named(make, said, tmp_path):
    make(tmp_path)
    with pytest.raises(CheckpointError, match=said):
        load_model(tmp_path, DIGITS, SAID)


def test_a_part_alone_is_refused(tmp_path):
    write(tmp_path)
    with pytest.raises(CheckpointError, match=r"file 2 of 3, which hold a network together; .* give the folder"):
        load_model(tmp_path / NAME.format(2, ".safetensors"))


def test_the_digest_is_of_the_weights_alone(tmp_path):
    write(tmp_path)
    first = load_model(tmp_path)[0].digest
    (tmp_path / "notes.txt").write_text("mine")
    assert load_model(tmp_path)[0].digest == first
    write(tmp_path, said=[{name: tensor + 1 for name, tensor in part.items()} for part in parts()])
    assert load_model(tmp_path)[0].digest != first


def test_a_file_that_cannot_be_opened_counts_as_missing(tmp_path):
    (tmp_path / "model.safetensors").symlink_to(tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match="a folder without weights"):
        load_model(tmp_path)


def test_of_the_index_alone_the_error_says_to_give_the_folder(tmp_path):
    index(tmp_path, write(tmp_path))
    with pytest.raises(CheckpointError, match=f"found an index of files .*; give the folder, {tmp_path}"):
        load_model(tmp_path / "model.safetensors.index.json", DIGITS)
