"""Request -> LoadedModel: the ways in which contents of a file become a module that runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from interp.checkpoints.adapted import take_output, take_parts
from interp.checkpoints.architectures.named import build_named, is_named, recognise
from interp.checkpoints.architectures.transformers_models import build_classifier
from interp.checkpoints.architectures.user_model import build_user_model
from interp.checkpoints.architectures.zoo_files import build_zoo_model, zoo_facts
from interp.checkpoints.examine import examine, outputs_of
from interp.checkpoints.formats.contents import Contents
from interp.checkpoints.formats.hf_folders import CONFIG, read_config
from interp.checkpoints.graph.graph import build_graph
from interp.checkpoints.graph.layers import only_child, sequential_steps
from interp.checkpoints.graph.steps import UnknownOperation
from interp.checkpoints.inference.convolutional.images import image_layouts
from interp.checkpoints.inference.convolutional.layouts import Layouts
from interp.checkpoints.inference.infer import infer_candidate
from interp.checkpoints.inference.rebuild import rebuild
from interp.checkpoints.inference.scaling import choose_scaling
from interp.checkpoints.inference.stack.facts import stack_facts, weakest
from interp.checkpoints.inference.stack.layers import USE_MODEL
from interp.checkpoints.inference.stack.state import layer_stack
from interp.checkpoints.request import Request, settled
from interp.checkpoints.weights.effective import plain_state, unknown_parametrization
from interp.data import RAW, parse_scaling
from interp.errors import CheckpointError, DataError, UsageError
from interp.network.chain import chain_of
from interp.network.inputs import as_tensor, device_of, fitting_shape, usual_shape
from interp.types import Dataset, Inference, LoadedModel

LISTS = {"onnx": "formats.onnx.operations"}
"""Format of operations other than torch's -> where they are listed."""

LAYERS_ALONE = ("torchscript",)
"""Formats whose layers are read as a stack where their graph is not followed; that is no more than likely, then."""


def draft(asked: Request) -> tuple[LoadedModel, Dataset | None]:
    """Take the way that says most of the network; the digest is left to the caller.

    Returns
    -------
    model
        Without its digest.
    data
        With targets in the form that its task compares with.

    Raises
    ------
    CheckpointError
        If the file cannot be read as a network.
    DataError
        If the data are not this network's.
    """
    contents, options = asked.contents, asked.options
    _check_parts(asked)
    if options.model is not None:
        module = build_user_model(options.model, contents.state, asked.path)
        return _from_module(module, Inference(options.model, "certain", "given with --model"), asked)
    if is_named(asked.path):
        return _from_name(asked)
    if contents.format == "zoo":
        return _from_zoo(asked)
    if contents.module is not None:
        name = f"{type(contents.module).__module__}:{type(contents.module).__qualname__}"
        if contents.format == "module":
            return _from_module(contents.module, Inference(name, "certain", "a module in memory"), asked)
        architecture = Inference(name, "certain", "unpickled, as --allow-pickle asks")
        return _from_module(contents.module.float().eval(), architecture, asked)
    if contents.format == "huggingface":
        return _from_folder(asked)
    graph, problem = _graph_module(contents)
    if graph is not None:
        why = "; ".join(("operations listed in the file", *contents.notes))
        return _from_module(graph, Inference(_summary(graph), "certain", why), asked)
    if problem and contents.format not in LAYERS_ALONE:
        raise CheckpointError(
            asked.path,
            found=f"a graph with {problem}",
            expected=f"operations that interp.checkpoints.{LISTS.get(contents.format, 'graph.aten')} lists",
            do=USE_MODEL,
        )
    if problem:
        return _from_stack(asked, (f"its code does more than is followed here: {problem}",))
    if (listed := _listed_layers(contents)) is not None:
        return _from_module(*listed, asked)
    if alike := recognise(contents.state):
        return _from_likeness(alike, asked)
    return _from_stack(asked)


def _listed_layers(contents: Contents) -> tuple[nn.Module, Inference] | None:
    """Build what a pickled `nn.Sequential` lists; a class of one's own round it may do more than run it."""
    if not contents.parts:
        return None
    name, wrapper = only_child(contents.parts)
    steps = sequential_steps(contents.parts, name)
    if steps is None:
        return None
    doubt = (f"what {wrapper} does besides is code, which was not read",) if wrapper else ()
    why = "; ".join(("layers listed in order in the file", *contents.notes, *doubt))
    module = chain_of(steps)
    return module, Inference(_summary(module), "likely" if wrapper else "certain", why)


def _check_parts(asked: Request) -> None:
    """Refuse several inputs for a network that is read from tensors or a graph, which take one."""
    takes_any = asked.options.model is not None or asked.contents.module is not None or is_named(asked.path)
    if asked.data is not None and asked.data.parts and not takes_any:
        raise DataError(
            asked.data.name,
            found=f"arrays {', '.join(part.name for part in asked.data.parts)}",
            expected="x_train, y_train, x_test, y_test, or x and y",
            do="rename them, or pass a class that takes several inputs with --model",
        )


def _from_name(asked: Request) -> tuple[LoadedModel, Dataset | None]:
    """Build the architecture that the user names."""
    spec, options, data = str(asked.path), asked.options, asked.data
    state = None if options.weights is None else asked.contents.state
    channels, side = (data.image_shape or (3, None))[:2] if data is not None else (3, None)
    classes = len(data.classes) or None if data is not None else None
    module = build_named(spec, state, options.weights, classes, side, channels, options.seed)
    model, data = _from_module(module, Inference(spec, "certain", "named by the user"), asked)
    if state is None:
        never = Inference(False, "certain", f"weights drawn at random with seed {options.seed}: never trained")
        model = replace(model, inferred={**model.inferred, "trained": never})
    return model, data


def _from_likeness(alike: list[str], asked: Request) -> tuple[LoadedModel, Dataset | None]:
    """Build the architecture whose names and shapes the weights have."""
    data, state = asked.data, asked.contents.state
    side = data.image_shape[1] if data is not None and data.image_shape is not None else None
    module = build_named(alike[0], state, asked.path, side=side)
    why = f"all {len(state):,} names and shapes are those of {' and of '.join(alike)}; the file names no architecture"
    return _from_module(module, Inference(alike[0], "likely" if len(alike) == 1 else "uncertain", why), asked)


def _refuse_logits(asked: Request) -> None:
    if asked.options.logits is not None:
        raise UsageError(
            f"--logits {asked.options.logits}",
            found="a network built from its weights, which gives one tensor",
            expected="a module of several outputs",
            do="leave it out",
        )


def _from_zoo(asked: Request) -> tuple[LoadedModel, Dataset | None]:
    _refuse_logits(asked)
    module = build_zoo_model(asked.contents, asked.path)
    facts, shape = zoo_facts(asked.contents)
    given = asked.options.scaling
    scaling = parse_scaling(given or asked.contents.metadata["scaling"], asked.data)
    if given is not None:
        facts["input_scaling"] = Inference(scaling.name, "certain", "given with --scaling")
    outputs, _ = outputs_of(module, asked, scaling, shape)
    asked, facts["task"] = settled(asked, outputs)
    return examine(module, asked, scaling, facts, shape), asked.data


def _from_folder(asked: Request) -> tuple[LoadedModel, Dataset | None]:
    """Build the architecture that a config names with its own package, which may be absent."""
    config = read_config(Path(str(asked.path)))
    module = build_classifier(config, asked.contents.state, asked.path)
    why = "; ".join((f"named in {CONFIG}", *asked.contents.notes))
    return _from_module(module, Inference(type(module.network).__name__, "certain", why), asked)


def _graph_module(contents: Contents) -> tuple[nn.Module | None, str]:
    """Build what a stated graph says, or say what of it no part here does."""
    if contents.graph is None:
        return None, contents.graph_problem
    try:
        return build_graph(contents.graph), ""
    except UnknownOperation as error:
        return None, str(error)


def _summary(module: nn.Module, shown: int = 12) -> str:
    kinds = [type(part).__name__ for part in module.modules() if not any(part.children())]
    return "-".join(kinds[:shown]) + (f"-... ({len(kinds)} in all)" if len(kinds) > shown else "")


def _from_module(module: nn.Module, architecture: Inference, asked: Request) -> tuple[LoadedModel, Dataset | None]:
    if asked.data is None:
        return _without_data(module, architecture, asked)
    module = take_parts(module, asked.data, asked.path)
    shape = fitting_shape(module, asked.data, RAW, str(asked.path))
    example = as_tensor(asked.data.train.inputs[:2], RAW, shape).to(device_of(module))
    module, taken = take_output(module, example, asked)
    outputs, form = outputs_of(module, asked, RAW, shape)
    asked, task = settled(asked, outputs)
    assert asked.data is not None
    scaling, why = choose_scaling(module, asked.data, shape, asked.options.scaling, asked.task, form)
    facts = {"architecture": architecture, "task": task, "input_scaling": why, **taken}
    return examine(module, asked, scaling, facts, shape), asked.data


def _without_data(module: nn.Module, architecture: Inference, asked: Request) -> tuple[LoadedModel, Dataset | None]:
    shape = usual_shape(module)
    if shape is None:
        raise UsageError(
            str(asked.path),
            found="a module without data",
            expected="data to run it on",
            do="pass --data digits, mnist or a file",
        )
    given = asked.options.scaling
    scaling = RAW if given is None else parse_scaling(given, None)
    why = Inference(scaling.name, "uncertain", "assumed: without data nothing can be tested")
    why = why if given is None else Inference(scaling.name, "certain", "given with --scaling")
    module, taken = take_output(module, torch.zeros(2, *shape, device=device_of(module)), asked)
    outputs, _ = outputs_of(module, asked, scaling, shape)
    asked, task = settled(asked, outputs)
    facts = {"architecture": architecture, "task": task, "input_scaling": why, **taken}
    return examine(module, asked, scaling, facts, shape), None


def _from_stack(asked: Request, doubts: tuple[str, ...] = ()) -> tuple[LoadedModel, Dataset | None]:
    _refuse_logits(asked)
    contents, options = asked.contents, asked.options
    plain = plain_state(contents.state)
    if plain.unknown:
        raise unknown_parametrization(plain.unknown, asked.path)
    stack = layer_stack(plain.state, asked.path, contents.parts)
    layers = stack.layers
    asked, task = settled(asked, len(layers[-1].weight))
    shape: tuple[int, ...] = (layers[0].channels,)
    layouts = Layouts([], 0)
    if layers[0].is_convolution:
        layers, shape, layouts = image_layouts(layers, asked.data, asked.path)
    given = {"scaling": options.scaling, "activation": options.activation, "output": options.output}
    candidate, inferred = infer_candidate(layers, asked.data, given, layouts.tried, asked.task)
    notes = ("parameter shapes", *contents.notes, *stack.notes, *doubts)
    most = weakest(stack.confidence, "likely" if doubts else "certain")
    facts = {**stack_facts(layers, asked.data, notes, most), "task": task, **inferred}
    if layouts.note:
        said = facts["placement"]
        facts["placement"] = Inference(said.value, said.confidence, f"{said.evidence}; {layouts.note}")
    if plain.notes:
        facts["weights"] = Inference("computed", "certain" if plain.sure else "likely", "; ".join(plain.notes))
    ends = sorted({part.kind for part in contents.parts.values()} & {"Sigmoid", "Softmax", "LogSoftmax"})
    if ends and options.output is None:  # order-preserving, so no prediction tells whether it acts on the output
        said = facts["output"]
        why = f"{said.evidence}; the file also names a {' and a '.join(ends)}, whose place only its code tells"
        facts["output"] = Inference(said.value, "uncertain", why)
    return examine(rebuild(layers, candidate), asked, candidate.scaling, facts, shape), asked.data
