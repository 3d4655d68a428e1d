"""Which candidate the training data single out for a bare state dict, and how firmly.

The score on training data decides: measured on 25 published networks it finds the input scaling every
time, and the activation once ReLU's relatives count as one family in which ReLU stands unless another is
significantly better; likelihood and gradient norm do worse.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from interp.checkpoints.inference.candidates.candidate import Candidate, all_candidates
from interp.checkpoints.inference.candidates.halving import Round, successive_halving
from interp.checkpoints.inference.candidates.prefer import finalists, prefer_simple
from interp.checkpoints.inference.candidates.trial import Trial, TryOut, better, by_merit
from interp.checkpoints.inference.convolutional.layouts import PoolingLayout
from interp.checkpoints.inference.convolutional.shortlist import best_layouts, shortlist
from interp.checkpoints.inference.convolutional.trials import Runs, try_convolutional
from interp.checkpoints.inference.dense.trials import try_dense
from interp.checkpoints.inference.expected import expected
from interp.checkpoints.inference.explain import FACTS, Fact, assumed, explain, layout_facts
from interp.checkpoints.inference.fit import NO_SKILL
from interp.checkpoints.inference.restated import restated
from interp.checkpoints.inference.stack.layers import Layer
from interp.checkpoints.inference.weighing.again.closer import WEIGHED_ROWS
from interp.checkpoints.inference.weighing.jointly import FEW_LAYOUTS, LAYOUTS, found_jointly
from interp.checkpoints.inference.weighing.settled import Settled, Weighing
from interp.data import RAW, parse_scaling, scalings
from interp.data.sources.tables.categories import fitting_rows
from interp.errors import DataError
from interp.tasks import ASSUMED, Scorer, Task, find_task
from interp.types import Array, Dataset, Inference, Scaling

FEW = 2000
"""Number of rows on which nearest class means are measured."""

NEAR = 0.8
"""Share of the way from chance to the best score that a candidate must reach to be weighed."""

DENSE_ROUNDS: tuple[Round, ...] = (Round(10_000, 0.03, 24), Round(10**9, 0, 1))
LAYOUT_ROUNDS = (Round(128, 0, 1),)
OPEN_ROUNDS = (Round(128, 0.1, 24), Round(1000, 0, 1))  # where shapes exclude no layout, many score well on few rows
CONV_ROUNDS: tuple[Round, ...] = (Round(128, 0.1, 10), Round(1000, 0.02, 4), Round(5000, 0, 1))


def infer_candidate(
    layers: Sequence[Layer],
    data: Dataset | None,
    given: Mapping[str, str | None],
    layouts: Sequence[PoolingLayout] = (),
    task: str = ASSUMED.name,
    seed: int = 0,
    weighed_rows: int = WEIGHED_ROWS,
) -> Settled:
    """Choose a candidate for `layers` and say why.

    Parameters
    ----------
    layers
        Layers in running order, from `layer_stack`.
    data
        Data whose training split decides; None, or data without labels, leaves conventions, named as such.
    given
        Values of ``scaling``, ``activation`` and ``output`` that the user states; None where they are to be inferred.
    layouts
        Pooling layouts to try, of a convolutional network.
    task
        Name of a task that the data's targets fit, for `interp.tasks.find_task`.
    seed
        Seed of the random order in which rows are taken.
    weighed_rows
        Largest number of training rows of which all are looked at where some do not tell the activation; 0 where the
        best score decides.

    Raises
    ------
    DataError
        If inputs have another width than the first layer.
    """
    if data is not None:
        _check_width(layers, data)
    candidates = all_candidates(layers, given_scalings(given, data), given, layouts, find_task(task).measured)
    facts = layout_facts(any(layer.norm for layer in layers)) if layouts else FACTS
    asked = find_task(task)
    values = asked.answers(data.train) if data is not None else None
    if data is None or values is None:
        return _without_answers(candidates, facts, given, layers)
    tried = {candidate.scaling.name: candidate.scaling for candidate in candidates}
    scorers = {name: asked.scorer_of(data.train, values, scaling) for name, scaling in tried.items()}
    try_out = _try_out(layers, scorers)
    trials = _trials(layers, try_out, candidates, data.train.inputs, values, list(facts.values()), seed)
    chosen = prefer_simple(trials)
    is_open = _is_open(asked, layers, given)
    rows = (data.train.inputs, values, seed)
    most = LAYOUTS if weighed_rows else FEW_LAYOUTS
    jointly = partial(_jointly, layers, try_out, scorers, list(tried.values()), *rows, most)
    if is_poor := is_open and chosen.score < _floor(task, *rows):
        chosen, trials = jointly(chosen, trials)
    chance = asked.chance(values)
    least = chance + NO_SKILL * (1 - chance)
    at_chance = chosen.score < least
    if at_chance:
        chosen = _conventional(trials) or chosen
    explained = {fact: explain(fact, name, chosen, trials, given, task) for fact, name in facts.items()}
    if at_chance or not (is_open and weighed_rows) or _acts_before_the_mean(layers, chosen.candidate):
        return Settled(chosen.candidate, explained, is_at_chance=at_chance)
    image = data.image_shape if chosen.candidate.layout is None else chosen.candidate.layout.image
    weighing = Weighing(
        layers,
        try_out,
        scorers,
        data.train.inputs,
        values,
        list(tried.values()),
        facts,
        task,
        weighed_rows,
        image if image is not None and math.prod(image) == data.width else None,
        seed,
    )
    found = weighing(chosen.candidate, max(least, chance + NEAR * (chosen.score - chance)))
    if found.doubt and not is_poor:  # or else they were looked for before
        best, trials = jointly(chosen, trials)
        if best is not chosen:
            explained = {fact: explain(fact, name, best, trials, given, task) for fact, name in facts.items()}
            chosen = best
            found = weighing(best.candidate, max(least, chance + NEAR * (best.score - chance)))
    if found.candidate != chosen.candidate:
        explained |= restated(found.candidate, trials, layers, try_out, *rows, facts, given, task)
    return replace(found, facts={**explained, **found.facts})


def _jointly(
    layers: Sequence[Layer],
    try_out: TryOut,
    scorers: Mapping[str, Scorer],
    scalings: Sequence[Scaling],
    inputs: Array,
    values: Array,
    seed: int,
    most_layouts: int,
    chosen: Trial,
    trials: list[Trial],
) -> tuple[Trial, list[Trial]]:
    """Look for several kinds of activations, the scaling and the layout together; give the best, and all trials."""
    if len(layers) <= 2:
        return chosen, trials
    joint = found_jointly(layers, try_out, scorers, trials, scalings, inputs, values, seed, most_layouts)
    return joint[0] if joint and better(joint[0], chosen) else chosen, [*trials, *joint]


def _check_width(layers: Sequence[Layer], data: Dataset) -> None:
    """Raise `DataError` where the data cannot be this network's; `image_shape` sees to the size of images."""
    width = layers[0].weight.shape[1]
    if not layers[0].is_convolution and data.width != width:
        raise DataError(
            data.name,
            found=f"{data.width} values a row",
            expected=f"{width}, as {layers[0].name} takes",
            do=fitting_rows(data),
        )


def given_scalings(given: Mapping[str, str | None], data: Dataset | None) -> dict[str, Scaling]:
    """List the scalings to try, by name: what the user states, else what is usual for such data."""
    text = given.get("scaling")
    if text is not None:
        scaling = parse_scaling(text, data)
        return {scaling.name: scaling}
    return {RAW.name: RAW} if data is None else scalings(data)


# --------------------------------------------------------------------------- choosing


def _without_answers(
    candidates: Sequence[Candidate], facts: Mapping[str, Fact], given: Mapping[str, str | None], layers: Sequence[Layer]
) -> Settled:
    usual = (one for one in candidates if one.activation == "relu" and one.output == "linear")
    candidate = next(usual, candidates[0])
    inferred = assumed(candidate, facts, given)
    if len(layers) == 1:
        inferred["activation"] = Inference(candidate.activation, "certain", "a single layer has no hidden activation")
    return Settled(candidate, inferred)


def _is_open(task: Task, layers: Sequence[Layer], given: Mapping[str, str | None]) -> bool:
    """Whether activations are told apart by more than scores: of labels, where they are neither known nor none."""
    sloped = any(layer.slope is not None for layer in layers)
    return task.counted and len(layers) > 1 and not (sloped or given.get("activation"))


def _acts_before_the_mean(layers: Sequence[Layer], chosen: Candidate) -> bool:
    """Whether an activation of the last convolution acts before the mean over positions."""
    return layers[-1].is_convolution and chosen.ends_active


def _floor(task: str, inputs: Array, values: Array, seed: int) -> float:
    """Give the score of nearest class means, on few rows: below it a network is misread, or not trained.

    Rows are drawn, since those of a data set may lie sorted by class.
    """
    rows = np.random.default_rng(seed).permutation(len(values))[:FEW]
    return expected(task, inputs[rows], values[rows], None).floor


def _try_out(layers: Sequence[Layer], scorers: Mapping[str, Scorer]) -> TryOut:
    """Give the function that tries candidates of such layers."""
    if layers[0].is_convolution:
        return partial(try_convolutional, layers, scorers, runs=Runs())
    return partial(try_dense, layers, scorers)


def _trials(
    layers: Sequence[Layer],
    try_out: TryOut,
    candidates: Sequence[Candidate],
    inputs: Array,
    values: Array,
    facts: list[Fact],
    seed: int,
) -> list[Trial]:
    """Try the candidates, of a convolutional network those of the best layouts; the simple end on equal terms."""
    halve = partial(successive_halving, inputs=inputs, values=values, facts=facts, seed=seed)
    rounds, first = DENSE_ROUNDS, []
    if candidates[0].layout is not None:
        rounds = CONV_ROUNDS
        any_closes = any(candidate.layout is not None and candidate.layout.end for candidate in candidates)
        stated = {candidate.output for candidate in candidates}
        outputs = stated & {"linear", "activation" if layers[-1].is_convolution else "negated-activation"} or stated
        on_few = partial(halve, try_out, rounds=OPEN_ROUNDS if any_closes else LAYOUT_ROUNDS)
        first = shortlist(on_few, candidates, outputs)
        layouts = best_layouts(first)
        candidates = [candidate for candidate in candidates if (candidate.layout, candidate.order) in layouts]
    latest = {trial.candidate: trial for trial in [*first, *halve(try_out, candidates, rounds=rounds)]}
    finals = finalists(list(latest.values()))
    latest |= {trial.candidate: trial for trial in halve(try_out, finals, rounds=rounds[-1:])}
    return list(latest.values())


def _conventional(trials: Sequence[Trial]) -> Trial | None:
    """Take a plain ReLU network on inputs in [0, 1]: where every candidate is at chance, the best of them is noise."""
    plain = [t for t in trials if t.candidate.activation == "relu" and t.candidate.output == "linear"]
    return min(plain, key=lambda t: (not t.candidate.scaling.name.startswith("x/"), by_merit(t)), default=None)
