"""Request -> Draft: of the ways in which contents become a network, the one that says most of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torch import nn

from interp.checkpoints.architectures.named import build_named, is_named, recognise
from interp.checkpoints.architectures.transformers_models import build_classifier
from interp.checkpoints.architectures.user_model import build_user_model
from interp.checkpoints.architectures.zoo_files import build_zoo_model, zoo_facts
from interp.checkpoints.deployed.agreement import is_read_otherwise
from interp.checkpoints.deployed.opening import open_deployed
from interp.checkpoints.deployed.packages import INSTALL, packages
from interp.checkpoints.drafts.draft import Draft, example_of, trace
from interp.checkpoints.drafts.metrics import draft_without_metrics
from interp.checkpoints.drafts.modules import module_draft
from interp.checkpoints.drafts.request import Request, settled
from interp.checkpoints.drafts.weights import weights_draft
from interp.checkpoints.formats.contents import Contents
from interp.checkpoints.formats.hf_folders import CONFIG, read_config
from interp.checkpoints.graph.graph import build_graph
from interp.checkpoints.graph.layers import only_child, sequential_steps
from interp.checkpoints.graph.steps import UnknownOperation
from interp.checkpoints.inference.attention.parts import is_attention_state
from interp.checkpoints.inference.recurrent.parts import is_recurrent_state
from interp.checkpoints.inference.stack.layers import USE_MODEL
from interp.checkpoints.inference.text.parts import is_text_state
from interp.data import parse_scaling
from interp.data.lengths import padded, tokens_for
from interp.errors import CheckpointError, DataError, InterpError, UsageError
from interp.network.chain import chain_of
from interp.types import Inference

ONNX = "onnx"
"""Format whose graphs may hold operations that are not ours, which ONNX Runtime runs."""

FOLDER = "huggingface"
"""Format of folders whose config names a class of the transformers package, which takes arrays by name."""

LISTS = {ONNX: "formats.onnx.operations"}
"""Format of operations other than torch's -> where they are listed."""

LAYERS_ALONE = ("torchscript",)
"""Formats whose layers are read as a stack where their graph is not followed; that is no more than likely, then."""

OF_SEQUENCES = ("embedding", "embedding_bag", "gru", "lstm", "rnn_relu", "rnn_tanh")
"""Operations that no graph is followed through, whose layers are read as those of bare weights in any format."""


def draft(asked: Request) -> Draft:
    """Make a network that runs of what the user and the file give.

    Raises
    ------
    CheckpointError
        If the file cannot be read as a network.
    DataError
        If the data are not this network's.
    """
    found = draft_without_metrics(asked, _drafted)
    if not asked.contents.is_choice:
        return found
    said = found.facts["architecture"]
    return replace(found, facts={**found.facts, "architecture": replace(said, confidence="uncertain")})


def _drafted(asked: Request) -> Draft:
    """Make a network of what the user and the file give, whether or not the file holds others."""
    contents, options = asked.contents, asked.options
    asked = _with_one_input(asked)
    _check_heads(asked)
    if options.model is not None:
        module = build_user_model(options.model, contents.state, asked.path)
        return module_draft(module, Inference(options.model, "certain", "given with --model"), asked)
    if is_named(asked.path):
        return _from_name(asked)
    if contents.module is not None:
        return _from_own_module(contents.module, asked)
    if contents.format == FOLDER:
        return _from_folder(asked)
    return _from_zoo(asked) if contents.format == "zoo" else _from_contents(asked)


def _takes_several(asked: Request) -> bool:
    """Tell whether what runs the network has arguments of its own, which may be several."""
    holds_any = asked.contents.module is not None or asked.contents.format in (ONNX, FOLDER)
    return asked.options.model is not None or holds_any or is_named(asked.path)


def _with_one_input(asked: Request) -> Request:
    """Give a network that is read from tensors or a graph the one input that it takes, and refuse several."""
    if asked.data is None or _takes_several(asked):
        return asked
    data, state = tokens_for(asked.data, ()), asked.contents.state
    reads_sequences = any(reads(state) for reads in (is_recurrent_state, is_attention_state, is_text_state))
    if data.parts and not (padded(data.parts) and reads_sequences):
        raise DataError(
            data.name,
            found=f"arrays {', '.join(part.name for part in asked.data.parts)}",
            expected="x_train, y_train, x_test, y_test, or x and y",
            do="rename them, or pass a class that takes several inputs with --model",
        )
    return replace(asked, data=data)


def _check_heads(asked: Request) -> None:
    """Refuse a number of heads for a network whose attention is not built from tensors alone."""
    heads, known = asked.options.heads, asked.options.model is not None or asked.contents.module is not None
    if heads is not None and (known or not is_attention_state(asked.contents.state)):
        raise UsageError(
            f"--heads {heads}",
            found="a network without attention, or with a class",
            expected="a bare state dict with attention",
            do="leave it out",
        )


# --------------------------------------------------------------------------- what names its class


def _from_name(asked: Request) -> Draft:
    """Build the architecture that the user names."""
    spec, options, data = str(asked.path), asked.options, asked.data
    state = None if options.weights is None else asked.contents.state
    channels, side = (data.image_shape or (3, None))[:2] if data is not None else (3, None)
    classes = len(data.classes) or None if data is not None else None
    module = build_named(spec, state, options.weights, classes, side, channels, options.seed)
    found = module_draft(module, Inference(spec, "certain", "named by the user"), asked)
    if state is not None:
        return found
    never = Inference(False, "certain", f"weights drawn at random with seed {options.seed}: never trained")
    return replace(found, facts={**found.facts, "trained": never})


def _from_own_module(module: nn.Module, asked: Request) -> Draft:
    """Take a module that is in memory, or that was unpickled."""
    name = f"{type(module).__module__}:{type(module).__qualname__}"
    if asked.contents.format == "module":
        return module_draft(module, Inference(name, "certain", "a module in memory"), asked)
    why = "unpickled, as --allow-pickle asks"
    return module_draft(module.float().eval(), Inference(name, "certain", why), asked)


def _from_zoo(asked: Request) -> Draft:
    """Build the architecture that a zoo checkpoint states, with the scaling and shape that it states."""
    _refuse_logits(asked)
    module = build_zoo_model(asked.contents, asked.path)
    facts, shape = zoo_facts(asked.contents)
    given = asked.options.scaling
    scaling = parse_scaling(given or asked.contents.metadata["scaling"], asked.data)
    if given is not None:
        facts["input_scaling"] = Inference(scaling.name, "certain", "given with --scaling")
    structure = trace(module, example_of(module, asked, scaling, shape), asked.path)
    asked, facts["task"] = settled(asked, structure.outputs.shape[1], structure.output)
    return Draft(module, structure, scaling, shape, facts, asked.task, asked.data)


def _from_folder(asked: Request) -> Draft:
    """Build the architecture that a config names with its own package, which may be absent."""
    config = read_config(Path(str(asked.path)))
    module = build_classifier(config, asked.contents.state, asked.path)
    why = "; ".join((f"named in {CONFIG}", *asked.contents.notes))
    return module_draft(module, Inference(type(module).__name__, "certain", why), asked)


def _from_likeness(alike: list[str], asked: Request) -> Draft:
    """Build the architecture whose names and shapes the weights have."""
    data, state = asked.data, asked.contents.state
    side = data.image_shape[1] if data is not None and data.image_shape is not None else None
    module = build_named(alike[0], state, asked.path, side=side)
    why = f"all {len(state):,} names and shapes are those of {' and of '.join(alike)}; the file names no architecture"
    return module_draft(module, Inference(alike[0], "likely" if len(alike) == 1 else "uncertain", why), asked)


# --------------------------------------------------------------------------- what does not


def _from_contents(asked: Request) -> Draft:
    """Follow the graph that a file states, else its list of layers, else what its weights are like."""
    contents = asked.contents
    graph, problem = _graph_module(contents)
    if contents.format == ONNX and packages() is not None:
        return _from_onnx(graph, problem, asked)
    if graph is not None:
        why = "; ".join(("operations listed in the file", *contents.notes))
        return module_draft(graph, Inference(_summary(graph), "certain", why), asked)
    if problem and contents.format not in LAYERS_ALONE and problem not in OF_SEQUENCES:
        raise CheckpointError(
            asked.path,
            found=f"a graph with {problem}",
            expected=f"operations that interp.checkpoints.{LISTS.get(contents.format, 'graph.aten')} lists",
            do=f"{INSTALL}, or {USE_MODEL}" if contents.format == ONNX else USE_MODEL,
        )
    if problem:
        return _from_layers_alone(problem, asked)
    if (listed := _listed_layers(contents)) is not None:
        return module_draft(*listed, asked)
    if alike := recognise(contents.state):
        return _from_likeness(alike, asked)
    return _from_weights(asked)


def _from_layers_alone(problem: str, asked: Request) -> Draft:
    """Read the layers of code that is not followed as a stack; where they are none, say what the code does too.

    Raises
    ------
    CheckpointError
        If the weights are no plain stack of layers.
    """
    try:
        return _from_weights(asked, (f"its code does more than is followed here: {problem}",))
    except CheckpointError as error:
        raise CheckpointError(
            asked.path,
            found=f"a program ({asked.contents.format}) whose code is not followed ({problem}), with {error.found}",
            expected="code of listed operations one after the other, or weights that are a plain stack of layers",
            do=USE_MODEL,
        ) from error


def _from_onnx(graph: nn.Module | None, problem: str, asked: Request) -> Draft:
    """Take our own reading of a graph where it runs as ONNX Runtime runs it, else cut it into modules and pieces."""
    failed: InterpError | None = None
    if graph is not None and is_read_otherwise(Path(str(asked.path)), graph, asked.data):
        graph, problem = None, "operations that ONNX Runtime computes otherwise than they are read here"
    if graph is not None:
        why = "; ".join(("operations listed in the file", *asked.contents.notes))
        try:
            return module_draft(graph, Inference(_summary(graph), "certain", why), asked)
        except (CheckpointError, DataError) as error:
            failed = error
    try:
        opened = open_deployed(Path(str(asked.path)), asked.data)
    except CheckpointError:
        if failed is not None:
            raise failed from None
        raise
    counted = f"{opened.pieces} piece{'s' * (opened.pieces != 1)} run in ONNX Runtime, without gradients"
    why = f"a graph with {problem or 'shapes that are not followed here'}: {counted}; outputs within"
    of_steps = f", each step within {opened.of_steps:.1g}: eight bits" if opened.of_steps is not None else ""
    said = f"{why} {opened.difference:.1g} of ONNX Runtime's on two samples{of_steps}"
    found = module_draft(opened.network, Inference(_summary(opened.network), "certain", said), asked)
    structure = found.structure
    return replace(found, structure=structure._replace(skipped={**structure.skipped, **opened.left}))


def _graph_module(contents: Contents) -> tuple[nn.Module | None, str]:
    """Build what a stated graph says, or say what of it no part here does."""
    if contents.graph is None:
        return None, contents.graph_problem
    try:
        return build_graph(contents.graph), ""
    except UnknownOperation as error:
        return None, str(error)


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


def _summary(module: nn.Module, shown: int = 12) -> str:
    kinds = [type(part).__name__ for part in module.modules() if not any(part.children())]
    return "-".join(kinds[:shown]) + (f"-... ({len(kinds)} in all)" if len(kinds) > shown else "")


def _from_weights(asked: Request, doubts: tuple[str, ...] = ()) -> Draft:
    _refuse_logits(asked)
    return weights_draft(asked, doubts)


def _refuse_logits(asked: Request) -> None:
    if asked.options.logits is not None:
        raise UsageError(
            f"--logits {asked.options.logits}",
            found="a network built from its weights, which gives one tensor",
            expected="a module of several outputs",
            do="leave it out",
        )
