"""Later commands in a folder go on with what its recording says of itself, all of it."""

from dataclasses import fields, replace

import numpy as np
import pytest
from run.planted import SMALL, WORDS, planted_data, planted_network, planted_run

from interp.cli.main import main
from interp.errors import MismatchError, UsageError
from interp.recording import StoreOptions
from interp.recording.kept import stored_samples
from interp.run import Options, as_begun, resume, run_stage, run_stages, start
from interp.run.fingerprint import stage_provenance
from interp.run.recorded import recorded
from interp.run.settings.begun import as_recorded
from interp.tasks import NO_PREDICTION
from interp.types import Provenance

pytestmark = pytest.mark.usefixtures("few_draws")

OTHERS = {
    "dtype": StoreOptions(dtype="float16"),
    "predictions": StoreOptions(predictions=False),
    "codec": StoreOptions(codec="gzip"),
    "forward": StoreOptions(forward="bfloat16"),
    "positions": StoreOptions(positions=2),
}
"""Field of `StoreOptions` -> options in which it is another than its default."""

KEPT_WITHOUT_STORE = ("predictions", "positions")


@pytest.fixture
def home(tmp_path):
    planted_data(tmp_path / "data.npz")
    planted_network(tmp_path / "net.pt")
    return tmp_path


def test_every_field_is_tried():
    assert set(OTHERS) == {each.name for each in fields(StoreOptions)}


@pytest.mark.parametrize(
    ("name", "store"), [*((name, 0.3) for name in OTHERS), *((n, False) for n in KEPT_WITHOUT_STORE)]
)
def test_a_folder_is_opened_again_as_it_was_recorded(name, store, tmp_path):
    given = replace(SMALL, seed=3, store=store, recording=OTHERS[name])
    run = planted_run(tmp_path, given)
    run_stage(run, run.stage("record"))
    begun = as_begun(run.out, Options(seed=5))
    assert (begun.recording, begun.store) == (given.recording, store)
    assert (begun.recorded_seed, begun.seed) == (3, 5), "draws of later stages are their own"
    told = []
    again = resume(run.out, SMALL)
    run_stages(again, ["record"], told.append)
    assert [done.is_reused for done in told] == [True]
    plain = planted_run(tmp_path, replace(given, recording=StoreOptions()))
    made = (stage_provenance(one, one.stage("record")).fingerprint for one in (run, again, plain))
    ours, theirs, others = made
    assert ours == theirs != others


def test_what_no_statistics_say_of_predictions_no_later_stage_has(tmp_path):
    """Whatever the options of the later run: its files would have the fingerprint of runs without predictions."""
    without = replace(SMALL, store=False, recording=StoreOptions(predictions=False))
    first, other = planted_run(tmp_path, without), planted_run(tmp_path, replace(SMALL, store=False))
    run_stage(first, first.stage("record"))
    for run in (first, other, resume(first.out, SMALL)):
        with recorded(run) as recording:
            assert (np.asarray(recording.predictions) == NO_PREDICTION).all()


def test_later_commands_say_that_predictions_are_missing(home, capsys):
    words = [str(home / "net.pt"), "--data", str(home / "data.npz"), *WORDS[:6], "--out", str(home / "out")]
    said = "only 0 of 260 samples whose predicted class is recorded"
    assert main(["record", *words, "--no-store", "--no-predictions"]) == 0
    assert said in capsys.readouterr().out
    assert main(["fit", "--out", str(home / "out")]) == 0
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("draws", [[], ["--seed", "5"]])
def test_later_commands_say_which_samples_were_stored(draws, home, capsys):
    """Counts and rule are of the recording, whatever seed the command itself draws with."""
    words = [str(home / "net.pt"), "--data", str(home / "data.npz"), *WORDS[:6], "--out", str(home / "out")]
    kept = [len(stored_samples(200, 0.3, seed)) for seed in (4, 0, 5)]
    assert kept[0] not in kept[1:], "else this tells nothing"
    said = f"only {kept[0]} of 200 samples of the train split whose activations are stored"
    assert main(["record", *words, "--seed", "4", "--store", "30%"]) == 0
    assert said in capsys.readouterr().out
    for command in (["fit", "--out", str(home / "out"), *draws], ["fit", *words, *draws]):
        assert main(command) == 0
        shown = capsys.readouterr().out
        assert said in shown
        assert "the seed 4: those below 30 % of its range" in shown
    run = resume(home / "out", Options())
    with recorded(run) as recording:
        np.testing.assert_array_equal(recording.kept, stored_samples(200, 0.3, run.options.recorded_seed))


@pytest.mark.parametrize(
    "said",
    [{"recording": {"positions": 0}}, {"recording.predictions": 3}, {"recording": {"dtype": "int3"}}, {"store": -1}],
)
def test_what_no_option_can_be_is_refused(said, tmp_path):
    made = Provenance("ab", "cd", 0, {}, {"options": said})
    with pytest.raises(MismatchError, match=r"found a recording with .*; run `python -m interp record`"):
        as_recorded(Options(), made, tmp_path / "activations.h5")


@pytest.mark.parametrize("how", [StoreOptions(forward="bfloat16"), StoreOptions(dtype="float16")])
def test_how_to_store_what_is_not_stored_is_refused_of_options_too(how, tmp_path):
    with pytest.raises(
        UsageError, match=r"^options\.recording\.\w+: found \w+; .* are stored; leave it out, or store="
    ):
        start("zoo/pretrained/abs-digits.pt", tmp_path, options=Options(store=False, recording=how))


@pytest.mark.parametrize("how", [StoreOptions(forward="float61"), StoreOptions(dtype="float61")])
def test_unknown_types_are_refused_of_options_too(how, tmp_path):
    with pytest.raises(UsageError, match=r"^options\.recording\.\w+: found 'float61'; expected one of"):
        start("zoo/pretrained/abs-digits.pt", tmp_path, options=Options(recording=how))
