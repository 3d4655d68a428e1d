"""One small sound checkpoint of every format; to add one, write a function and one line in `FORMATS`."""

from __future__ import annotations

import json
import pickle
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils.prune import l1_unstructured

from fuzzing.seeds.begun import BEGUN, PARTS
from fuzzing.seeds.data import AGAIN, DATA, RUNS
from fuzzing.seeds.foreign import FOREIGN
from fuzzing.seeds.onnx import Normalised, onnx_model
from fuzzing.seeds.pages import BASELINES, PAGES
from fuzzing.seeds.recordings import RECORDINGS

WIDTHS = (6, 5, 3)
ZOO = Path(__file__).parents[3] / "zoo" / "pretrained" / "abs-digits.pt"
IMAGES = (  # formats whose seeds take 8 x 8 images
    "legacy state dict",
    "module",
    "zoo",
    "frozen torchscript",
    "onnx of a convolution",
    "hugging face",
)
ELEMENTS = {torch.float32: "FloatStorage", torch.int64: "LongStorage"}
LEGACY_HEAD = (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True})


@dataclass(frozen=True)
class Seed:
    """A sound checkpoint in memory.

    Attributes
    ----------
    opens
        Name of the file or folder that a user would give, below the scratch folder.
    files
        Name of each file below the scratch folder -> content.
    spared
        Names of the files that are not to be damaged.
    """

    opens: str
    files: Mapping[str, bytes]
    spared: frozenset[str] = frozenset()


def dense() -> nn.Sequential:
    """Build 6-5-3, the same at every call."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(WIDTHS[0], WIDTHS[1]), nn.ReLU(), nn.Linear(WIDTHS[1], WIDTHS[2]))


def convolutional() -> nn.Sequential:
    """Build a network that takes (1, 8, 8) to three classes, with batch-norm and pooling."""
    torch.manual_seed(0)
    first = (nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2))
    return nn.Sequential(*first, nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)).eval()


def quantised() -> nn.Module:
    """Build 6-5-3 with weights of 8 bits, packed as torch packs them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces the end of quantised modules; their files stay
        return torch.ao.quantization.quantize_dynamic(dense(), {nn.Linear}, dtype=torch.qint8)


def _state(folder: Path) -> None:
    torch.save(dense().state_dict(), folder / "file")


def _legacy_state(folder: Path) -> None:
    torch.save(convolutional().state_dict(), folder / "file", _use_new_zipfile_serialization=False)


def _before_0_4(folder: Path) -> None:
    """Write what torch 0.3 wrote: `_rebuild_tensor`, and the storages' keys as the last pickle."""
    tensors = dense().state_dict()
    with (folder / "file").open("wb") as file:
        for part in LEGACY_HEAD:
            pickle.dump(part, file, protocol=2)
        keys = _OldPickler(file).dump_state(tensors)
        pickle.dump(keys, file, protocol=2)
        for tensor in tensors.values():
            file.write(tensor.numel().to_bytes(8, "little") + tensor.numpy().tobytes())


class _Old:
    """Pickled as a tensor was before version 0.4."""

    def __init__(self, tensor: torch.Tensor, key: str) -> None:
        self.tensor, self.key = tensor, key

    def __reduce__(self) -> tuple:
        return torch._utils._rebuild_tensor, (_Storage(self), 0, tuple(self.tensor.shape), self.tensor.stride())


class _Storage:
    def __init__(self, old: _Old) -> None:
        self.old = old


class _OldPickler(pickle._Pickler):
    def __init__(self, file: object) -> None:
        super().__init__(file, protocol=2)

    def persistent_id(self, value: object) -> tuple | None:
        if not isinstance(value, _Storage):
            return None
        kind = getattr(torch, ELEMENTS[value.old.tensor.dtype])
        return ("storage", kind, value.old.key, "cpu", value.old.tensor.numel(), None)

    def dump_state(self, tensors: Mapping[str, torch.Tensor]) -> list[str]:
        keys = [str(1000 + i) for i in range(len(tensors))]
        self.dump({name: _Old(t, key) for (name, t), key in zip(tensors.items(), keys, strict=True)})
        return keys


def _module(folder: Path) -> None:
    torch.save(convolutional(), folder / "file")


def _legacy_module(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on sources that it cannot keep
        torch.save(dense(), folder / "file", _use_new_zipfile_serialization=False)


def _lightning(folder: Path) -> None:
    module = dense()
    optimiser = torch.optim.Adam(module.parameters())
    module(torch.ones(2, 6)).sum().backward()
    optimiser.step()
    state = {f"model.{name}": tensor for name, tensor in module.state_dict().items()}
    kept = {"epoch": 9, "global_step": 8600, "pytorch-lightning_version": "2.0.0", "callbacks": {}, "loops": {}}
    hyper = {"lr": 0.001, "widths": [6, 5, 3]}
    torch.save(
        {**kept, "state_dict": state, "optimizer_states": [optimiser.state_dict()], "hyper_parameters": hyper},
        folder / "file",
    )


def _pruned(folder: Path) -> None:
    module = dense()
    l1_unstructured(module[0], "weight", 0.5)
    torch.save(module.state_dict(), folder / "file")


def _quantised(folder: Path) -> None:
    torch.save(quantised().state_dict(), folder / "file")


def _torchscript(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces the end of TorchScript; its files stay
        torch.jit.script(dense()).save(folder / "file")


def _frozen(folder: Path) -> None:
    """Write a module whose weights are constants of its code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.freeze(torch.jit.trace(convolutional(), torch.ones(1, 1, 8, 8))).save(folder / "file")


def _exported(folder: Path) -> None:
    torch.export.save(torch.export.export(dense().eval(), (torch.ones(2, WIDTHS[0]),)), folder / "file.pt2")
    (folder / "file.pt2").rename(folder / "file")


def _safetensors(folder: Path) -> None:
    save_file(dense().state_dict(), folder / "file", metadata={"format": "pt"})


def _onnx(folder: Path) -> None:
    (folder / "file").write_bytes(onnx_model(dense()))


def _onnx_convolution(folder: Path) -> None:
    (folder / "file").write_bytes(onnx_model(convolutional()))


def _onnx_in_onnxruntime(folder: Path) -> None:
    """Write a graph with an operation that is not ours."""
    chain = dense()
    chain.insert(2, Normalised())
    (folder / "file").write_bytes(onnx_model(chain, WIDTHS[0]))


def _onnx_beside(folder: Path) -> None:
    """Write a model whose weights are in another file."""
    weights = bytearray()
    (folder / "file").write_bytes(onnx_model(dense(), beside=weights))
    (folder / "weights").write_bytes(weights)


def _torch_shards(folder: Path) -> None:
    """Write a folder of two torch files and their index."""
    (folder / "file").mkdir()
    weight_map = {}
    for number, layer in enumerate(("0", "2"), 1):
        name = f"pytorch_model-{number:05d}-of-00002.bin"
        part = {key: tensor for key, tensor in dense().state_dict().items() if key.startswith(f"{layer}.")}
        torch.save(part, folder / "file" / name)
        weight_map |= dict.fromkeys(part, name)
    (folder / "file" / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": weight_map}))


def _recurrent(folder: Path) -> None:
    """Write an embedding, two gated layers in both directions, and a dense one."""
    torch.manual_seed(0)
    rnn = nn.GRU(4, 3, num_layers=2, bidirectional=True)
    parts = nn.ModuleDict({"embedding": nn.Embedding(9, 4), "gru": rnn, "fc": nn.Linear(6, 3)})
    torch.save(parts.state_dict(), folder / "file")


def _hugging_face(folder: Path) -> None:
    """Write a folder of a config and weights."""
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(0)
    widths = {"hidden_size": 8, "intermediate_size": 12, "num_attention_heads": 2, "num_hidden_layers": 1}
    config = ViTConfig(**widths, image_size=8, patch_size=4, num_channels=1, num_labels=3)
    config.architectures = ["ViTForImageClassification"]
    config.save_pretrained(folder / "file")
    save_file(ViTForImageClassification(config).state_dict(), folder / "file" / "model.safetensors")


def _members(folder: Path) -> None:
    """Write the states of three folds in a list."""
    torch.save([dense().state_dict() for _ in range(3)], folder / "file")


def _shards(folder: Path) -> None:
    """Write a folder of two files of weights and their index."""
    (folder / "file").mkdir()
    weight_map = {}
    for number, layer in enumerate(("0", "2"), 1):
        name = f"model-{number:05d}-of-00002.safetensors"
        part = {key: tensor for key, tensor in dense().state_dict().items() if key.startswith(f"{layer}.")}
        save_file(part, folder / "file" / name)
        weight_map |= dict.fromkeys(part, name)
    (folder / "file" / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def _before_1_4(folder: Path) -> None:
    """Write what ``torch.jit.save`` of torch 1.1 wrote: a list of modules and tensors, and a member for each tensor."""
    state = list(dense().state_dict().items())
    tensors = [
        {
            "dims": [str(size) for size in tensor.shape],
            "strides": [str(step) for step in tensor.stride()],
            "offset": "0",
            "dataType": "FLOAT",
            "data": {"key": f"tensors/{number}"},
        }
        for number, (_, tensor) in enumerate(state)
    ]
    modules = [
        {
            "name": layer,
            "parameters": [
                {"name": name.removeprefix(f"{layer}."), "tensorId": str(number)}
                for number, (name, _) in enumerate(state)
                if name.startswith(f"{layer}.")
            ],
        }
        for layer in ("0", "2")
    ]
    said = {"protoVersion": "2", "mainModule": {"name": "net", "submodules": modules}, "tensors": tensors}
    with zipfile.ZipFile(folder / "file", "w") as archive:
        archive.writestr("net/version", "1\n")
        archive.writestr("net/code/net.py", "op_version_set = 0\ndef forward(self, x: Tensor) -> Tensor:\n  return x\n")
        for number, (_, tensor) in enumerate(state):
            archive.writestr(f"net/tensors/{number}", tensor.numpy().tobytes())
        archive.writestr("net/model.json", json.dumps(said))


def _trained_for_quantisation(folder: Path) -> None:
    """Write a state dict with what quantisation-aware training adds to it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces the end of these modules; their files stay
        module = dense().train()
        module.qconfig = torch.ao.quantization.get_default_qat_qconfig("fbgemm")
        prepared = torch.ao.quantization.prepare_qat(module)
        prepared(torch.rand(8, WIDTHS[0]))
    torch.save(prepared.state_dict(), folder / "file")


def _zoo(folder: Path) -> None:
    (folder / "file").write_bytes(ZOO.read_bytes())


FORMATS: dict[str, Callable[[Path], None]] = {
    "state dict": _state,
    "legacy state dict": _legacy_state,
    "before 0.4": _before_0_4,
    "module": _module,
    "legacy module": _legacy_module,
    "lightning": _lightning,
    "pruned": _pruned,
    "quantised": _quantised,
    "torchscript": _torchscript,
    "frozen torchscript": _frozen,
    "exported": _exported,
    "safetensors": _safetensors,
    "onnx": _onnx,
    "onnx of a convolution": _onnx_convolution,
    "onnx with weights beside it": _onnx_beside,
    "zoo": _zoo,
    "list of states": _members,
    "shards": _shards,
    "torch shards": _torch_shards,
    "torchscript of before 1.4": _before_1_4,
    "quantisation-aware": _trained_for_quantisation,
    "recurrent": _recurrent,
    **({"onnx in onnxruntime": _onnx_in_onnxruntime} if find_spec("onnxruntime") and find_spec("onnx") else {}),
    **({"hugging face": _hugging_face} if find_spec("transformers") else {}),
}
"""Name -> a function that writes ``file`` (or a folder of that name) into a folder."""


OPENED_AS: dict[str, Mapping[str, Callable[[Path], str | None]]] = {
    "checkpoint": FORMATS,
    "foreign": FOREIGN,
    "data": DATA,
    "run": RUNS,
    "again": AGAIN,
    "recording": RECORDINGS,
    "begun": BEGUN,
    "part": PARTS,
    "page": PAGES,
    "baseline": BASELINES,
}
"""Kind of opener -> the formats that it opens."""
DAMAGED = {"part": ("*.part",), "page": ("report.json", "timings.json"), "baseline": ("baseline.json",)}
"""Kind of opener -> patterns of the names of the files that are damaged, where not all are."""


@cache
def make_seed(format: str) -> Seed:
    """Write one format's file and keep what was written; once a process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        opens = next(known[format] for known in OPENED_AS.values() if format in known)(folder) or "file"
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        files = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
        damaged = DAMAGED.get(kind_of(format), ("*",))
        spared = {name for name in files if not any(fnmatch(Path(name).name, pattern) for pattern in damaged)}
        return Seed(opens, files, frozenset(spared))


def width_of(format: str) -> int:
    """Give the values a row that a format's network takes; 0 for what is opened with data of its own."""
    if format not in FORMATS:
        return 0
    return 64 if format in IMAGES else 7 if format == "recurrent" else WIDTHS[0]


def kind_of(format: str) -> str:
    """Say what a format is opened as, such as ``checkpoint``, ``member`` (of a list) or ``recording``."""
    if format == "list of states":
        return "member"
    return next(kind for kind, formats in OPENED_AS.items() if format in formats)


def write(seed: Seed, folder: Path) -> Path:
    """Write a checkpoint's files below a folder, and give what is to be opened."""
    for name, content in seed.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / seed.opens
