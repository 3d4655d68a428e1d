"""Command-line options shared by the commands, and how their errors are shown."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from interp.analysis.boundaries import PRESETS, preset
from interp.checkpoints import LoadOptions
from interp.data import DataOptions
from interp.errors import InterpError, UsageError, first_line
from interp.interventions import INTERVENTIONS, InterventionOptions
from interp.run.limits import LARGE_LAYERS, LARGE_NODES, MOST_NODES, Limits
from interp.run.options import Options
from interp.store import check_writable
from interp.tasks.tasks import TASKS

MOST_LEVELS = 10_000


class Parser(argparse.ArgumentParser):
    """A command line whose faults are reported in one line like every other."""

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError` in place of printing the usage."""
        raise UsageError(self.prog, found=message, expected="a command line as --help shows", do="see --help")


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add what says how to open a model and its data."""
    group = parser.add_argument_group("model and data (a zoo checkpoint needs none of these)")
    group.add_argument("--data", help="digits, mnist, a .npz, .csv or .pt file, or package.module:callable")
    group.add_argument("--data-root", help="folder to look for data sets in (default: INTERP_DATA)")
    group.add_argument(
        "--target", help="column of a .csv to predict, or none (default: target, label, class, y; or the last)"
    )
    group.add_argument("--offline", action="store_true", help="never download")
    group.add_argument("--model", help="package.module:callable that returns the module the weights belong to")
    group.add_argument("--weights", help="file with the weights of torchvision:NAME or timm:NAME (default: random)")
    group.add_argument("--scaling", help="raw, x/A, (x/A-B)/C or (x-mean)/std (default: inferred)")
    group.add_argument("--activation", help="relu, abs, tanh, ... (default: inferred)")
    group.add_argument("--output", help="linear, activation or negated-activation (default: inferred)")
    group.add_argument(
        "--logits", help="which of a module's outputs holds the scores: a key or position (default: inferred)"
    )
    group.add_argument("--task", help=f"{', '.join(TASKS)} (default: inferred)")
    group.add_argument("--allow-pickle", action="store_true", help="let the file run code; only if you trust it")


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add what shapes the analysis."""
    group = parser.add_argument_group("analysis")
    group.add_argument("--seed", type=int, default=0, help="of every random draw (default: 0)")
    group.add_argument("--preset", default="default", help=f"thresholds: {', '.join(PRESETS)}")
    group.add_argument("--epsilon", type=float, help="largest distance of a coherent boundary to a cluster mean")
    _add_interventions(parser)
    _add_limits(parser)


def _add_limits(parser: argparse.ArgumentParser) -> None:
    """Add what says how much of a large network is looked at."""
    group = parser.add_argument_group(
        f"limits (a network of more than {LARGE_LAYERS} layers or {LARGE_NODES:,} nodes is large; the page says what "
        "was left out)"
    )
    group.add_argument("--everything", action="store_true", help="look at all of it, however long that takes")
    group.add_argument(
        "--nodes-per-layer",
        metavar="N",
        type=int,
        help=f"nodes with mixtures and prototypes (default: all; if large, {MOST_NODES:,} over all layers)",
    )
    group.add_argument(
        "--single-nodes",
        metavar="N",
        type=int,
        help="nodes of a swept layer changed one by one (all; 8 or more)",
    )
    group.add_argument("--swept-layers", metavar="N", type=int, help="layers swept, evenly over depth (all; 6)")
    group.add_argument("--inputs", metavar="N", type=int, help="inputs of each split for that (all; 100 or more)")


def _add_interventions(parser: argparse.ArgumentParser) -> None:
    """Add what is done to layers and nodes."""
    group = parser.add_argument_group("interventions (names separated by commas)")
    plain = InterventionOptions()
    names = ", ".join(INTERVENTIONS)
    group.add_argument(
        "--interventions",
        metavar="NAMES",
        help=f"of {names}, or package.module:name (default: {', '.join(plain.interventions)})",
    )
    group.add_argument(
        "--levels", type=int, help=f"levels of each (default: {plain.levels}; in a large network the published ones)"
    )
    group.add_argument("--layers", metavar="NAMES", help="sweep only these layers (default: all)")
    group.add_argument(
        "--nodes", metavar="NODES", help="sweep these nodes too, each on its own: layers.0:17,layers.0:18"
    )
    group.add_argument(
        "--together",
        metavar="SITES",
        action="append",
        default=[],
        help="sweep these layers or nodes too, all at once; may be given again",
    )
    group.add_argument(
        "--curve-levels",
        type=int,
        help=f"levels of every node's clamp curves, 0 for none (default: {plain.curve_levels}; none if large)",
    )
    group.add_argument("--no-ablation", action="store_true", help="leave the single-node ablations out")


def load_options(args: argparse.Namespace) -> LoadOptions:
    """Give what the user said of the model."""
    weights = None if args.weights is None else str(Path(args.weights).resolve())
    said = (args.model, args.scaling, args.activation, args.output, args.allow_pickle, args.task)
    return LoadOptions(*said, weights=weights, seed=getattr(args, "seed", 0), logits=args.logits)


def data_options(args: argparse.Namespace) -> DataOptions:
    """Give where data may be looked for."""
    return DataOptions(args.data_root, args.offline, args.target)


def run_options(args: argparse.Namespace) -> Options:
    """Give the settings of a run."""
    _check_range("--seed", args.seed, 0, 2**32 - 1)
    _check_range("--epsilon", args.epsilon, 0, 1e6)
    thresholds = preset(args.preset)
    if args.epsilon is not None:
        thresholds = replace(thresholds, epsilon=args.epsilon)
    swept, limits = _intervention_options(args), _limits(args)
    plain = Options(seed=args.seed, thresholds=thresholds, interventions=swept, limits=limits)
    return replace(
        plain,
        clusters=replace(plain.clusters, seed=args.seed),
        attribution=replace(plain.attribution, seed=args.seed),
    )


def _limits(args: argparse.Namespace) -> Limits:
    """Give the caps that the user named."""
    for name in ("nodes_per_layer", "single_nodes", "swept_layers", "inputs"):
        _check_range(f"--{name.replace('_', '-')}", getattr(args, name), 1, 10**9)
    return Limits(
        args.everything,
        args.nodes_per_layer,
        args.single_nodes,
        args.swept_layers,
        args.inputs,
        args.levels,
        args.curve_levels,
    )


def _intervention_options(args: argparse.Namespace) -> InterventionOptions:
    """Give what is done to layers and nodes; names are checked when the model is known."""
    _check_range("--levels", args.levels, 1, MOST_LEVELS)
    _check_range("--curve-levels", args.curve_levels, 0, MOST_LEVELS)
    if args.curve_levels == 1:
        raise UsageError("--curve-levels", found="1", expected="0, or 2 and more", do="leave it out for the default")
    plain = InterventionOptions()
    alone = [(node,) for node in _names("--nodes", args.nodes)]
    return replace(
        plain,
        levels=plain.levels if args.levels is None else args.levels,
        ablation=not args.no_ablation,
        seed=args.seed,
        interventions=_names("--interventions", args.interventions) or plain.interventions,
        curve_levels=plain.curve_levels if args.curve_levels is None else args.curve_levels,
        layers=_names("--layers", args.layers),
        groups=(*alone, *(_names("--together", sites) for sites in args.together)),
    )


def _names(option: str, text: str | None) -> tuple[str, ...]:
    """Cut a list of names at its commas; none where the option was not given."""
    if text is None:
        return ()
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if "" in names:
        raise UsageError(option, found=repr(text), expected="names separated by commas", do="see --help")
    return names


def _check_range(option: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:  # NaN lies in no range
        raise UsageError(option, found=str(value), expected=f"{low:,} to {high:,}", do="leave it out for the default")


def writable_folder(path: str | Path) -> Path:
    """See that an output folder can be made and written, before the long work, and leave nothing behind.

    Raises
    ------
    UsageError
        If it cannot.
    """
    folder = Path(path)
    check_writable(folder)
    return folder


def command_line(module: str) -> str:
    """Give the command as typed, to be printed in the report."""
    return shlex.join(["python", "-m", module, *sys.argv[1:]])


def guarded(main: Callable[[], None]) -> int:
    """Run a command: 0, or 2 with one line for a problem the user can act on; 130 when interrupted."""
    try:
        main()
    except InterpError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk, a file that vanished: not ours to repair
        problem = UsageError(
            error.filename or "a file",
            found=first_line(error),
            expected="to read and write it",
            do="see to it, run again",
        )
        print(f"error: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 0
