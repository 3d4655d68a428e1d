"""Commands of the first screen are such that the program takes them."""

import importlib
import shlex

import pytest
from verdict.test_verdict import evidence

from interp.cli.commands import COMMANDS
from interp.cli.parser import Parser
from interp.verdict.alerts import ALERTS, find_rule
from interp.verdict.commands import command

SAID = {
    "checkpoint": "my net.pt",
    "data": "a b.npz",
    "load": {"model": None, "activation": None, "allow_pickle": True, "prefix": "net.", "seed": 3},
    "data_options": {"root": "/data", "offline": False, "image_size": 32, "categories": "one-hot"},
}


def parsed(line):
    program, name, *words = shlex.split(line)
    assert program == "interp"
    parser = Parser(prog=name)
    importlib.import_module(COMMANDS[name]).add_arguments(parser, name)
    return parser.parse_args(words)


TEMPLATES = {name: find_rule(rule).command for name, rule in ALERTS.items()}


@pytest.mark.parametrize("name", [name for name, template in TEMPLATES.items() if template])
def test_the_program_takes_every_command(name):
    args = parsed(command(evidence(said=SAID), TEMPLATES[name]))
    own = args.networks[0] if "networks" in vars(args) else args.checkpoint
    assert own == "my net.pt"
    assert (args.allow_pickle, args.prefix, args.data_root, args.image_size) == (True, "net.", "/data", 32)
    assert args.data == "a b.npz" or args.data.isupper(), "words in capitals are to be filled in"
    assert "networks" not in vars(args) or args.networks[1].isupper()


def test_what_was_given_in_memory_has_no_command():
    assert command(evidence(), TEMPLATES["dead"]) == ""
    assert command(evidence(said=SAID | {"data": "arrays in memory"}), TEMPLATES["dead"]) == ""
    assert command(evidence(said=SAID), "") == ""


def test_nothing_is_left_behind_where_nothing_was_said():
    plain = {"checkpoint": "net.pt", "data": "digits"}
    assert command(evidence(said=plain), "report {checkpoint} {reading}") == "interp report net.pt"
