"""Hugging Face folders open with the classes of the installed package alone, and compute what the original computes."""

import builtins
import json
import os

import numpy as np
import pytest
import torch

from checkpoints.formats.test_modules import Evil
from checkpoints.planted import DIGITS, same_outputs
from interp.checkpoints import LoadOptions, load_model
from interp.errors import CheckpointError, UsageError
from interp.types import Dataset, Split

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore")
RAW = LoadOptions(scaling="raw")
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24, "num_labels": 10}
IMAGES = torch.from_numpy(DIGITS.train.inputs[:20]).float().reshape(-1, 1, 8, 8)


def vision():
    torch.manual_seed(0)
    config = transformers.ViTConfig(**SMALL, image_size=8, patch_size=4, num_channels=1)
    return transformers.ViTForImageClassification(config).eval()


def text():
    torch.manual_seed(0)
    config = transformers.BertConfig(**SMALL, vocab_size=30, max_position_embeddings=12)
    return transformers.BertForSequenceClassification(config).eval()


TOKENS = np.random.default_rng(0).integers(0, 30, (40, 12))
TRAIN = Split(TOKENS.astype(np.float32), np.arange(40) % 10)
SENTENCES = Dataset("tokens", {"train": TRAIN}, None, tuple("0123456789"), (), "")


def save_shards(module, folder):
    module.save_pretrained(folder, max_shard_size="5KB")
    assert len(list(folder.glob("*.safetensors"))) > 1


def save_bin(module, folder):
    module.config.architectures = [type(module).__name__]
    module.config.save_pretrained(folder)
    torch.save(module.state_dict(), folder / "pytorch_model.bin")


SAVERS = {"one file": lambda module, folder: module.save_pretrained(folder), "shards": save_shards, "bin": save_bin}


@pytest.mark.parametrize("saver", SAVERS)
def test_images(saver, tmp_path):
    SAVERS[saver](vision(), tmp_path)
    model, _ = load_model(tmp_path, DIGITS, RAW)
    same_outputs(model.module, lambda x: vision()(x).logits, IMAGES)
    assert model.format == "huggingface"
    assert model.inferred["architecture"].value == "ViTForImageClassification"
    assert model.input_shape == (1, 8, 8)


def test_text(tmp_path):
    text().save_pretrained(tmp_path)
    model, _ = load_model(tmp_path, SENTENCES, RAW)
    tokens = torch.from_numpy(TOKENS)
    same_outputs(model.module, lambda x: text()(x).logits, tokens)


def test_tokens_are_never_scaled(tmp_path):
    text().save_pretrained(tmp_path)
    model, _ = load_model(tmp_path, {"x_train": TOKENS, "y_train": np.arange(40) % 10})
    same_outputs(model.module, lambda x: text()(x).logits, torch.from_numpy(TOKENS))
    assert model.inferred["input_scaling"].confidence == "certain"
    assert model.scaling.name == "raw"
    assert model.layers[-1].name == "classifier"  # as the file and the module call it


def test_arrays_by_name(tmp_path):
    text().save_pretrained(tmp_path)
    mask = (np.arange(12) < np.arange(40)[:, None] % 11 + 1).astype(np.int64)
    arrays = {"input_ids_train": TOKENS, "attention_mask_train": mask, "y_train": np.arange(40) % 10}
    model, data = load_model(tmp_path, arrays)
    rows = torch.from_numpy(data.train.inputs)
    same_outputs(model.module, lambda x: text()(x[:, :12].long(), x[:, 12:].long()).logits, rows)


def changed(folder, **entries):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | entries))


def test_no_code_of_the_folder_runs(tmp_path):
    vision().save_pretrained(tmp_path)
    (tmp_path / "modeling_evil.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'MARK')!r})\n")
    changed(
        tmp_path, auto_map={"AutoModelForImageClassification": "modeling_evil.Net", "AutoConfig": "modeling_evil.C"}
    )
    changed(tmp_path, attn_implementation="someone/kernel", _attn_implementation="someone/kernel")
    model, _ = load_model(tmp_path, DIGITS, RAW)
    same_outputs(model.module, lambda x: vision()(x).logits, IMAGES)
    (tmp_path / "model.safetensors").unlink()
    torch.save({"a": torch.ones(2), "b": Evil(os.mkdir, str(tmp_path / "MARK"))}, tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError):
        load_model(tmp_path, DIGITS, RAW)
    assert not (tmp_path / "MARK").exists()


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        (
            {"architectures": ["ViTModel"]},
            r"architectures \['ViTModel'\]; expected one named ...ForImageClassification",
        ),
        ({"architectures": ["EvilForImageClassification"]}, "architecture EvilForImageClassification of type 'vit'"),
        ({"model_type": "nonsense"}, "of type 'nonsense'"),
        ({"hidden_size": 32}, r"not fitting \("),
        ({"num_hidden_layers": 3}, r"\d+ tensors missing \(vit"),
        ({"backbone": "resnet18"}, "a config with backbone"),
    ],
)
def test_configs_that_are_not_the_weights(entries, found, tmp_path):
    vision().save_pretrained(tmp_path)
    changed(tmp_path, **entries)
    with pytest.raises(CheckpointError, match=found):
        load_model(tmp_path, DIGITS, RAW)


@pytest.mark.parametrize(("name", "found"), [("../secret.safetensors", "secret"), ("absent.safetensors", "absent")])
def test_shards_elsewhere(name, found, tmp_path):
    folder = tmp_path / "model"
    vision().save_pretrained(folder)
    (folder / "model.safetensors").rename(tmp_path / "secret.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(CheckpointError, match=f"{found}.*expected files in the same folder"):
        load_model(folder, DIGITS, RAW)


def test_without_the_package(tmp_path, monkeypatch):
    vision().save_pretrained(tmp_path)
    real = builtins.__import__

    def absent(name, *rest):
        if name == "transformers":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(UsageError, match="pip install transformers"):
        load_model(tmp_path, DIGITS, RAW)


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ({"num_hidden_layers": 2000}, r"num_hidden_layers = 2,000 beside \d+ tensors"),
        ({"hidden_size": 2**40}, r"hidden_size = 1,099,511,627,776 beside"),
        ({"depth_coefficient": 1e9}, r"depth_coefficient = 1,000,000,000.0 beside"),
        ({"intermediate_size": 500_000}, r"does not build \([\d,]+ values, of which the file has"),
    ],
)
def test_config_far_larger_than_its_weights(entries, found, tmp_path):
    vision().save_pretrained(tmp_path)
    changed(tmp_path, **entries)
    with pytest.raises(CheckpointError, match=found):
        load_model(tmp_path)
