"""Commands of the first screen are such that the program takes them."""

import importlib
import shlex

import pytest
from verdict.test_verdict import evidence

from interp.cli.commands import COMMANDS
from interp.cli.parser import Parser
from interp.verdict.alerts import ALERTS, find_rule
from interp.verdict.commands import FILLED_IN, command, to_fill_in

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


EXAMPLES = {"ACTIVATION": ("relu", "gelu", "tanh"), "SCALING": ("raw", "x/255", "(x/255-0.5)/0.5", "(x-mean)/std")}


def test_every_word_in_capitals_is_explained_by_values_that_the_program_takes():
    """Names of files stand for themselves; of options each value that is named can be typed."""
    words = {word for template in TEMPLATES.values() for word in template.split() if word.isupper()}
    assert words <= set(FILLED_IN)
    assert all(to_fill_in(f"interp x {word}") == {word: FILLED_IN[word]} for word in words)
    for word, values in EXAMPLES.items():
        line = f"interp report net.pt --{word.lower()} "
        for value in values:
            assert value in FILLED_IN[word]
            assert getattr(parsed(line + shlex.quote(value)), word.lower()) == value


def test_what_was_given_in_memory_has_no_command():
    assert command(evidence(), TEMPLATES["dead"]) == ""
    assert command(evidence(said=SAID | {"data": "arrays in memory"}), TEMPLATES["dead"]) == ""
    assert command(evidence(said=SAID), "") == ""


def test_nothing_is_left_behind_where_nothing_was_said():
    plain = {"checkpoint": "net.pt", "data": "digits"}
    assert command(evidence(said=plain), "report {checkpoint} {reading}") == "interp report net.pt"


def test_a_command_of_ones_own_may_have_an_apostrophe():
    assert to_fill_in("echo don't PRUNED") == {"PRUNED": FILLED_IN["PRUNED"]}
