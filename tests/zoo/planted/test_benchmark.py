import json

import pandas as pd
from planted import beyond, results_of
from planting import work as workplace
from planting.plan import FRESH, KINDS, PLANTED, TUNING, Item, plan
from planting.summary import by_family, figures, layer_table

from interp.verdict.reading.noise import NoiseOptions
from interp.verdict.reading.profile import ProfileOptions
from zoo.planted.families import FAMILIES


def test_a_plan_holds_every_family_once_a_seed_and_any_part_of_it_some_of_each_kind():
    items = plan(240)
    assert {item.family for item in items} == {family for families in KINDS.values() for family in families}
    assert {item.family for item in items} <= set(FAMILIES)
    assert [item.seed for item in items] == list(range(FRESH, FRESH + 240))
    assert not {item.seed for item in items} & set(TUNING)
    early = [item.family for item in items[:40]]
    for families in KINDS.values():
        assert any(family in families for family in early)
    assert {item.family for item in plan(30)} >= PLANTED - {"both"}


def result(key, family, *layers):
    rest = {"balance": 0.0, "corrected": 1.0}
    named = {f"hidden{i}": {"truth": truth, "leaning": called} | rest for i, (truth, called) in enumerate(layers)}
    return {"key": key, "family": family, "layers": named, "setup": {"data": "mixture"}}


def test_figures_count_layers_for_what_is_found_and_networks_for_what_is_not_there():
    layers = layer_table(
        [
            result("a", "x", ("distances", "distances"), ("distances", "neither"), ("unknown", "distances")),
            result("b", "x", ("distances", "intensities"), ("intensities", "intensities")),
            result("c", "y", ("neither", "neither"), ("neither", "distances"), ("neither", "intensities")),
            result("d", "y", ("neither", "undecided")),
        ]
    )
    assert figures(layers) == {
        "distance_found": 0.3333,
        "intensity_found": 1.0,
        "wrong_side": 0.25,
        "false_untrained": 0.5,
    }
    assert by_family(layers).loc[("distances", "x"), "neither"] == 1
    assert figures(pd.DataFrame({"truth": [], "leaning": [], "key": []}))["wrong_side"] is None


def test_limits_are_on_the_side_that_they_are_meant_for():
    assert beyond("distance_found", 0.94, 0.95)
    assert not beyond("distance_found", 0.95, 0.95)
    assert beyond("wrong_side", 0.006, 0.005)
    assert not beyond("wrong_side", 0.005, 0.005)
    assert beyond("wrong_side", None, 0.005)


def test_a_network_is_made_read_and_put_down_in_plain_values():
    options = ProfileOptions(NoiseOptions(ends_only=True), copies=5)
    done = workplace.work(Item("untrained", 2_001), options)
    assert json.loads(json.dumps(done)) == done
    assert done["key"] == "untrained:2001"
    assert {layer["truth"] for layer in done["layers"].values()} == {"neither"}


def test_what_is_in_the_file_is_not_done_again(tmp_path):
    known = result("untrained:1", "untrained", ("neither", "neither"))
    file = tmp_path / "known.jsonl"
    file.write_text(json.dumps(known) + "\n")
    assert results_of([Item("untrained", 1)], file, jobs=1) == [known]


def test_networks_whose_plant_did_not_take_are_made_anew():
    made, weak = workplace.decisive(Item("clamped-above", 306))
    assert weak >= 1
    assert made.seed == 306 + workplace.AGAIN * weak
    assert workplace.known(made)


def test_a_small_run_may_lie_a_little_beyond_its_limits():
    assert beyond("distance_found", 0.9, 0.95)
    assert not beyond("distance_found", 0.9, 0.95, slack=0.1)
    assert beyond("wrong_side", 0.2, 0.005, slack=0.1)
