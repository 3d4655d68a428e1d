import re
from dataclasses import replace

import h5py
import numpy as np
import pytest
from store import golden
from store.golden import HERE, PROVENANCE, RESULTS
from store.test_elements import same

from interp.errors import MismatchError, UsageError
from interp.store import check_same, read_results, write_results
from interp.store.elements import READABLE, VERSION
from interp.types import Boundaries, Effects, GaussianFit

REMEDY = "python -m interp fit"
READS = f"interp-results of version {' or '.join(map(str, READABLE))}"
FITS = RESULTS["gaussians"][1]


@pytest.fixture
def path(tmp_path):
    write_results(tmp_path / "x.h5", FITS, PROVENANCE)
    return tmp_path / "x.h5"


def refused(path, found, expected=READS, kind=GaussianFit):
    do = "update interp, or run" if found.endswith(f"version {VERSION + 1}") else "run"
    message = re.escape(f"{path}: found {found}; expected {expected}; {do} `{REMEDY}`")
    with pytest.raises(MismatchError, match=f"^{message}$"):
        read_results(path, kind, REMEDY)


GOLDEN = {1: RESULTS, **{version: getattr(golden, f"RESULTS_{version}") for version in READABLE[1:]}}


@pytest.mark.parametrize(("version", "stem"), [(version, stem) for version, kinds in GOLDEN.items() for stem in kinds])
def test_golden_files_of_every_version_are_still_read(version, stem):
    kind, expected = GOLDEN[version][stem]
    found, provenance = read_results(HERE / f"{stem}_v{version}.h5", kind, REMEDY)
    same(found, expected)
    assert provenance == PROVENANCE


def test_what_version_1_lacks_reads_as_empty():
    found = read_results(HERE / "effects_v1.h5", Effects, REMEDY)[0]["all"]
    added = ("curves", "node_levels", "control", "balance", "classes", "groups", "node_classes")
    assert all(getattr(found, name).empty for name in added)


def test_written_results_are_read_back_beside_their_provenance(path):
    found, provenance = read_results(path, GaussianFit, REMEDY)
    same(found, FITS)
    assert provenance == PROVENANCE


def test_other_results_are_refused(path):
    refused(path, "GaussianFit results", "Boundaries", Boundaries)


def test_a_provenance_whose_digest_is_no_text_is_refused(tmp_path):
    write_results(tmp_path / "x.h5", FITS, replace(PROVENANCE, model_digest=5))
    refused(tmp_path / "x.h5", "a damaged file", "a whole interp-results")


def test_a_missing_file_is_refused(tmp_path):
    refused(tmp_path / "none.h5", "no such file", "a file of results")


@pytest.mark.parametrize("keep", [0, 20, 100, 3000])
def test_a_truncated_file_is_refused(path, keep):
    """Behind its first hundred bytes a file says how long it is."""
    whole = path.read_bytes()
    path.write_bytes(whole[:keep])
    cut = f"a file cut short, {keep:,} of {len(whole):,} bytes"
    refused(path, cut if keep >= 100 else "a damaged or foreign file", "a file of results")


def test_a_file_that_is_no_hdf5_is_refused(path):
    path.write_text("x" * 5000)
    refused(path, "a damaged or foreign file", "a file of results")


def test_foreign_hdf5_is_refused(path):
    with h5py.File(path, "w") as file:
        file["data"] = np.ones(3)
    refused(path, "foreign data of version 0")
    with h5py.File(path, "w") as file:  # as anndata writes it
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
    refused(path, "anndata of version 0.1.0")


def test_another_version_or_a_recording_is_refused(path):
    with h5py.File(path, "r+") as file:
        file.attrs["encoding-version"] = VERSION + 1
    refused(path, f"interp-results of version {VERSION + 1}")
    refused(HERE / "activations_v1.h5", "interp-recording of version 1")


def test_a_file_without_its_parts_is_refused(path):
    with h5py.File(path, "r+") as file:
        del file["results"]["features.0"]["mean"]
    refused(path, "a damaged file", "a whole interp-results")
    with h5py.File(path, "r+") as file:
        del file["results"]
    refused(path, "a damaged file", "a whole interp-results")


@pytest.mark.parametrize("seed", range(20))
def test_damage_is_refused_or_harmless_but_never_a_traceback(path, seed):
    rng = np.random.default_rng(seed)
    damaged = bytearray(path.read_bytes())
    start = int(rng.integers(0, len(damaged) - 512))
    damaged[start : start + 512] = rng.bytes(512)
    path.write_bytes(damaged)
    try:
        read_results(path, GaussianFit, REMEDY)
    except MismatchError as error:
        assert str(path) in str(error)  # noqa: PT017 - either end is right


def test_results_of_another_model_or_data_set_are_refused(path):
    check_same(path, PROVENANCE, PROVENANCE, REMEDY)
    for what in ("model", "data"):
        other = replace(PROVENANCE, **{f"{what}_digest": "e" * 64})
        ours = getattr(PROVENANCE, f"{what}_digest")[:12]
        message = f"x.h5: found results of another {what} (eeeeeeeeeeee); expected {ours}; run `{REMEDY}`"
        with pytest.raises(MismatchError, match=re.escape(message)):
            check_same(path, other, PROVENANCE, REMEDY)
    check_same(path, replace(PROVENANCE, seed=3, versions={}), PROVENANCE, REMEDY)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(path):
    before = path.read_bytes()
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_results(path, {"a": FITS["features.0"], "b": object()}, PROVENANCE)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_is_a_file_cannot_be_written(path):
    message = f"{path / 'y.h5'}: found .*; expected a folder with room .*; .*choose another with --out"
    with pytest.raises(UsageError, match=message):
        write_results(path / "y.h5", FITS, PROVENANCE)


def test_same_results_same_bytes(path, tmp_path):
    write_results(tmp_path / "y.h5", FITS, PROVENANCE)
    assert (tmp_path / "y.h5").read_bytes() == path.read_bytes()
