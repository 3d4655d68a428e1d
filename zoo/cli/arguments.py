"""The commands of ``python -m zoo`` and their arguments."""

from __future__ import annotations

import argparse
from pathlib import Path

import zoo
from interp.cli import Parser
from zoo.cli.commands import list_networks, rejudge_reports, reproduce_paper, train_networks


def parser() -> argparse.ArgumentParser:
    """Build the command line of ``python -m zoo``, with its commands.

    Examples
    --------
    >>> parser().parse_args(["train", "abs", "--seeds", "3"]).seeds
    3
    """
    top = Parser(prog="python -m zoo", description=zoo.__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="name every network that can be trained")
    listing.set_defaults(run=list_networks)
    _add_reproduce(commands.add_parser("reproduce", help="train a paper's networks and write reports/PAPER"))
    judging = commands.add_parser("rejudge", help="judge the stored cells of reports anew, without their networks")
    judging.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="report, such as reports/use-dm")
    judging.set_defaults(run=rejudge_reports)
    _add_train(commands.add_parser("train", help="train networks, one a seed, many at once"))
    return top


def _add_train(train: argparse.ArgumentParser) -> None:
    train.set_defaults(run=train_networks)
    train.add_argument("names", nargs="+", metavar="NAME", help="architecture, see `python -m zoo list`")
    train.add_argument(
        "--data", default="digits", help="data set: digits (default), mnist, a file, or package.module:callable"
    )
    train.add_argument("--seed", type=_natural, default=0, help="seed of the first network (default 0)")
    train.add_argument(
        "--seeds", type=_positive, default=1, help="number of networks, with consecutive seeds (default 1)"
    )
    train.add_argument("--epochs", type=_positive, help="number of passes over the training data")
    train.add_argument("--batch", type=_natural, help="number of samples a step; 0 for all of them")
    train.add_argument("--lr", type=float, help="learning rate")
    train.add_argument("--momentum", type=float, help="momentum of gradient descent, 0 to 1")
    train.add_argument("--hidden", type=_positive, help="number of hidden nodes (not of LeNet)")
    train.add_argument("--init", help="initialisation: default, he-normal, he-normal-sampled or xavier-uniform")
    train.add_argument("--scaling", help="scaling of the inputs: raw, x/A, (x/A-B)/C or (x-mean)/std")
    train.add_argument(
        "--pgd", type=_radius, metavar="RADIUS", help="adversarial training: PGD within RADIUS of scaled inputs"
    )
    train.add_argument("--no-final-bias", action="store_true", help="last linear layer without bias")
    train.add_argument("--out", type=Path, default=Path("runs"), help="folder of the checkpoints (default runs)")
    _add_places(train)


def _add_reproduce(reproduce: argparse.ArgumentParser) -> None:
    reproduce.set_defaults(run=reproduce_paper)
    reproduce.add_argument("paper", metavar="PAPER", help="as-nn, hypotheses, use-dm, learn-dm, lenet or reading")
    reproduce.add_argument("--runs", type=_positive, help="number of networks a condition (default: the paper's)")
    reproduce.add_argument("--epochs", type=_positive, help="number of epochs (default: the paper's)")
    reproduce.add_argument(
        "--reports", type=Path, default=Path("reports"), help="folder that reports are written into (default reports)"
    )
    reproduce.add_argument(
        "--trained", type=Path, default=Path("runs"), help="folder of the trained networks (default runs)"
    )
    reproduce.add_argument("--others", type=Path, help="folder of checkpoints that others published, to be read too")
    reproduce.add_argument("--finished", action="store_true", help="train nothing, report on what is finished")
    _add_places(reproduce)


def _add_places(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data-root", help="folder of the data (else INTERP_DATA)")
    command.add_argument("--offline", action="store_true", help="never download")
    command.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="device to train on (default cpu)")


def _positive(text: str) -> int:
    return _whole(text, 1)


def _natural(text: str) -> int:
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    if not text.strip().removeprefix("-").isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least}")
    return int(text)


def _radius(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return value
