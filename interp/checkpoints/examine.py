"""Draft -> LoadedModel: how well the network does on its data, and whether it does as it should."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from interp.checkpoints.drafts.draft import Draft
from interp.checkpoints.drafts.labels import are_of_signs
from interp.checkpoints.drafts.request import Request
from interp.checkpoints.inference.expected import expected
from interp.checkpoints.inference.fit import assess_fit, doubt_of, doubted, is_sound
from interp.checkpoints.inference.trained import assess_training
from interp.errors import unknown_name
from interp.network.branches import Dag
from interp.network.chain import Chain
from interp.network.inputs import Runnable, block_of, channels_last, device_of, input_blocks
from interp.network.maps.read import weight_of
from interp.network.quick.side_by_side import side_by_side
from interp.tasks import Scorer, find_task
from interp.types import Array, Dataset, Inference, LoadedModel, NodeLayer

FITTED = 5000
"""Training rows whose outputs are looked at."""


def examine(draft: Draft, asked: Request, digest: str) -> LoadedModel:
    """Measure a network's score on its data, and say whether it was trained and whether it does as it should.

    Parameters
    ----------
    draft
        Network that runs, with what is known of it.
    asked
        Contents of the file that it was made of, and what the user gave.
    digest
        SHA-256 of the file or of the module, in hexadecimal.
    """
    structure = draft.structure
    fast = replace(draft, module=channels_last(draft.module))
    seen = Seen({}, None) if draft.data is None else score_splits(fast, draft.task, structure.output, draft.data)
    layers, left_out = _chosen(structure.layers, asked.options.only)
    return LoadedModel(
        module=draft.module,
        layers=layers,
        path=str(asked.path),
        format=asked.contents.format,
        digest=digest,
        scaling=draft.scaling,
        input_shape=draft.input_shape,
        output=structure.output,
        inferred=_inferred(draft, seen),
        skipped=structure.skipped | left_out,
        metadata=asked.contents.metadata,
        task=draft.task,
        scores=seen.scores,
        network_layers=structure.layers if left_out else (),
    )


def _chosen(layers: tuple[NodeLayer, ...], asked: str | None) -> tuple[tuple[NodeLayer, ...], dict[str, str]]:
    """Give the layers to look at, and how many are left out, with the reason."""
    names = [layer.name for layer in layers] if asked is None else [name.strip() for name in asked.split(",")]
    known = [layer.name for layer in layers]
    for name in names:
        if name not in known:
            raise unknown_name("--only", name, known)
    chosen = tuple(layer for layer in layers if layer.name in names)
    rest = len(layers) - len(chosen)
    what = f"{rest:,} more layer{'s' if rest > 1 else ''}"
    return chosen, {what: "not among those that were asked for with --only"} if rest else {}


class Seen(NamedTuple):
    """How a network does on its data.

    Attributes
    ----------
    scores
        Score of each split that has labels or targets.
    outputs
        Outputs on the training rows of `fitted_rows`, in order; None where they have no labels or targets.
    """

    scores: dict[str, float]
    outputs: Tensor | None


def fitted_rows(count: int) -> Array:
    """Draw the training rows whose outputs are looked at, at most `FITTED`, in order.

    Parameters
    ----------
    count
        Number of training rows.
    """
    return np.sort(np.random.default_rng(0).permutation(count)[:FITTED])


@torch.no_grad()
def score_splits(network: Runnable, task: str, output: str, data: Dataset) -> Seen:
    """Run a network on each split that has labels or targets.

    Parameters
    ----------
    network
        Network that runs.
    task
        Name of the task, for `interp.tasks.find_task`.
    output
        Form of the outputs, as `LoadedModel.output` names it: ``linear``, ``softmax``, ``sigmoid`` and so on.
    data
        Data with targets in the form that the task compares with.
    """
    found, asked, outputs = {}, find_task(task), None
    for name, split in data.splits.items():
        values = asked.answers(split)
        if values is None:
            continue
        kept = fitted_rows(len(values)) if split is data.train else np.empty(0, np.int64)
        run = partial(_run_block, network.module, asked.scorer_of(split, values, network.scaling), values, output, kept)
        parts = list(_each_block(network)(run, input_blocks(network, split.inputs, block_of(network))))
        found[name] = sum(score for score, _ in parts) / len(split)
        outputs = torch.cat([part for _, part in parts]) if split is data.train else outputs
    return Seen(found, outputs)


def _each_block(network: Runnable) -> Callable[..., Iterator[tuple[float, Tensor]]]:
    """Give how blocks are gone through: several at once of modules that are ours, which nothing else runs meanwhile."""
    ours = isinstance(network.module, (Chain, Dag)) and device_of(network.module).type == "cpu"
    return side_by_side if ours else map


@torch.no_grad()
def _run_block(
    module: nn.Module, scorer: Scorer, values: Array, output: str, kept: Array, block: tuple[slice, Tensor]
) -> tuple[float, Tensor]:
    """Sum the scores of a block of samples, and give the outputs of those rows of it that are kept."""
    rows, x = block
    outputs = module(x)
    per_sample, _ = scorer(outputs, torch.from_numpy(values[rows]).to(x.device), output)
    first, last = np.searchsorted(kept, (rows.start, rows.stop))
    return float(per_sample.double().sum()), outputs[torch.from_numpy(kept[first:last] - rows.start)].cpu()


def _inferred(draft: Draft, seen: Seen) -> dict[str, Inference]:
    """Give all facts: what was seen of the network, how it does, and what was known before, which stands."""
    structure = draft.structure
    fit, skill = _fit(draft, seen)
    weights = drawn_weights(draft)
    firm = draft.facts["architecture"].confidence  # facts seen while it ran are no surer than the module itself
    names = sorted({layer.activation for layer in structure.layers[:-1]})
    found = {
        "activation": Inference(", ".join(names) or "identity", firm, "seen while the module ran"),
        "output": Inference(structure.output, firm, "seen while the module ran"),
        "trained": assess_training(weights, fit, skill),
        **({} if draft.data is None else draft.data.facts),
        **draft.facts,
    }
    return found if fit is None else {**doubted(found, fit, draft.doubt), "fit": fit}


def drawn_weights(draft: Draft) -> list[Tensor]:
    """Give the weights of each layer, (N, D, ...), so that torch draws them within 1 / sqrt(D).

    Parameters
    ----------
    draft
        Network that runs.
    """
    return [drawn for layer in draft.structure.layers if (drawn := _drawn(draft.module, layer)) is not None]


def _drawn(module: nn.Module, layer: NodeLayer) -> Tensor | None:
    """Give a layer's weights (N, D, ...) so that torch draws them within 1 / sqrt(D); None where it draws none.

    Weights of gates are drawn within 1 / sqrt(N).
    """
    weight = weight_of(module, layer)
    if layer.kind == "cell-output" and not isinstance(weight, nn.Parameter):
        return None
    of_a_gate = layer.kind in ("gate", "candidate")
    return weight.detach() * (layer.nodes / layer.inputs) ** 0.5 if of_a_gate else weight.detach()


def _fit(draft: Draft, seen: Seen) -> tuple[Inference | None, float]:
    """Compare the score on training rows with what a network of this size should reach; with the skill that it is."""
    data, task = draft.data, find_task(draft.task)
    values = task.answers(data.train) if data is not None else None
    if data is None or values is None or seen.outputs is None:
        return None, 0.0
    expect, score = expected(draft.task, data.train.inputs, values, _features(draft)), seen.scores["train"]
    truth = torch.from_numpy(values[fitted_rows(len(values))])
    # what is trained towards -1 and +1 need be no logit; and a regularised training sees other rows than these
    excused = are_of_signs(data) or ("regularisation" in draft.facts and not draft.doubt)
    of_outputs = "" if excused else doubt_of(draft.task, seen.outputs, truth, draft.structure.output)
    of_slopes = draft.doubt.why if draft.doubt is not None and draft.doubt.is_large else ""
    doubt = "; ".join(filter(None, (of_outputs, of_slopes)))
    if _is_known(draft) and is_sound(min(seen.scores.values()), expect):
        doubt = ""
    return assess_fit(draft.task, score, len(values), expect, doubt), expect.skill(score)


def _is_known(draft: Draft) -> bool:
    """Whether code or a graph says what runs, so that there is no other reading but of the inputs."""
    return draft.facts["architecture"].confidence == "certain" and not {"activation", "output"} & set(draft.facts)


def _features(draft: Draft) -> int | None:
    """Count what the last layer reads, or the narrowest gives: values or channels; None where it is the only one."""
    layers = draft.structure.layers
    if len(layers) == 1:
        return None
    if find_task(draft.task).narrowed:
        return min(layer.nodes for layer in layers[:-1])
    reach = weight_of(draft.module, layers[-1]).shape[2:] if layers[-1].kind.startswith("conv") else ()
    return layers[-1].inputs // math.prod(reach)
