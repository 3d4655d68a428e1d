"""Every step's time is known: now where it was run, and as it was then where it was not run again."""

import json
import math
from dataclasses import replace

import pytest
import quick
from run.planted import SMALL, planted_run

from interp.report.sections.reproduce import section
from interp.run.pipeline import run_all, run_stages
from interp.run.timings import TIMINGS, keep_timing, made_in, note
from interp.types import Timing


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    folder = tmp_path_factory.mktemp("timings")
    before = (Timing("imports", 1.5), Timing("load", 0.5))
    with quick.few_draws():
        return [run_all(planted_run(folder, SMALL), before=before) for _ in range(2)]


def test_steps_stand_in_order_with_their_times(twice):
    steps = [one.step for one in twice[0].timings]
    assert steps == ["imports", "load", *(made.stage for made in twice[0].made)]
    assert all(one.seconds > 0 and one.made_in is None for one in twice[0].timings)


def test_what_was_not_run_again_says_so_with_its_time_then(twice):
    first, second = ({one.step: one for one in results.timings} for results in twice)
    assert second["load"].made_in is None
    for made in twice[0].made:
        assert 0 < second[made.stage].made_in <= first[made.stage].seconds + 0.001
        assert note(second[made.stage]).startswith("not run again; ")


def test_the_page_shows_them(twice):
    results = replace(twice[1], timings=(*twice[1].timings, Timing("page", 2.25)))
    frame = next(table.frame for table in section(results).tables if "Where the time went" in table.caption)
    assert frame["time"].iloc[0] == "1.5 s"
    assert [cell.text for cell in frame["step"]] == [one.step for one in results.timings]
    assert frame["note"].str.startswith("not run again").sum() == len(results.made)


def test_a_time_of_other_results_is_not_this_ones(tmp_path):
    run = planted_run(tmp_path)
    run_stages(run, ["record"])
    keep_timing(run.out, "record", 7.0, "of other options")
    told = []
    run_stages(run, ["record"], told.append)
    assert told[0].is_reused
    assert math.isnan(told[0].made_in)


@pytest.mark.parametrize(
    "content", ["", "[1]", '{"fit": 3}', '{"fit": {"seconds": "x", "fingerprint": "a"}}', "[" * 9999]
)
def test_a_damaged_file_tells_nothing_and_is_written_anew(content, tmp_path):
    (tmp_path / TIMINGS).write_text(content)
    assert math.isnan(made_in(tmp_path, "fit", "a"))
    keep_timing(tmp_path, "fit", 2.0, "a")
    assert made_in(tmp_path, "fit", "a") == 2
    assert "fit" in json.loads((tmp_path / TIMINGS).read_text())
