"""Files of other programs: what they are, by their first bytes, and the way from them to one that is read.

None of them is read here; a refusal that says what a file is saves the search for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

CONVERTED = "give the network that it was converted from, as a torch, safetensors or ONNX file"
NO_LAYERS = "give a network with layers; nothing in this file is one"
BY_TF2ONNX = "convert it with `python -m tf2onnx.convert --{} {} --output model.onnx`"
UNPACK = "unpack it, and give what was in it"


class Foreign(NamedTuple):
    """What a file of another program is.

    Attributes
    ----------
    found
        Noun phrase for the file.
    do
        Way to a file that is read; ``{name}`` stands for the file's name.
    """

    found: str
    do: str


_LENGTH = rb"[\x80-\xff]{0,9}[\x00-\x7f]"
"""Length of a protobuf's field, as its bytes."""

SIGNS: tuple[tuple[bytes, Foreign], ...] = (
    (rb".{4}TFL3", Foreign("a TensorFlow Lite model", BY_TF2ONNX.format("tflite", "{name}"))),
    (
        rb"\x08\x01\x12" + _LENGTH + rb"\x0a" + _LENGTH + rb"[\x12\x1a\x22]",  # meta_graphs.meta_info_def
        Foreign("the graph of a TensorFlow SavedModel", BY_TF2ONNX.format("saved-model", "FOLDER")),
    ),
    (
        rb"\x08[\x01-\x20]\x12" + _LENGTH + rb"\x0a" + _LENGTH + rb"\x0a" + _LENGTH + rb"\w",  # description.input.name
        Foreign("a Core ML model", CONVERTED),
    ),
    (rb".{64}\xef\xbe\xad\xde", Foreign("the weights of a Core ML package", CONVERTED)),
    (rb"\x89HDF.*(keras_version|layer_names)", Foreign("a Keras model in HDF5", BY_TF2ONNX.format("keras", "{name}"))),
    (rb".{4}ORTM", Foreign("an ONNX Runtime model (.ort)", "give the ONNX file that it was made from")),
    (rb"GGUF", Foreign("a GGUF model", CONVERTED)),
    (rb"lmgg|tjgg", Foreign("a ggml model, as of whisper.cpp", CONVERTED)),
    (rb"[fp]trt", Foreign("a TensorRT engine", CONVERTED)),
    (rb"7767517\s", Foreign("an ncnn graph", CONVERTED)),
    (rb"\s*<\?xml[^>]*>\s*<net\s", Foreign("an OpenVINO graph", CONVERTED)),
    (rb"\s*<\?xml[^>]*>\s*<opencv_storage", Foreign("a file of OpenCV's", NO_LAYERS)),
    (rb'\s*\{[^{]*"modelTopology"', Foreign("a TensorFlow.js model", BY_TF2ONNX.format("tfjs", "{name}"))),
    (rb"\xba\x16\x4f\x2f", Foreign("a fastText model (a table of word vectors and one linear layer)", NO_LAYERS)),
    (rb"tree\nversion=", Foreign("decision trees of LightGBM", NO_LAYERS)),
    (rb'\{(L.{8})?.{0,20}"?learner', Foreign("a model of XGBoost, of decision trees or one linear layer", NO_LAYERS)),
    (rb"CBM1", Foreign("decision trees of CatBoost", NO_LAYERS)),
    (rb"\x93NUMPY", Foreign("one numpy array (.npy)", "save weights by name with torch.save; give data with --data")),
    (rb"\x04\x22\x4d\x18", Foreign("a file packed with lz4", UNPACK)),
    (rb"\x1f\x8b", Foreign("a file packed with gzip", UNPACK)),
    (rb"BZh[1-9]", Foreign("a file packed with bzip2", UNPACK)),
    (rb"\xfd7zXZ\x00", Foreign("a file packed with xz", UNPACK)),
    (rb"\x28\xb5\x2f\xfd", Foreign("a file packed with zstandard", UNPACK)),
    (rb"7z\xbc\xaf", Foreign("a 7z archive", UNPACK)),
)
"""Pattern of a file's first bytes -> what it is; the first that fits holds."""

MEMBERS: tuple[tuple[frozenset[str], Foreign], ...] = (
    (frozenset({"saved_model.pb"}), Foreign("a TensorFlow SavedModel", BY_TF2ONNX.format("saved-model", "{name}"))),
    (frozenset({"Manifest.json", "Data"}), Foreign("a Core ML package", CONVERTED)),
    (frozenset({"config.json", "model.weights.h5"}), Foreign("a Keras model", BY_TF2ONNX.format("keras", "{name}"))),
)
"""Names in a folder or zip archive -> what it is."""


PACKAGE = Foreign(
    "a torch.package archive, whose objects are made by code in it",
    "load it with torch.package.PackageImporter where you trust it, and save the network's state_dict()",
)


def is_package(members: Iterable[str]) -> bool:
    """Tell whether a zip archive is one of torch.package, whatever modules and pickles lie in it.

    Parameters
    ----------
    members
        Names of the files in the archive.

    Examples
    --------
    >>> is_package(["model/.data/extern_modules", "model/network.py", "model/weights/model.pkl"])
    True
    """
    return any(name.endswith("/.data/extern_modules") for name in members)


def foreign(start: bytes, members: tuple[str, ...], name: str) -> Foreign | None:
    """Say which other program's file one is.

    Parameters
    ----------
    start
        First bytes; none of a folder.
    members
        Names of the files in a zip archive, or in a folder.
    name
        Name of the file, for what is to be done.

    Returns
    -------
    Foreign or None
        None for a file of no program that is listed.

    Examples
    --------
    >>> foreign(b"GGUF", (), "model.gguf").found
    'a GGUF model'
    """
    if start and is_package(members):
        return PACKAGE
    found = next((said for names, said in MEMBERS if names <= {*members}), None)
    if found is None and start:
        found = next((said for pattern, said in SIGNS if re.match(pattern, start, re.DOTALL)), None)
    return None if found is None else found._replace(do=found.do.format(name=name))
