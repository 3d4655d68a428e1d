"""The follow-ups that reviewers of use-DM asked for: its perturbations on other networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from interp.interventions import NO_OPS
from interp.types import Dataset
from zoo.papers.options import ReproduceOptions
from zoo.papers.report import Page, run_lines
from zoo.papers.trainings import mini_batch
from zoo.papers.use_dm.sweeps import accuracies, sweep_all

ACTIVATIONS = ("abs", "relu", "gelu", "sigmoid", "tanh")
RUNS, EPOCHS = 3, 10
LEVELS = (("scale", 0.1), ("scale", 0.01), ("clip", 0.5), ("clip", 0.1), ("offset", 0.05), ("offset", 0.25))


def add_activations(page: Page, data: Dataset, options: ReproduceOptions) -> None:
    """Report the perturbations on perceptrons with other activations.

    Parameters
    ----------
    page
        Report that gets the section.
    data
        Data set MNIST.
    options
        Size of the reproduction, and its folders.
    """
    epochs = min(options.epochs or EPOCHS, EPOCHS)
    paths = {name: options.networks(mini_batch(name, epochs), RUNS, data, "norm")[:RUNS] for name in ACTIVATIONS}
    page.section(
        "Follow-up: other activations",
        f"784-128-10 with linear outputs on normalised inputs, {epochs} epochs in batches of 64 with momentum, {RUNS} "
        "runs each: another training than above, the same for all five.",
    )
    add_perturbations(page, {name: those for name, those in paths.items() if those}, data)


def add_perturbations(
    page: Page,
    paths: Mapping[str, Sequence[Path]],
    data: Dataset,
    layer: str | None = None,
    figure: str = "follow-up-perturbations",
) -> None:
    """Append the accuracies under the perturbations, as a table and as curves.

    Parameters
    ----------
    page
        Report that gets them.
    paths
        Network -> checkpoints of its runs.
    data
        Data set that they were trained on; accuracy is on the training split.
    layer
        Name of the perturbed layer; None for the first.
    figure
        Name of the figure's file, without the ending.
    """
    swept = {name: sweep_all(those, data, count=0, layer=layer) for name, those in paths.items()}
    page.add(f"Training accuracy in percent, mean over runs, with the {layer or 'hidden'} layer perturbed.")
    page.table(pd.DataFrame({name: _costs(table) for name, table in swept.items()}).T.rename_axis("network"), 4)
    page.figure(figure, perturbation_curves(swept), "Training accuracy against level at the published levels.")


def _costs(swept: pd.DataFrame) -> dict[str, float]:
    shown = {"none": ("scale", NO_OPS["scale"]), **{f"{kind} {level:g}": (kind, level) for kind, level in LEVELS}}
    return {label: float(accuracies(swept, *key).mean()) for label, key in shown.items()}


def perturbation_curves(swept: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw accuracy against the level of every perturbation, a line a network, with the range over runs.

    Parameters
    ----------
    swept
        Network -> accuracies at all levels, from `sweep_all`.
    """
    tall = pd.concat([table.assign(network=name) for name, table in swept.items()], ignore_index=True)
    tall = tall[tall["level"].abs() < float("inf")]
    where = {"x": "level", "y": "accuracy", "hue": "network", "col": "intervention"}
    grid = run_lines(tall, **where, facet_kws={"sharex": False})
    grid.axes_dict["scale"].set_xscale("log")
    grid.set_axis_labels("level", "training accuracy, %")
    figure: Figure = grid.figure
    return figure
