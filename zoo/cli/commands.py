"""What the commands of ``python -m zoo`` do, given their parsed options."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import torch

from interp.data import DataOptions, load_dataset
from interp.errors import UsageError, unknown_name
from interp.types import Dataset
from zoo import checkpoints
from zoo.architectures import ARCHITECTURES, describe
from zoo.recipes import Attack, Recipe, default_recipe
from zoo.training import INITS, TrainOptions, train


def list_networks(options: Namespace) -> None:
    """Print every architecture with its activation and output.

    Parameters
    ----------
    options
        Parsed command line; nothing of it is used.
    """
    print(f"{'name':16}{'hidden activation':20}output")
    for name in ARCHITECTURES:
        facts = describe(name)
        print(f"{name:16}{facts['activation']:20}{facts['output']}")


def train_networks(options: Namespace) -> None:
    """Train every named network for every seed, and print a line for each.

    Parameters
    ----------
    options
        Parsed command line of ``train``.

    Raises
    ------
    UsageError
        If a name or a value is no choice, or a loss stops being finite.
    """
    check_device(options.device)
    data = load_dataset(options.data, DataOptions(options.data_root, options.offline))
    recipes = [recipe_from(name, data, options) for name in options.names]  # all names are checked first
    seeds = range(options.seed, options.seed + options.seeds)
    for recipe in recipes:
        for path in train(recipe, seeds, data, TrainOptions(options.out, options.device)):
            print(result_line(str(path), checkpoints.load(path)))


def reproduce_paper(options: Namespace) -> None:
    """Train the networks of a paper that are missing, and write its report.

    Parameters
    ----------
    options
        Parsed command line of ``reproduce``.

    Raises
    ------
    UsageError
        If there is no such paper, or ``--finished`` finds no finished network.
    """
    from zoo.papers.options import ReproduceOptions  # the analysis takes seconds to import: not for `train`
    from zoo.papers.papers import PAPERS

    check_device(options.device)
    if options.paper not in PAPERS:
        raise unknown_name("PAPER", options.paper, PAPERS)
    wanted = ReproduceOptions(
        options.runs,
        options.epochs,
        options.device,
        DataOptions(options.data_root, options.offline),
        options.reports,
        options.trained,
        not options.finished,
        options.others,
    )
    print(PAPERS[options.paper](wanted))


def rejudge_reports(options: Namespace) -> None:
    """Judge the stored cells of reports anew, and print the pages written.

    Parameters
    ----------
    options
        Parsed command line of ``rejudge``.

    Raises
    ------
    UsageError
        If a folder holds no report with cells.
    """
    from zoo.papers.report.rejudge import rejudge

    for folder in options.folders:
        print(rejudge(folder))


def check_device(name: str) -> None:
    """See that a device is there, before the long work.

    Parameters
    ----------
    name
        Name of the device, ``cpu`` or ``cuda``.

    Raises
    ------
    UsageError
        If torch sees no such device.

    Examples
    --------
    >>> check_device("cpu")
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device", found="cuda", expected="a device of this machine", do="leave it out for the CPU")


def recipe_from(name: str, data: Dataset, options: Namespace) -> Recipe:
    """Take the default recipe, changed as the options say.

    Parameters
    ----------
    name
        Name of the network in `zoo.architectures.ARCHITECTURES`.
    data
        Data set that it is trained on.
    options
        Parsed command line of ``train``.

    Returns
    -------
    Recipe
        Training as the options ask for it.

    Raises
    ------
    UsageError
        If a value is no choice, or the architecture has no such part.
    """
    if options.init is not None and options.init not in INITS:
        raise unknown_name("--init", options.init, INITS)
    recipe = default_recipe(name, data)
    arguments: dict[str, Any] = dict(recipe.arguments)
    if options.hidden is not None:
        arguments["hidden"] = options.hidden  # LeNet has no such argument: `build` says so
    if options.no_final_bias:
        arguments["final_bias"] = False
    return recipe.but(
        name=f"{name}-pgd" if options.pgd else None,
        attack=Attack(options.pgd) if options.pgd else None,
        arguments=arguments,
        epochs=options.epochs,
        batch=options.batch,
        lr=options.lr,
        momentum=options.momentum,
        init=options.init,
        scaling=options.scaling,
    )


def result_line(path: str, content: dict[str, Any]) -> str:
    """Say in one line what a checkpoint reached.

    Parameters
    ----------
    path
        Path of the checkpoint, as it is printed.
    content
        Content of the checkpoint, as `zoo.checkpoints.load` gives it.

    Examples
    --------
    >>> result_line("abs.pt", {"metrics": {"test_accuracy": 0.975}, "seed": 0, "epochs": 60})
    'abs.pt: test 97.50 % (seed 0, 60 epochs)'
    """
    reached = content["metrics"]
    parts = [
        f"{split} {100 * reached[f'{split}_accuracy']:.2f} %"
        for split in ("train", "test")
        if f"{split}_accuracy" in reached
    ]
    return f"{path}: {', '.join(parts)} (seed {content['seed']}, {content['epochs']} epochs)"
