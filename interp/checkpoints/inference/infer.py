"""Which reading of a bare state dict the training data single out, and how firmly.

The score on training data decides: measured on 25 published networks it finds the input scaling every
time, and the activation once ReLU's relatives count as one family in which ReLU stands unless another is
significantly better; likelihood and gradient norm do worse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from interp.checkpoints.inference.conv_scores import score_networks
from interp.checkpoints.inference.expected import Expected
from interp.checkpoints.inference.explain import FACTS, Fact, assumed, explain, placed_facts
from interp.checkpoints.inference.fit import NO_SKILL
from interp.checkpoints.inference.placement import Placement
from interp.checkpoints.inference.placing import best_places, placing
from interp.checkpoints.inference.prefer import finalists, prefer_simple
from interp.checkpoints.inference.race import Heat, by_merit, race
from interp.checkpoints.inference.readings import Reading, Score, all_readings, score_readings
from interp.checkpoints.inference.stacked import Layer
from interp.data import RAW, parse_scaling, scalings
from interp.errors import DataError
from interp.tasks import ASSUMED, Scorer, find_task
from interp.types import Array, Dataset, Inference, Scaling

DENSE_HEATS: tuple[Heat, ...] = (Heat(10_000, 0.03, 24), Heat(10**9, 0, 1))
PLACING_HEATS = (Heat(128, 0, 1),)
OPEN_HEATS = (Heat(128, 0.1, 24), Heat(1000, 0, 1))  # where every placement closes, many do well on few rows
CONV_HEATS: tuple[Heat, ...] = (Heat(128, 0.1, 10), Heat(1000, 0.02, 4), Heat(5000, 0, 1))


def infer_reading(
    layers: Sequence[Layer],
    data: Dataset | None,
    given: Mapping[str, str | None],
    places: Sequence[Placement] = (),
    task: str = ASSUMED.name,
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
    task
        Name of a task, for `interp.tasks.find_task`, which the data's targets fit.

    Returns
    -------
    reading
        The best.
    inferred
        ``activation``, ``input_scaling`` and ``output``; with convolutions also ``placement`` and
        ``order`` (of norm, activation and pooling).

    Raises
    ------
    DataError
        If inputs have another width than the first layer.
    """
    if data is not None:
        _check_width(layers, data)
    readings = all_readings(layers, _given_scalings(given, data), given, places)
    facts = placed_facts(any(layer.norm for layer in layers)) if places else FACTS
    asked = find_task(task)
    values = asked.answers(data.train) if data is not None else None
    if data is None or values is None:
        return _without_answers(readings, facts, given, layers)
    ways = {reading.scaling.name: reading.scaling for reading in readings}
    scorers = {name: asked.scorer(values, scaling) for name, scaling in ways.items()}
    scores = _scores(layers, scorers, readings, data.train.inputs, values, list(facts.values()), seed)
    chosen = prefer_simple(scores)
    if Expected(asked.chance(values), 0, "").skill(chosen.mean) < NO_SKILL:
        chosen = _conventional(scores) or chosen
    inferred = {fact: explain(fact, name, chosen, scores, given, task) for fact, name in facts.items()}
    return chosen.reading, inferred


def _check_width(layers: Sequence[Layer], data: Dataset) -> None:
    """Raise `DataError` where the data cannot be this network's; `image_shape` sees to the size of images."""
    width = layers[0].weight.shape[1]
    if not layers[0].is_convolution and data.width != width:
        raise DataError(
            data.name,
            found=f"{data.width} values a row",
            expected=f"{width}, as {layers[0].name} takes",
            do="give its own data",
        )


def _given_scalings(given: Mapping[str, str | None], data: Dataset | None) -> dict[str, Scaling]:
    text = given.get("scaling")
    if text is not None:
        scaling = parse_scaling(text, data)
        return {scaling.name: scaling}
    return {RAW.name: RAW} if data is None else scalings(data)


# --------------------------------------------------------------------------- choosing


def _without_answers(
    readings: Sequence[Reading], facts: Mapping[str, Fact], given: Mapping[str, str | None], layers: Sequence[Layer]
) -> tuple[Reading, dict[str, Inference]]:
    reading = next((r for r in readings if r.activation == "relu" and r.output == "linear"), readings[0])
    inferred = assumed(reading, facts, given)
    if len(layers) == 1:
        inferred["activation"] = Inference(reading.activation, "certain", "a single layer has no hidden activation")
    return reading, inferred


def _scores(
    layers: Sequence[Layer],
    scorers: Mapping[str, Scorer],
    readings: Sequence[Reading],
    inputs: Array,
    values: Array,
    facts: list[Fact],
    seed: int,
) -> list[Score]:
    """Race the readings, of a convolutional network those of the best placements; the simple end on equal terms."""
    run = partial(race, inputs=inputs, values=values, facts=facts, seed=seed)
    if readings[0].placement is None:
        score, heats, first = partial(score_readings, layers, scorers), DENSE_HEATS, []
    else:
        score, heats = partial(score_networks, layers, scorers), CONV_HEATS
        any_closes = any(reading.placement is not None and reading.placement.end for reading in readings)
        outputs = ("linear", "activation" if layers[-1].is_convolution else "negated-activation")
        first = placing(partial(run, score, heats=OPEN_HEATS if any_closes else PLACING_HEATS), readings, outputs)
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
