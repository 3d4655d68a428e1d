"""Files of other programs, which are no checkpoints that are read: each is to be refused in one line."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from fuzzing.seeds.base import arrays
from fuzzing.seeds.protobuf import field


def _keras(folder: Path) -> None:
    """Write what Keras wrote before its zip: a config in an attribute, and groups of weights."""
    config = {"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": 3}}]}}
    with h5py.File(folder / "file", "w") as file:
        file.attrs["model_config"], file.attrs["keras_version"] = json.dumps(config), "2.15.0"
        weights = file.create_group("model_weights/dense/dense")
        weights.parent.attrs["weight_names"] = [b"dense/kernel:0", b"dense/bias:0"]
        weights["kernel:0"], weights["bias:0"] = np.ones((6, 3), "f4"), np.zeros(3, "f4")


def _pickled(folder: Path) -> None:
    (folder / "file").write_bytes(pickle.dumps({"coef_": np.ones((3, 6)), "intercept_": np.zeros(3)}, protocol=4))


def _arrays(folder: Path) -> None:
    np.savez(folder / "file.npz", **arrays())
    (folder / "file.npz").rename(folder / "file")


def _saved_model(folder: Path) -> None:
    """Write the beginning of what TensorFlow writes."""
    (folder / "file").write_bytes(field(1, 1) + field(2, field(1, field(4, "serve")) + field(2, bytes(200))))


def _gguf(folder: Path) -> None:
    (folder / "file").write_bytes(b"GGUF" + (3).to_bytes(4, "little") + bytes(300))


def _pointer(folder: Path) -> None:
    (folder / "file").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1000\n")


FOREIGN: dict[str, Callable[[Path], None]] = {
    "keras hdf5": _keras,
    "pickle of arrays": _pickled,
    "numpy archive": _arrays,
    "tensorflow graph": _saved_model,
    "gguf": _gguf,
    "git lfs pointer": _pointer,
}
"""Name -> a function that writes ``file`` into a folder."""
