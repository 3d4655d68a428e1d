"""Which reading of a bare state dict the training data single out, and how firmly.

Accuracy on training data decides: measured on 25 published networks it finds the input scaling every
time, and the activation once ReLU's relatives count as one family in which ReLU stands unless another is
significantly better; likelihood and gradient norm do worse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from interp.activations import RELU_FAMILY
from interp.checkpoints.readings import Reading, Score, all_readings, score_readings
from interp.checkpoints.stack import Dense
from interp.datasets import RAW, parse_scaling, scalings
from interp.errors import DataError
from interp.inputs import as_tensor
from interp.scoring import predict
from interp.statistics import mcnemar
from interp.types import Array, Confidence, Dataset, Inference, Scaling

SIGNIFICANT = 1e-3
SAMPLE = 10_000
MARGIN = 0.03  # readings this far below the best on the sample are not tried on all rows
MOST_FINALISTS = 24


def infer_reading(
    layers: Sequence[Dense], data: Dataset | None, given: Mapping[str, str | None], seed: int = 0
) -> tuple[Reading, dict[str, Inference]]:
    """Choose a reading of `layers` and say why.

    Parameters
    ----------
    layers
        From `dense_stack`.
    data
        Its training split decides; without data or labels nothing can be inferred, and it says so.
    given
        What the user said of ``scaling``, ``activation`` and ``output``; None to infer.

    Returns
    -------
    reading
        The best.
    inferred
        ``activation``, ``input_scaling``, ``output`` and ``trained``.

    Raises
    ------
    DataError
        If inputs have another width than the first layer, or labels exceed the outputs.
    """
    if data is not None:
        check_fit(layers, data)
    readings = all_readings(layers, _given_scalings(given, data), given)
    if data is None or data.train.labels is None:
        return _without_labels(readings, given, layers)
    labels = data.train.labels
    scores = _finalists(layers, readings, data.train.inputs, labels, seed)
    floor = nearest_mean_accuracy(data.train.inputs, labels)
    chosen = _prefer_simple(scores)
    if chosen.accuracy < min(floor, 2 / len(data.classes)):
        chosen = _conventional(scores) or chosen
    inferred = {fact: _explain(fact, chosen, scores, floor, given) for fact in FACTS}
    return chosen.reading, {**inferred, "trained": _trained(layers, chosen, len(data.classes), floor)}


def check_fit(layers: Sequence[Dense], data: Dataset) -> None:
    """Raise `DataError` where the data cannot be this network's."""
    width, outputs = layers[0].weight.shape[1], len(layers[-1].weight)
    if data.width != width:
        raise DataError(
            data.name,
            found=f"{data.width} values a row",
            expected=f"{width}, as {layers[0].name} takes",
            do="give its own data",
        )
    check_labels(data, outputs)


def check_labels(data: Dataset, outputs: int) -> None:
    """Raise `DataError` for a label that the network has no output for."""
    for split, part in data.splits.items():
        top = int(part.labels.max()) if part.labels is not None else 0
        if top >= max(outputs, 2):
            raise DataError(
                f"{data.name} ({split})",
                found=f"label {top}",
                expected=f"labels 0 to {max(outputs, 2) - 1}, as the network has {outputs} outputs",
                do="give this network's own data",
            )


def _given_scalings(given: Mapping[str, str | None], data: Dataset | None) -> dict[str, Scaling]:
    text = given.get("scaling")
    if text is not None:
        scaling = parse_scaling(text, data)
        return {scaling.name: scaling}
    return {RAW.name: RAW} if data is None else scalings(data)


# --------------------------------------------------------------------------- choosing


def _finalists(
    layers: Sequence[Dense], readings: Sequence[Reading], inputs: Array, labels: Array, seed: int
) -> list[Score]:
    """Score all readings on a sample, then those near the best, and the best of every value, on all rows."""
    if len(labels) <= SAMPLE:
        return score_readings(layers, readings, inputs, labels)
    rows = np.sort(np.random.default_rng(seed).choice(len(labels), SAMPLE, replace=False))
    first = sorted(score_readings(layers, readings, inputs[rows], labels[rows]), key=_order)
    near = [s for s in first if s.accuracy >= first[0].accuracy - MARGIN][:MOST_FINALISTS]
    if first[0].accuracy < nearest_mean_accuracy(inputs[rows], labels[rows]):
        near += [s for s in first if _is_plain(s)]
    for fact in FACTS.values():
        values = {fact(score.reading) for score in first}
        near += [next(s for s in first if fact(s.reading) == value) for value in sorted(values)]
    return score_readings(layers, list({id(s.reading): s.reading for s in near}.values()), inputs, labels)


def _order(score: Score) -> tuple[float, float]:
    return (-score.accuracy, score.loss)


def _prefer_simple(scores: Sequence[Score]) -> Score:
    """Take the best, then its simpler neighbours unless they are significantly worse."""
    best = chosen = min(scores, key=_order)
    by_reading = {_key(score.reading): score for score in scores}
    simpler = [replace(best.reading, output="linear")] if best.reading.output == "activation" else []
    if best.reading.activation in RELU_FAMILY:
        simpler += [replace(reading, activation="relu") for reading in (best.reading, *simpler)]
    for reading in simpler:
        simple = by_reading.get(_key(reading))
        if simple is not None and not _better(best, simple):
            chosen = simple
    return chosen


def _conventional(scores: Sequence[Score]) -> Score | None:
    """Take a plain ReLU network on inputs in [0, 1]: where every reading is at chance, the best of them is noise."""
    plain = [score for score in scores if _is_plain(score)]
    return min(plain, key=lambda s: (not s.reading.scaling.name.startswith("x/"), _order(s)), default=None)


def _is_plain(score: Score) -> bool:
    return score.reading.activation == "relu" and score.reading.output == "linear"


def _key(reading: Reading) -> tuple[str, str, str, str]:
    return reading.scaling.name, reading.activation, reading.output, reading.norm


def _better(first: Score, second: Score) -> bool:
    """Whether `first` is right significantly more often than `second` on the same rows."""
    gained = int((first.correct & ~second.correct).sum())
    lost = int((second.correct & ~first.correct).sum())
    return gained > lost and float(mcnemar(gained, lost)) < SIGNIFICANT


# --------------------------------------------------------------------------- saying why

FACTS: dict[str, Callable[[Reading], str]] = {
    "activation": lambda reading: reading.activation,
    "input_scaling": lambda reading: reading.scaling.name,
    "output": lambda reading: reading.output,
}
FAMILIES = {"activation": frozenset(RELU_FAMILY), "output": frozenset({"linear", "activation"})}
"""Values that data tell apart poorly: between them the simplest stands, and the others are named."""

OPTIONS = {"activation": "activation", "input_scaling": "scaling", "output": "output"}


def _explain(
    fact: str, chosen: Score, scores: Sequence[Score], floor: float, given: Mapping[str, str | None]
) -> Inference:
    value = FACTS[fact](chosen.reading)
    if given.get(OPTIONS[fact]):
        return Inference(value, "certain", f"given with --{OPTIONS[fact]}")
    rivals = [s for s in scores if FACTS[fact](s.reading) != value]
    relatives = [s for s in rivals if {value, FACTS[fact](s.reading)} <= FAMILIES.get(fact, frozenset())]
    outside = [s for s in rivals if all(s is not relative for relative in relatives)]
    evidence = [f"{chosen.accuracy:.2%} right on {len(chosen.correct):,} training rows"]
    firm = chosen.accuracy > floor
    if not firm:
        evidence.append(f"no better than nearest class means ({floor:.2%}), so no reading can be trusted")
    if outside:
        rival = min(outside, key=_order)
        evidence.append(f"best with another value: {FACTS[fact](rival.reading)} {rival.accuracy:.2%}")
        firm = firm and _better(chosen, rival)
        if not _better(chosen, rival):
            evidence.append("a difference that chance explains")
    else:
        firm = firm and bool(relatives)
    evidence += _relatives_note(fact, chosen, relatives)
    return Inference(value, _level(firm), "; ".join(evidence))


def _relatives_note(fact: str, chosen: Score, relatives: Sequence[Score]) -> list[str]:
    tied: dict[str, str] = {}
    for score in sorted(relatives, key=_order):
        if not _better(chosen, score):
            value = FACTS[fact](score.reading)
            tied.setdefault(value, f"{value} {score.accuracy:.2%}")
    return [f"not excluded among close relatives: {', '.join(tied.values())}"] if tied else []


def _level(firm: bool) -> Confidence:
    return "likely" if firm else "uncertain"


def _without_labels(
    readings: Sequence[Reading], given: Mapping[str, str | None], layers: Sequence[Dense]
) -> tuple[Reading, dict[str, Inference]]:
    reading = next((r for r in readings if r.activation == "relu" and r.output == "linear"), readings[0])
    inferred = {}
    for fact, option in OPTIONS.items():
        said = bool(given.get(option))
        why = f"given with --{option}" if said else "assumed: without labels nothing can be tested"
        if fact == "activation" and len(layers) == 1 and not said:
            why, said = "a single layer has no hidden activation", True
        inferred[fact] = Inference(FACTS[fact](reading), "certain" if said else "uncertain", why)
    return reading, {**inferred, "trained": trained_from_weights([layer.weight for layer in layers])}


@torch.no_grad()
def choose_scaling(
    module: nn.Module, data: Dataset, shape: tuple[int, ...], given: str | None
) -> tuple[Scaling, Inference]:
    """Choose the scaling under which a module predicts most training labels; a given one stands."""
    if given is not None:
        scaling = parse_scaling(given, data)
        return scaling, Inference(scaling.name, "certain", "given with --scaling")
    labels = data.train.labels
    if labels is None:
        return RAW, Inference(RAW.name, "uncertain", "assumed: without labels nothing can be tested")
    rows = np.sort(np.random.default_rng(0).choice(len(labels), min(len(labels), SAMPLE // 2), replace=False))
    hits = {}
    for name, scaling in scalings(data).items():
        outputs = module(as_tensor(data.train.inputs[rows], scaling, shape))
        hits[name] = (predict(outputs, "linear").numpy() == labels[rows]).astype(bool)
    best, second = sorted(hits, key=lambda name: -hits[name].mean())[:2]
    p_value = float(mcnemar(int((hits[best] & ~hits[second]).sum()), int((hits[second] & ~hits[best]).sum())))
    firm = p_value < SIGNIFICANT and hits[best].mean() > nearest_mean_accuracy(data.train.inputs, labels)
    evidence = (
        f"{hits[best].mean():.2%} right on {len(rows):,} training rows; next best {second} {hits[second].mean():.2%}"
    )
    return scalings(data)[best], Inference(best, _level(firm), evidence)


# --------------------------------------------------------------------------- trained or not


def nearest_mean_accuracy(inputs: Array, labels: Array) -> float:
    """Accuracy of assigning each row to the nearest class mean, fitted and measured on the same rows."""
    classes = np.unique(labels)
    x = torch.from_numpy(np.asarray(inputs[:20_000], np.float32))
    y = torch.from_numpy(labels[:20_000])
    present = [c for c in classes.tolist() if (y == c).any()]
    means = torch.stack([x[y == c].mean(0) for c in present])
    nearest = (x @ means.T - (means**2).sum(1) / 2).argmax(1)
    return float((torch.tensor(present)[nearest] == y).double().mean())


def _trained(layers: Sequence[Dense], chosen: Score, classes: int, floor: float) -> Inference:
    by_weights = trained_from_weights([layer.weight for layer in layers])
    chance = 1 / max(classes, 2)
    accuracy = f"{chosen.accuracy:.2%} right at best, chance is {chance:.0%}"
    if by_weights.value is False and chosen.accuracy < floor:
        return Inference(False, "likely", f"{by_weights.evidence}; {accuracy}")
    if chosen.accuracy > max(floor, 2 * chance) or (by_weights.value and chosen.accuracy > floor):
        return Inference(True, "likely", accuracy)
    return Inference(None, "uncertain", f"{by_weights.evidence}; {accuracy}: other data, or an unknown reading")


def trained_from_weights(weights: Sequence[torch.Tensor]) -> Inference:
    """Tell from the weights alone: PyTorch draws them within 1/sqrt(fan-in), and training leaves that range."""
    reach = max(float(weight.abs().max()) * weight[0].numel() ** 0.5 for weight in weights)
    if reach <= 1.0001:
        return Inference(
            False, "uncertain", f"every weight lies in the default initial range (max |w|*sqrt(fan-in) {reach:.3f})"
        )
    return Inference(None, "uncertain", f"weights leave the default initial range (max |w|*sqrt(fan-in) {reach:.2f})")
