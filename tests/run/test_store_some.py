"""Runs that store the activations of some samples: what is of these, what is of all, and what the page says."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
import quick
import torch
from run.planted import GIVEN, SMALL, WORDS, planted_data, planted_network
from torch.utils.data import DataLoader, TensorDataset

import interp
from interp.cli.main import main
from interp.comparison.activity import activities, left_out
from interp.comparison.members import Member
from interp.recording.kept import stored_samples
from interp.report.page import write_report
from interp.run import resume, run_all, run_stages, start
from interp.store import open_recording

pytestmark = pytest.mark.usefixtures("few_draws")

SHARE = 0.4


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Make a folder with a network, its data, and a run that stored all of them and one that stored some."""
    home = tmp_path_factory.mktemp("some")
    planted_data(home / "a.npz")
    planted_network(home / "a.pt")
    return home


@pytest.fixture(scope="module")
def analysed(home):
    found = {}
    with quick.blank_figures():
        for name, store in (("whole", True), ("some", SHARE)):
            options = replace(SMALL, store=store)
            found[name] = run_all(start(home / "a.pt", home / name, str(home / "a.npz"), GIVEN, options=options))
            write_report(found[name], home / name, "as typed")
    return found


def test_fits_are_of_the_rows_that_are_stored(home, analysed):
    fits = analysed["some"].fits
    with open_recording(home / "some" / "activations.h5") as found:
        np.testing.assert_array_equal(found.kept, stored_samples(200, SHARE, 0))
        for layer, fit in fits.items():
            z, labels = found.z[layer][:].astype(float), found.labels[found.kept]
            assert fit.count == len(found.kept) == len(z)
            np.testing.assert_allclose(fit.mean, z.mean(axis=0), rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(fit.var, z.var(axis=0), rtol=1e-9, atol=1e-9)
            for label in range(3):
                np.testing.assert_allclose(fit.class_mean[label], z[labels == label].mean(axis=0), rtol=1e-9, atol=1e-9)


def test_exemplars_are_samples_that_are_stored(home, analysed):
    kept = stored_samples(200, SHARE, 0)
    for own in analysed["some"].prototypes.values():
        for found in own.exemplars.values():
            assert set(found.ravel().tolist()) <= set(kept.tolist())


@pytest.mark.parametrize("file", ["effects.h5", "attribution.h5", "reading.h5"])
def test_what_runs_the_network_is_of_all_samples(home, analysed, file):
    """Levels hang on ranges and means of outputs, which the recording has of all samples."""

    def values(path):
        with h5py.File(path) as opened:
            found = {}
            opened["results"].visititems(lambda name, at: found.update({name: at[()]} if hasattr(at, "dtype") else {}))
            return found

    one, other = values(home / "whole" / file), values(home / "some" / file)
    assert one.keys() == other.keys()
    for name, value in one.items():
        if np.asarray(value).dtype.kind == "f":
            np.testing.assert_allclose(other[name], value, rtol=1e-6, atol=1e-9, err_msg=name)
        else:
            np.testing.assert_array_equal(other[name], value, name)


def test_the_page_says_how_many_were_stored_and_how_they_were_drawn(home, analysed):
    kept = {"train": len(stored_samples(200, SHARE, 0)), "test": len(stored_samples(60, SHARE, 0))}
    limits = json.loads((home / "some" / "report.json").read_text())["limits"]
    for split, of in (("train", 200), ("test", 60)):
        said = next(limit for limit in limits if limit["what"].startswith(f"samples of the {split} split whose"))
        assert (said["looked_at"], said["of"]) == (kept[split], of)
        assert said["rule"].startswith(
            "drawn by a hash (SplitMix64) of the index of a sample and the seed 0: those below"
        )
        assert "40 % of its range" in said["rule"]
    page = (home / "some" / "report.html").read_text()
    assert "those below 40 % of its range" in page
    assert "whose activations are stored" not in (home / "whole" / "report.html").read_text()


def test_few_stored_samples_are_said_to_be_few(analysed):
    """There are 200 training samples, of which kinds of nodes say something, and about 80 are stored."""
    said = {
        name: [one.evidence for one in found.verdict.alerts if one.name == "small-sample" and "kinds" in one.evidence]
        for name, found in analysed.items()
    }
    kept = len(stored_samples(200, SHARE, 0))
    assert said["whole"] == []
    assert [one.partition(" (")[0] for one in said["some"]] == [
        f"Activations of {kept} of 200 training samples are stored"
    ]


def test_a_folder_goes_on_as_it_was_begun(home, capsys):
    words = ["--data", str(home / "a.npz"), *WORDS[:6], "--out", str(home / "cli")]
    assert main(["record", str(home / "a.pt"), *words, "--store", "30%"]) == 0
    said = f"only {len(stored_samples(200, 0.3, 0))} of 200 samples of the train split whose activations are stored"
    assert said in capsys.readouterr().out
    before = (home / "cli" / "activations.h5").read_bytes()
    with h5py.File(home / "cli" / "activations.h5") as file:
        assert "those below 30 % of its range" in file["train/kept"].attrs["rule"]
        assert json.loads(file["provenance/settings"][()])["options"]["store"] == 0.3
    assert main(["fit", "--out", str(home / "cli")]) == 0
    assert said in capsys.readouterr().out
    assert resume(home / "cli", SMALL).options.store == 0.3
    assert main(["record", str(home / "a.pt"), *words, "--store", "30%"]) == 0
    assert (home / "cli" / "activations.h5").read_bytes() == before
    assert main(["record", str(home / "a.pt"), *words]) == 0, "all, where nothing is said"
    with open_recording(home / "cli" / "activations.h5") as found:
        assert found.kept is None


@pytest.mark.parametrize("given", ["0%", "200%", "abc", "0", "-3"])
def test_what_is_no_part_is_one_line(home, capsys, given):
    assert main(["record", str(home / "a.pt"), "--out", str(home / "never"), f"--store={given}"]) == 2
    line = capsys.readouterr().err.strip()
    assert line.startswith(f"error: --store: found '{given}'; expected a share such as 10%")
    assert line.endswith("give --no-store to store none" if given.startswith("0") else "leave it out to store all")
    assert "\n" not in line
    assert not (home / "never").exists()


class Endless(torch.utils.data.IterableDataset):
    """Samples without a length."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __iter__(self):
        return iter(zip(self.x, self.y, strict=True))


@pytest.mark.parametrize("store", [SHARE, 33])
def test_streams_loaders_and_arrays_keep_the_same_rows(home, store):
    arrays = dict(np.load(home / "a.npz"))
    x, y = torch.from_numpy(arrays["x_train"]), torch.from_numpy(arrays["y_train"])
    held = (arrays["x_test"], arrays["y_test"])
    sources = {
        "arrays": (arrays["x_train"], arrays["y_train"]),
        "loader": DataLoader(TensorDataset(x, y), batch_size=7),
        "stream": interp.stream(DataLoader(TensorDataset(x, y), batch_size=64)),
        "unknown": interp.stream(DataLoader(Endless(x, y), batch_size=13)),
    }
    net = str(home / "a.pt")
    given = {"activation": "abs", "scaling": "raw", "output": "linear"}
    found = {}
    for name, train in sources.items():
        data = {"train": train, "test": held}
        out = home / f"{name}-{store}"
        interp.analyse(net, data, stages=["record"], out=out, store=store, **given)
        with open_recording(out / "activations.h5") as recording:
            found[name] = recording.kept, {layer: z[:] for layer, z in recording.z.items()}
    for kept, z in found.values():
        np.testing.assert_array_equal(kept, stored_samples(200, store, 0))
        for layer, values in z.items():
            np.testing.assert_array_equal(values, found["arrays"][1][layer])


def test_prototypes_of_few_samples_average_those_that_are_stored():
    """Where files hold samples' shares in the means, those of the first layer are the means of what it reads."""
    found = interp.analyse("zoo/pretrained/abs-digits.pt", stages=["prototypes"], store=20, nodes_per_layer=4)
    own = found.run.read("prototypes")["hidden"]
    assert next(iter(own.network_share.values())).shape[1] == 20
    for kind, means in own.network_input.items():
        np.testing.assert_allclose(means, own.layer_input[kind], rtol=1e-6, atol=1e-6, err_msg=kind)


def test_networks_are_compared_on_samples_that_are_stored_of_all(home):
    members = []
    for name, store in (("one", SHARE), ("two", 50)):
        options = replace(SMALL, store=store)
        run = start(home / "a.pt", home / f"member-{name}", str(home / "a.npz"), GIVEN, options=options)
        run_stages(run, ["record"])
        members.append(run)
    whole = start(home / "a.pt", home / "member-whole", str(home / "a.npz"), GIVEN, options=SMALL)
    run_stages(whole, ["record"])
    common = np.intersect1d(stored_samples(200, SHARE, 0), stored_samples(200, 50, 0))
    one, two, all_of = activities([Member("", "", run, {}) for run in (*members, whole)], "train")
    with open_recording(home / "member-whole" / "activations.h5") as recording:
        for layer in one:
            assert len(one[layer]) == len(common) > 20
            np.testing.assert_array_equal(one[layer], two[layer])
            np.testing.assert_array_equal(one[layer], all_of[layer])
            assert recording.z[layer].shape[0] == 200
    told = left_out([Member("", "", run, {}) for run in (*members, whole)], "train", [one, two, all_of])
    assert len(told) == 1
    assert f" is of {len(common)} of 200 samples, those whose activations are stored of every network" in told[0]
    assert left_out([Member("", "", whole, {})], "train", [all_of]) == []


def test_exports_say_which_samples_they_hold(home, analysed, tmp_path):
    kept = stored_samples(200, SHARE, 0)
    with np.load(interp.export(home / "some", "npz", tmp_path / "a.npz")) as found:
        layer = next(iter(analysed["some"].fits))
        np.testing.assert_array_equal(found[f"train/{layer}/sample"], kept)
        assert found[f"train/{layer}/z"].shape[0] == len(kept)
        assert len(found["train/prediction"]) == 200
