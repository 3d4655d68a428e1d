"""What a user may say: each setting once, from a field's mark and description, with what it shapes."""

import math

import pytest
from small_networks import data, dataset, loaded, mlp

from interp.data import DataOptions
from interp.errors import UsageError
from interp.interventions import INTERVENTIONS
from interp.run.find import all_stages
from interp.run.fingerprint import options_of
from interp.run.run import run_on
from interp.run.settings.options import Options, within_limits
from interp.run.settings.said import data_options_from, load_options_from, options_from
from interp.run.settings.settings import all_settings
from interp.tasks import TASKS

OTHER = {
    "seed": 1,
    "store": False,
    "epsilon": 0.1,
    "preset": "as-nn",
    "levels": 9,
    "ablation": False,
    "interventions": ("zero",),
    "curve_levels": 5,
    "layers": ("2",),
    "nodes": ("0:1",),
    "together": (("0", "2"),),
    "everything": True,
    "quick": True,
    "nodes_per_layer": 2,
    "single_nodes": 3,
    "swept_layers": 2,
    "inputs": 7,
    "read_copies": 5,
    "store_dtype": "float16",
    "predictions": False,
    "forward_dtype": "bfloat16",
    "positions": 3,
    "codec": "gzip",
}
"""Setting of the analysis -> a value that is not its default."""


@pytest.fixture(scope="module")
def large():
    """Give a network of fourteen layers, where limits apply, and its data."""
    chain, _ = mlp(widths=(12,) * 14 + (5,))
    return loaded(chain, (12,)), dataset(train=data(20, width=12))


def small():
    """Give a network of two layers, and its data."""
    chain, _ = mlp(widths=(12, 40, 5))
    return loaded(chain, (12,)), dataset(train=data(3000, width=12))


def test_every_setting_of_the_analysis_is_tried_here():
    assert set(OTHER) == {name for name, setting in all_settings().items() if not setting.is_of_model}


@pytest.mark.parametrize("name", OTHER)
def test_a_setting_shapes_the_stages_that_it_says_and_no_others(name, large, tmp_path):
    model, inputs = small() if name == "quick" else large  # of which a quick look takes as many random directions
    plain, changed = (run_on(model, inputs, tmp_path, options_from(said)) for said in ({}, {name: OTHER[name]}))
    stages = all_stages().values()
    found = [stage.name for stage in stages if options_of(plain, stage) != options_of(changed, stage)]
    assert found == [stage.name for stage in stages if all_settings()[name].shapes(stage)]
    assert found, "a setting that shapes nothing"


@pytest.mark.parametrize("name", all_settings())
def test_a_setting_is_described_in_plain_words(name):
    setting = all_settings()[name]
    assert len(setting.help) > 10
    assert not set("`*_") & set(setting.help)
    assert not setting.help.endswith(".") or setting.help.endswith("...")


def test_names_to_choose_from_are_all_named():
    settings = all_settings()
    for name in INTERVENTIONS:
        assert name in settings["interventions"].help
    for name in TASKS:
        assert name in settings["task"].help


def test_nothing_said_is_the_defaults():
    assert options_from({}) == Options()
    assert options_from({"levels": None, "layers": None}) == Options()
    assert data_options_from({}) == DataOptions()


def test_what_is_said_arrives():
    options = options_from({**OTHER, "store": True, "epsilon": 0.5})
    assert (options.thresholds.rule, options.thresholds.epsilon) == ("mean", 0.5)
    assert options.seed == options.interventions.seed == options.clusters.seed == options.attribution.seed == 1
    assert options.interventions.groups == (("0:1",), ("0", "2"))
    assert (options.interventions.levels, options.limits.levels) == (9, 9)
    assert options.interventions.ablation is False
    assert options.limits.everything is True
    assert load_options_from({"seed": 3, "weights": "a.pt", "allow_pickle": True}).weights.endswith("/a.pt")
    assert data_options_from({"data_root": "here", "target": "y"}) == DataOptions("here", False, "y")


@pytest.mark.parametrize("given", ["a, b", ["a", "b"], ("a", "b", "a")])
def test_several_names_come_as_text_or_as_a_list(given):
    assert options_from({"layers": given}).interventions.layers == ("a", "b")
    assert options_from({"together": [given, "c"]}).interventions.groups == (("a", "b"), ("c",))
    assert options_from({"together": "ab,c"}).interventions.groups == (("ab", "c"),)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"levels": "many"}, "levels: found 'many'; expected int"),
        ({"levels": True}, "levels: found True; expected int"),
        ({"levels": 0}, "levels: found 0; expected 1 to 10,000"),
        ({"epsilon": math.nan}, "epsilon: found nan; expected 0 to 1,000,000"),
        ({"everything": 1}, "everything: found 1; expected bool"),
        ({"layers": 3}, "layers: found 3; expected names separated by commas"),
        ({"layers": "a,,b"}, "layers: found 'a,,b'; expected names"),
        ({"together": 3}, "together: found 3; expected names"),
        ({"together": [3]}, "together: found 3; expected names"),
        ({"curve_levels": 1}, "curve_levels: found 1; expected 0, or 2 and more"),
        ({"preset": "defualt"}, "did you mean default"),
        ({"nodes_pre_layer": 3}, "found 'nodes_pre_layer'; .*did you mean nodes_per_layer"),
    ],
)
def test_what_is_not_allowed_is_refused(said, message):
    with pytest.raises(UsageError, match=message):
        options_from(said)


def test_errors_of_the_command_line_name_its_flags():
    with pytest.raises(UsageError, match=r"^--nodes-per-layer: found 0; expected 1 to 1,000,000,000; leave it out"):
        options_from({"nodes_per_layer": 0}, dashes="--")


def test_a_small_network_has_no_limits():
    chain, _ = mlp()
    model, inputs = loaded(chain), dataset(train=data(20))
    assert within_limits(options_from({}), model, inputs) == options_from({})


@pytest.mark.parametrize(("dashes", "expected"), [("--", "--store-dtype: .* or --no-store"), ("", "or store=False")])
def test_how_to_store_what_is_not_stored_is_refused(dashes, expected):
    with pytest.raises(UsageError, match=expected):
        options_from({"store": False, "store_dtype": "float16"}, dashes)
    assert options_from({"store": True, "store_dtype": "float16"}, dashes).recording.dtype == "float16"
