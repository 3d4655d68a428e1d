"""use-DM's perturbations on networks trained against PGD, beside the same training on clean images."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch
from captum.robust import PGD

from interp.types import Dataset
from zoo.papers.options import ReproduceOptions
from zoo.papers.report import Page
from zoo.papers.trainings import mini_batch
from zoo.papers.use_dm.follow_ups import add_perturbations
from zoo.papers.use_dm.tolerated import tolerated
from zoo.recipes import Attack, Recipe
from zoo.training import logits, reopened

NETWORKS = ("abs", "relu")
RUNS, EPOCHS = 3, 10
PIXELS = 0.1  # radius of the attack, in fractions of the pixels' range
RADIUS = PIXELS / 0.3081  # of inputs (x/255-0.1307)/0.3081
JUDGE = Attack(RADIUS, steps=20, reach=2.5)  # the attack that robust accuracy is measured with


def pgd_recipe(name: str, epochs: int) -> Recipe:
    """Describe the follow-ups' training with every batch attacked first.

    Parameters
    ----------
    name
        Name of a perceptron in `zoo.architectures.ARCHITECTURES`.
    epochs
        Number of epochs.

    Examples
    --------
    >>> pgd_recipe("abs", epochs=10).attack.steps
    5
    """
    return mini_batch(name, epochs).but(name=f"{name}-pgd", attack=Attack(RADIUS))


def add_adversarial(page: Page, data: Dataset, options: ReproduceOptions) -> None:
    """Report accuracies, perturbations and tolerances with adversarial training and without.

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
    paths: dict[str, list[Path]] = {}
    for name in NETWORKS:
        for recipe, folder in ((mini_batch(name, epochs), "norm"), (pgd_recipe(name, epochs), "pgd")):
            paths[recipe.name] = options.networks(recipe, RUNS, data, folder)
    page.section("Follow-up: adversarial training", _setup(epochs))
    if not all(paths.values()):
        page.add("Not all of these networks are finished; the same command continues with the missing ones.")
        return
    table = pd.DataFrame(
        {"network": name, **robustness(path, data), **tolerated(path, data)}
        for name, those in paths.items()
        for path in those
    )
    page.table(_summary(table), 4)
    page.add(*[sentence(table, name) for name in NETWORKS])
    add_perturbations(page, paths, data, figure="adversarial-perturbations")


def robustness(path: Path, data: Dataset) -> dict[str, float]:
    """Measure a network's test accuracy on clean images and under `captum.robust.PGD`.

    Parameters
    ----------
    path
        Path of a zoo checkpoint.
    data
        Data set that it was trained on.

    Returns
    -------
    dict
        ``clean test accuracy`` and ``attacked test accuracy``, in percent.
    """
    module, splits = reopened(path, data)
    (x, y), inputs = splits["test"], splits["train"][0]
    loss = torch.nn.CrossEntropyLoss(reduction="none")
    attack = PGD(module, loss, float(inputs.min()), float(inputs.max()))
    with warnings.catch_warnings():  # Captum warns of its own second step
        warnings.filterwarnings("ignore", "Input Tensor 0 did not already require gradients")
        moved = attack.perturb(x, radius=JUDGE.radius, step_size=JUDGE.step, step_num=JUDGE.steps, target=y)
    right = {
        name: 100 * float((logits(module, of).argmax(dim=1) == y).double().mean())
        for name, of in (("clean", x), ("attacked", moved))
    }
    return {f"{name} test accuracy": value for name, value in right.items()}


def _summary(table: pd.DataFrame) -> pd.DataFrame:
    chosen = ["clean test accuracy", "attacked test accuracy", "weakening, accuracy", "shift, accuracy"]
    grouped = table.groupby("network", sort=False)[[*chosen, "ratio, accuracy"]]
    return grouped.mean().join(grouped.size().rename("runs"))


def sentence(table: pd.DataFrame, name: str) -> str:
    """Say what adversarial training did to robustness and to the preference for scaling over shifting.

    Parameters
    ----------
    table
        Accuracies and tolerances, a row a run, with the column ``network``.
    name
        Name of the network without adversarial training.
    """
    parts: Mapping[str, Sequence[pd.Series]] = {
        column: [table.loc[table["network"] == one, column] for one in (name, f"{name}-pgd")]
        for column in ("clean test accuracy", "attacked test accuracy", "ratio, accuracy")
    }
    (clean, clean_pgd), (hit, hit_pgd), (ratio, ratio_pgd) = parts.values()
    apart = max(ratio.min(), ratio_pgd.min()) > min(ratio.max(), ratio_pgd.max())
    weight = "the runs do not overlap" if apart else "the runs overlap"
    return (
        f"**{name}.** Adversarial training changes the test accuracy from {clean.mean():.2f} % to "
        f"{clean_pgd.mean():.2f} % on clean images and from {hit.mean():.2f} % to {hit_pgd.mean():.2f} % under attack. "
        f"Tolerated weakening over tolerated shift goes from {ratio.mean():.3g} ({ratio.min():.3g} to "
        f"{ratio.max():.3g}) to {ratio_pgd.mean():.3g} ({ratio_pgd.min():.3g} to {ratio_pgd.max():.3g}); {weight}."
    )


def _setup(epochs: int) -> str:
    train = Attack(RADIUS)
    return (
        f"The training of the follow-up above ({epochs} epochs, {RUNS} runs), where every batch is first attacked by "
        f"projected gradient descent: {train.steps} steps of {train.step / RADIUS:.2g} radii, largest norm, no random "
        f"start, radius {RADIUS:.3g} on normalised inputs, which is {PIXELS:g} of the pixels' range; pixels stay "
        "within that range. The step is our own for many networks at once, checked against `captum.robust.PGD` to "
        f"1e-6; accuracy under attack is measured with Captum's ({JUDGE.steps} steps of {JUDGE.step / RADIUS:.2g} "
        "radii, all test images). Weakening, shift and their ratio as under *Along training*, by accuracy on training "
        "images, of which the attacked training leaves more unlearned."
    )
