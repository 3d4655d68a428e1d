"""Which reading of a bare state dict the training data single out, and how firmly.

Accuracy on training data decides: measured on 25 published networks it finds the input scaling every
time, and the activation once ReLU's relatives count as one family in which ReLU stands unless another is
significantly better; likelihood and gradient norm do worse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from interp.checkpoints.conv_scores import score_networks
from interp.checkpoints.explain import FACTS, Fact, assumed, explain, placed_facts
from interp.checkpoints.placement import Placement
from interp.checkpoints.placing import best_places, placing
from interp.checkpoints.prefer import finalists, prefer_simple
from interp.checkpoints.race import Heat, by_merit, race
from interp.checkpoints.readings import Reading, Score, all_readings, score_readings
from interp.checkpoints.stack import Layer
from interp.checkpoints.trained import judge_training, nearest_mean_accuracy, trained_from_weights
from interp.datasets import RAW, parse_scaling, scalings
from interp.errors import DataError
from interp.types import Array, Dataset, Inference, Scaling

DENSE_HEATS: tuple[Heat, ...] = (Heat(10_000, 0.03, 24), Heat(10**9, 0, 1))
PLACING_HEATS = (Heat(128, 0, 1),)
CONV_HEATS: tuple[Heat, ...] = (Heat(128, 0.1, 10), Heat(1000, 0.02, 4), Heat(5000, 0, 1))


def infer_reading(
    layers: Sequence[Layer],
    data: Dataset | None,
    given: Mapping[str, str | None],
    places: Sequence[Placement] = (),
    seed: int = 0,
) -> tuple[Reading, dict[str, Inference]]:
    """Choose a reading of `layers` and say why.

    Parameters
    ----------
    layers
        From `layer_stack`.
    data
        Its training split decides; without data or labels nothing can be inferred, and it says so.
    given
        What the user said of ``scaling``, ``activation`` and ``output``; None to infer.
    places
        Of a convolutional network, where padding, stride and pooling may stand.

    Returns
    -------
    reading
        The best.
    inferred
        ``activation``, ``input_scaling``, ``output`` and ``trained``; with convolutions also
        ``placement`` and ``order`` (of norm, activation and pooling).

    Raises
    ------
    DataError
        If inputs have another width than the first layer, or labels exceed the outputs.
    """
    if data is not None:
        check_fit(layers, data)
    readings = all_readings(layers, _given_scalings(given, data), given, places)
    facts = placed_facts(any(layer.norm for layer in layers)) if places else FACTS
    if data is None or data.train.labels is None:
        return _without_labels(readings, facts, given, layers)
    labels = data.train.labels
    scores = _scores(layers, readings, data.train.inputs, labels, list(facts.values()), seed)
    floor = nearest_mean_accuracy(data.train.inputs, labels)
    chosen = prefer_simple(scores)
    if chosen.accuracy < min(floor, 2 / len(data.classes)):
        chosen = _conventional(scores) or chosen
    inferred = {fact: explain(fact, name, chosen, scores, floor, given) for fact, name in facts.items()}
    return chosen.reading, {**inferred, "trained": judge_training(layers, chosen, len(data.classes), floor)}


def check_fit(layers: Sequence[Layer], data: Dataset) -> None:
    """Raise `DataError` where the data cannot be this network's; `image_shape` sees to the size of images."""
    width, outputs = layers[0].weight.shape[1], len(layers[-1].weight)
    if not layers[0].is_convolution and data.width != width:
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


def _without_labels(
    readings: Sequence[Reading], facts: Mapping[str, Fact], given: Mapping[str, str | None], layers: Sequence[Layer]
) -> tuple[Reading, dict[str, Inference]]:
    reading = next((r for r in readings if r.activation == "relu" and r.output == "linear"), readings[0])
    inferred = assumed(reading, facts, given)
    if len(layers) == 1:
        inferred["activation"] = Inference(reading.activation, "certain", "a single layer has no hidden activation")
    return reading, {**inferred, "trained": trained_from_weights([layer.weight for layer in layers])}


def _scores(
    layers: Sequence[Layer], readings: Sequence[Reading], inputs: Array, labels: Array, facts: list[Fact], seed: int
) -> list[Score]:
    """Race the readings, of a convolutional network those of the best placements; the simple end on equal terms."""
    run = partial(race, inputs=inputs, labels=labels, facts=facts, seed=seed)
    if readings[0].placement is None:
        score, heats, first = partial(score_readings, layers), DENSE_HEATS, []
    else:
        score, heats = partial(score_networks, layers), CONV_HEATS
        first = placing(partial(run, score, heats=PLACING_HEATS), readings)
        places = best_places(first)
        readings = [reading for reading in readings if (reading.placement, reading.norm) in places]
    latest = {result.reading: result for result in [*first, *run(score, readings, heats=heats)]}
    finals = finalists(list(latest.values()))
    latest |= {result.reading: result for result in run(score, finals, heats=heats[-1:])}
    return list(latest.values())


def _conventional(scores: Sequence[Score]) -> Score | None:
    """Take a plain ReLU network on inputs in [0, 1]: where every reading is at chance, the best of them is noise."""
    plain = [s for s in scores if s.reading.activation == "relu" and s.reading.output == "linear"]
    return min(plain, key=lambda s: (not s.reading.scaling.name.startswith("x/"), by_merit(s)), default=None)
