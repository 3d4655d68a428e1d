"""The commands of ``python -m zoo`` and their arguments."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from interp.errors import InterpError
from zoo.commands import list_networks, reproduce_paper, train_networks


def parser() -> argparse.ArgumentParser:
    """Describe the commands."""
    top = argparse.ArgumentParser(prog="python -m zoo", description=__import__("zoo").__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="name every network that can be trained")
    listing.set_defaults(run=list_networks)
    _add_reproduce(commands.add_parser("reproduce", help="train a paper's networks and write reports/PAPER"))
    _add_train(commands.add_parser("train", help="train networks, one a seed, many at once"))
    return top


def _add_train(train: argparse.ArgumentParser) -> None:
    train.set_defaults(run=train_networks)
    train.add_argument("names", nargs="+", metavar="NAME", help="see `python -m zoo list`")
    train.add_argument("--data", default="digits", help="digits, mnist, a file, or package.module:callable")
    train.add_argument("--seed", type=_natural, default=0, help="of the first network")
    train.add_argument("--seeds", type=_positive, default=1, help="how many networks, seeds counting up")
    train.add_argument("--epochs", type=_positive)
    train.add_argument("--batch", type=_natural, help="samples a step; 0 for all of them")
    train.add_argument("--lr", type=float, help="learning rate")
    train.add_argument("--momentum", type=float)
    train.add_argument("--hidden", type=_positive, help="hidden nodes (not LeNet)")
    train.add_argument("--init", help="default, he-normal, he-normal-sampled or xavier-uniform")
    train.add_argument("--scaling", help="raw, x/A, (x/A-B)/C or (x-mean)/std")
    train.add_argument("--pgd", type=_radius, metavar="RADIUS", help="train against PGD within RADIUS of scaled inputs")
    train.add_argument("--no-final-bias", action="store_true", help="last linear layer without bias")
    train.add_argument("--out", type=Path, default=Path("runs"), help="folder of the checkpoints (default runs)")
    _add_places(train)


def _add_reproduce(reproduce: argparse.ArgumentParser) -> None:
    reproduce.set_defaults(run=reproduce_paper)
    reproduce.add_argument("paper", metavar="PAPER", help="as-nn, use-dm, learn-dm or lenet")
    reproduce.add_argument("--runs", type=_positive, help="networks a condition (default: as many as the paper)")
    reproduce.add_argument("--epochs", type=_positive, help="default: as many as the paper")
    reproduce.add_argument("--reports", type=Path, default=Path("reports"), help="default reports")
    reproduce.add_argument("--trained", type=Path, default=Path("runs"), help="folder of the networks (default runs)")
    reproduce.add_argument("--finished", action="store_true", help="train nothing, report on what is finished")
    _add_places(reproduce)


def _add_places(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data-root", help="folder of the data (else INTERP_DATA)")
    command.add_argument("--offline", action="store_true", help="never download")
    command.add_argument("--device", choices=("cpu", "cuda"), default="cpu")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not a positive number")
    return value


def _radius(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def _natural(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is negative")
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if it worked, 2 with one line on the error stream if not."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except InterpError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command continues", file=sys.stderr)
        return 130
    return 0
