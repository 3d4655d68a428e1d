"""Files of other programs are named as what they are, and files that are read are not."""

import bz2
import gzip
import lzma
import pickle
import struct
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch import nn
from torch.package import PackageExporter

from interp.checkpoints.formats.glance import glance
from interp.checkpoints.formats.read import read_contents
from interp.checkpoints.formats.unread.foreign import foreign
from interp.errors import CheckpointError

SAMPLES = Path(__file__).parents[1] / "samples"


def field(number, content):
    """Write one protobuf field of bytes."""
    length = len(content)
    assert length < 128 * 128
    head = bytes([number << 3 | 2])
    return head + (bytes([length]) if length < 128 else bytes([length & 127 | 128, length >> 7])) + content


SAVED_MODEL = b"\x08\x01" + field(2, field(1, field(2, field(1, b"AddV2" + bytes(300)))) + field(2, b"graph"))
CORE_ML = b"\x08\x06" + field(2, field(1, field(1, b"input_2") + field(3, bytes(200))) + field(10, b"output"))
OTHERS = {
    "tflite": (b"\x1c\0\0\0TFL3" + bytes(40), "TensorFlow Lite model", "--tflite model.bin"),
    "saved model": (SAVED_MODEL, "graph of a TensorFlow SavedModel", "--saved-model FOLDER"),
    "core ml": (CORE_ML, "a Core ML model", "converted from"),
    "core ml weights": (
        struct.pack("<II", 3, 2) + bytes(56) + b"\xef\xbe\xad\xde",
        "Core ML package",
        "converted from",
    ),
    "ort": (b"\x20\0\0\0ORTM" + bytes(40), "ONNX Runtime model", "the ONNX file"),
    "gguf": (b"GGUF\3\0\0\0" + bytes(40), "a GGUF model", "converted from"),
    "ggml": (b"lmgg\x0a\0\0\0silero-16k" + bytes(40), "a ggml model", "converted from"),
    "fasttext": (struct.pack("<ii", 793712314, 12) + bytes(40), "a fastText model", "nothing in this file"),
    "lightgbm": (b"tree\nversion=v4\nnum_class=1\n", "trees of LightGBM", "nothing in this file"),
    "xgboost": (b'{"learner":{"attributes":{}', "a model of XGBoost", "nothing in this file"),
    "xgboost binary": (b"{L\0\0\0\0\0\0\0\x07learner{", "a model of XGBoost", "nothing in this file"),
    "openvino": (b'<?xml version="1.0"?>\n<net name="a" version="11">\n', "an OpenVINO graph", "converted from"),
    "tfjs": (b'{"format": "layers-model", "modelTopology": {}}', "TensorFlow.js model", "--tfjs model.bin"),
    "numpy": (np.lib.format.magic(1, 0) + bytes(40), "one numpy array", "--data"),
    "lz4": (b"\x04\x22\x4d\x18@@" + bytes(40), "packed with lz4", "unpack it"),
    "gzip": (gzip.compress(b"weights"), "packed with gzip", "unpack it"),
    "bzip2": (bz2.compress(b"weights"), "packed with bzip2", "unpack it"),
    "xz": (lzma.compress(b"weights"), "packed with xz", "unpack it"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_a_file_of_another_program_is_said_to_be_one(case, tmp_path):
    content, found, do = OTHERS[case]
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"(?s){found}.*{do}") as error:
        read_contents(path)
    assert "\n" not in str(error.value)


def test_a_keras_model_is_told_from_another_hdf5_file(tmp_path):
    for name, attributes in {"keras.h5": {"keras_version": "2.15.0", "backend": "tensorflow"}, "other.h5": {}}.items():
        with h5py.File(tmp_path / name, "w") as file:
            file.attrs.update(attributes)
    with pytest.raises(CheckpointError, match=r"a Keras model in HDF5.*--keras keras\.h5"):
        read_contents(tmp_path / "keras.h5")
    with pytest.raises(CheckpointError, match="an HDF5 file"):
        read_contents(tmp_path / "other.h5")


def test_folders_and_archives(tmp_path):
    saved, package = tmp_path / "saved", tmp_path / "net.mlpackage"
    for folder, file in ((saved, "saved_model.pb"), (package, "Manifest.json"), (package / "Data", "weights.bin")):
        folder.mkdir(exist_ok=True)
        (folder / file).write_bytes(b"1")
    with zipfile.ZipFile(tmp_path / "net.keras", "w") as archive:
        for name in ("metadata.json", "config.json", "model.weights.h5"):
            archive.writestr(name, "{}")
    for name, found in (("saved", "SavedModel"), ("net.mlpackage", "Core ML"), ("net.keras", "a Keras model")):
        with pytest.raises(CheckpointError, match=found):
            read_contents(tmp_path / name)


@pytest.mark.filterwarnings("ignore")
def test_archives_of_torch_package(tmp_path):
    """They may hold what a TorchScript archive or a checkpoint does, and any pickle under any name."""
    networks = {"plain.pt": nn.Linear(2, 3), "traced.pt": torch.jit.trace(nn.Linear(2, 3), torch.zeros(1, 2))}
    for name, network in networks.items():
        with PackageExporter(tmp_path / name) as archive:
            archive.extern("**")
            archive.save_pickle("models", "data.pkl", network)
        with pytest.raises(CheckpointError, match=r"a torch\.package archive.*PackageImporter"):
            read_contents(tmp_path / name)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.*t*")), ids=lambda path: path.name)
def test_files_that_are_read_are_no_others(path):
    seen = glance(path)
    assert foreign(seen.start, seen.members, path.name) is None


def test_pickles_and_texts_are_no_others(tmp_path):
    torch.save({"a": torch.zeros(3)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    starts = ((tmp_path / "old.pt").read_bytes(), pickle.dumps([1]), b"hello\n", b"<?xml version='1.0'?><a/>", b"{}")
    assert all(foreign(start, (), "a") is None for start in starts)
