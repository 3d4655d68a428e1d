"""Flags whose value may be left out take no word that is none of their values."""

import argparse

import pytest

from interp.cli.arguments import add_settings, said
from interp.cli.parser import Parser
from interp.errors import UsageError
from interp.run import all_settings


def parsed(*words):
    parser = Parser(prog="interp record")
    parser.add_argument("checkpoint")
    add_settings(parser, all_settings().values())
    args = parser.parse_args(words)
    return args.checkpoint, said(args)["store"]


@pytest.mark.parametrize(
    ("words", "store"),
    [
        (["--store", "net.pt"], "all"),
        (["--store", "./net.pt"], "all"),
        (["net.pt", "--store"], "all"),
        (["--store", "--", "net.pt"], "all"),
        (["--store", "--seed", "1", "net.pt"], "all"),
        (["--no-store", "--store", "net.pt"], "all"),
        (["--store", "10%", "net.pt"], "10%"),
        (["--store", "5000", "net.pt"], "5000"),
        (["--store", "all", "net.pt"], "all"),
        (["--store=10%", "net.pt"], "10%"),
        (["net.pt", "--store", "200%"], "200%"),
        (["--store", "net.pt", "--no-store"], False),
    ],
)
def test_a_network_behind_store_is_the_network(words, store):
    network, found = parsed(*words)
    assert (network.removeprefix("./"), found) == ("net.pt", store)


@pytest.mark.parametrize("words", [
    ["--no-store", "--store", "10%"],
    ["--no-store", "--store=5000"],
    ["--store", "10%", "--no-store"],
])  # fmt: skip
def test_a_part_and_none_are_refused_in_either_order(words):
    with pytest.raises(UsageError, match=r"^interp record: found --(no-)?store .*beside .*; expected .*; see --help$"):
        parsed("net.pt", *words)


def test_words_of_a_default_are_a_value():
    for setting in all_settings().values():
        if setting.flag.read is not None:
            assert setting.checked(setting.flag.default, "") == setting.default


def test_after_two_dashes_all_words_are_files():
    parser = Parser()
    parser.add_argument("files", nargs="*")
    add_settings(parser, all_settings().values())
    assert parser.parse_args(["--", "--store", "a"]) == argparse.Namespace(
        **{**vars(parser.parse_args([])), "files": ["--store", "a"]}
    )
