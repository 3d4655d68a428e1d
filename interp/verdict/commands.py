"""Commands that a reader can type, with the network and the data of this run in them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any, get_type_hints

from interp.checkpoints import LoadOptions
from interp.checkpoints.inference.candidates.outputs import STATED
from interp.data import DataOptions
from interp.data.load import IN_MEMORY
from interp.network import ACTIVATIONS
from interp.types.annotations.flags import Flag
from interp.verdict.evidence import Evidence

FILLED_IN: dict[str, str] = {
    "ACTIVATION": ", ".join(ACTIVATIONS),
    "SCALING": "raw (as stored), x/255 (divided by any number), (x/255-0.5)/0.5 (any mean and spread), or (x-mean)/std",
    "OUTPUT": ", ".join(STATED),
    "HEADS": "number of heads of the attention",
    "LABEL_ORDER": "the output of label 0, of label 1, and so on, such as 1,0,2",
    "MORE_SAMPLES": "the same data with more samples",
    "TRAINING_DATA": "the data that it was trained on",
    "WITHOUT_THEM": "the data without the samples that are in both splits",
    "WITH_LABELS": "the data with labels",
    "WITH_TEST_SPLIT": "the data with a test split",
    "RETRAINED": "the file of the network that is trained again",
    "PRUNED": "the file of the network without these nodes",
    "MERGED": "the file of the network with these nodes merged",
}
"""Word in capitals of a command -> what the reader types in its place."""


def to_fill_in(command: str) -> dict[str, str]:
    """Give what a reader types in place of each word in capitals of a command.

    Parameters
    ----------
    command
        Command of the first screen.

    Examples
    --------
    >>> to_fill_in("interp compare net.pt PRUNED --data digits")
    {'PRUNED': 'the file of the network without these nodes'}
    """
    try:
        words = shlex.split(command)
    except ValueError:  # an apostrophe in a command of a user's own
        words = command.split()
    return {word: meaning for word, meaning in FILLED_IN.items() if word in words}


def command(found: Evidence, template: str) -> str:
    """Fill in a command; empty where network or data were given in memory.

    Parameters
    ----------
    found
        Results of a run, with what the user said.
    template
        Command with ``{checkpoint}``, ``{options}`` (data and how the file is read) and ``{reading}`` (the latter
        alone) where they belong; words in capitals are for the reader to fill in. Reports end with the stage that this
        run ended with, but for those of everything.

    Examples
    --------
    >>> import torch
    >>> from interp.checkpoints import load_module
    >>> model, data = load_module(torch.nn.Sequential(torch.nn.Linear(64, 10)), "digits")
    >>> said = {"checkpoint": "net.pt", "data": "digits", "load": {"allow_pickle": True}}
    >>> found = Evidence(model, data, said=said)
    >>> command(found, "report {checkpoint} {options} --everything")
    'interp report net.pt --data digits --allow-pickle --everything'
    >>> command(Evidence(model, data), "report {checkpoint}")
    ''
    """
    if not template or not found.said or str(found.said["data"]).endswith(IN_MEMORY):
        return ""
    reading = [
        *_flags(found.said.get("load", {}), LoadOptions()),
        *_flags(found.said.get("data_options", {}), DataOptions()),
    ]
    reading += _end(str(found.said.get("until", "")), template)
    words = {
        "checkpoint": shlex.quote(str(found.said["checkpoint"])),
        "options": shlex.join(["--data", str(found.said["data"]), *reading]),
        "reading": shlex.join(reading),
    }
    return f"interp {template.format(**words)}".rstrip()


def _end(until: str, template: str) -> list[str]:
    """Give the flag of the last stage, where a command makes a page of as many."""
    is_alike = until and template.startswith("report ") and "--everything" not in template
    return ["--until", until] if is_alike else []


def _flags(said: Mapping[str, Any], default: Any) -> Iterator[str]:
    """Give the flags of what was said otherwise than by default."""
    for name, hint in get_type_hints(type(default), include_extras=True).items():
        flag = next((mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Flag)), None)
        value = said.get(name)
        if flag is not None and value is not None and value != getattr(default, name):
            yield f"--{(flag.name or name).replace('_', '-')}"
            yield from () if value is True else (str(value),)
