"""Flags of the command line, from the settings that a user may say."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

from interp.cli.parser import MayTake, TakesNone
from interp.errors import UsageError
from interp.run import Setting, Stage, all_settings
from interp.run.settings.limits import LARGE_LAYERS, LARGE_NODES

GROUPS = {
    "load": "model and data (a zoo checkpoint needs none of these)",
    "analysis": "analysis",
    "interventions": "interventions (names separated by commas)",
    "limits": f"limits (a network of more than {LARGE_LAYERS} layers or {LARGE_NODES:,} nodes is large; the page says "
    "what was left out)",
}
"""First part of a setting's path -> heading; `analysis` takes the others."""

DATA = (
    "data set: digits, mnist, torchvision:NAME, a .npz, .npy, .csv, .parquet or .pt file, a folder, or"
    " package.module:callable (default: the checkpoint's own)"
)
OUT = "folder that holds the stages' files"
OVERWRITE = "remove what an earlier run, of any network, wrote into the folder"


def add_settings(parser: argparse.ArgumentParser, settings: Iterable[Setting]) -> None:
    """Add a flag for each setting, under the heading of its group, with `--data` in the first.

    Parameters
    ----------
    parser
        Command line that gets the flags.
    settings
        Settings of the command.
    """
    groups: dict[str, list[Setting]] = {name: [] for name in GROUPS}
    for setting in settings:
        first = setting.path.partition(".")[0].replace("data", "load")
        groups[first if first in GROUPS else "analysis"].append(setting)
    for name, members in groups.items():
        group = parser.add_argument_group(GROUPS[name])
        if name == "load":
            group.add_argument("--data", help=DATA)
        for setting in members:
            _add_flag(group, setting)


def settings_of(*stages: Stage) -> list[Setting]:
    """Give the settings of model and data, and those that shape the results of any of some stages.

    Parameters
    ----------
    *stages
        Stages, which name their options.

    Examples
    --------
    >>> from interp.run import find_stage
    >>> "levels" in {setting.name for setting in settings_of(find_stage("intervene"))}
    True
    """
    return [each for each in all_settings().values() if each.is_of_model or any(map(each.shapes, stages))]


def _add_flag(group: Any, setting: Setting) -> None:
    name, help = f"--{setting.name.replace('_', '-')}", _help(setting)
    if setting.flag.read is not None:
        takes, whole = partial(_is_read, setting.flag.read), setting.flag.default
        group.add_argument(name, action=MayTake, takes=takes, const=whole, metavar="PART", help=help)
        without = f"--no-{name[2:]}"
        group.add_argument(without, dest=setting.name, action=TakesNone, const=whole, help="none of them")
    elif setting.kind is bool:
        action = argparse.BooleanOptionalAction if setting.default else "store_true"
        group.add_argument(name, action=action, default=None, help=help)
    elif setting.kind is tuple:
        action = "append" if setting.is_repeated else "store"
        group.add_argument(name, action=action, metavar="NAMES", help=help)
    else:
        group.add_argument(name, type=setting.kind, metavar={int: "N", float: "X"}.get(setting.kind), help=help)


def _is_read(read: Callable[[Any, str], Any], word: str) -> bool:
    """Tell whether a word can be the value of a setting."""
    with suppress(UsageError):
        read(word, "")
        return True
    return False


def _help(setting: Setting) -> str:
    text = setting.help.removeprefix("Whether ")
    text = text[:1].lower() + text[1:]
    default = setting.flag.default or ("" if setting.kind is bool else _text(setting.default))
    return (f"{text} (default: {default})" if default else text).replace("%", "%%")


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else "" if value is None else str(value)


def said(args: argparse.Namespace) -> dict[str, Any]:
    """Give the settings that the user gave a value, by name.

    Parameters
    ----------
    args
        Parsed command line.

    Examples
    --------
    >>> said(argparse.Namespace(levels=5, seed=None, checkpoint="net.pt"))
    {'levels': 5}
    """
    return {name: value for name, value in vars(args).items() if name in all_settings() and value is not None}
