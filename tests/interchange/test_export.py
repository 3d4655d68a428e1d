"""The whole way: a run's folder, its recording and its results, without the network."""

import numpy as np
import pandas as pd
import pytest

import interp
from interp.cli.main import main
from interp.errors import MismatchError, UsageError
from interp.store import open_recording

NET = "zoo/pretrained/abs-digits.pt"


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    home = tmp_path_factory.mktemp("exported")
    return interp.analyse(NET, stages=["boundaries"], quick=True, nodes_per_layer=4, out=home / "run")


def test_values_and_the_table_of_nodes(analysis, tmp_path):
    path = interp.export(analysis.run.out, "npz", tmp_path / "a.npz")
    with np.load(path) as archive:
        found = dict(archive)
    for split in ("train", "test"):
        with open_recording(analysis.run.path("record"), split) as recording:
            for layer in recording.layers:
                np.testing.assert_array_equal(found[f"{split}/{layer.name}/z"], recording.z[layer.name][:])
    assert list(found["nodes/name"]) == list(analysis.nodes.index)
    assert list(found["nodes/kind"]) == list(analysis.nodes["kind"])
    np.testing.assert_array_equal(found["nodes/distance"], analysis.nodes["distance"])
    assert "nodes/mean" in found
    assert "nodes/zero_ablation" not in found  # `intervene` was not run


def test_an_analysis_writes_the_same_tables_as_its_folder(analysis, tmp_path):
    pytest.importorskip("pyarrow")
    first = analysis.export("parquet", tmp_path / "a", layers=["output"], splits=["test"])
    second = interp.export(analysis.run.out, "parquet", tmp_path / "b", layers=["output"], splits=["test"])
    assert [path.name for path in sorted(first.iterdir())] == ["nodes.parquet", "test.output.parquet"]
    for path in first.iterdir():
        pd.testing.assert_frame_equal(pd.read_parquet(path), pd.read_parquet(second / path.name))


def test_the_command_line(analysis, tmp_path, capsys):
    out = tmp_path / "a.npz"
    assert main(["export", str(analysis.run.out), "--to", "npz", "--layers", "output", "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    with np.load(out) as found:
        assert {name.split("/")[1] for name in found.files if name.endswith("/z")} == {"output"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"to": "exel"}, "found 'exel'"),
        ({"layers": ["fc9"]}, "found 'fc9'"),
        ({"splits": ["tset"]}, "found 'tset'"),
    ],
)
def test_wrong_names_are_one_line(analysis, tmp_path, options, expected):
    with pytest.raises(UsageError, match=expected):
        interp.export(analysis.run.out, **{"to": "npz", "path": tmp_path / "a.npz", **options})
    assert not list(tmp_path.iterdir())


def test_results_of_another_network_beside_the_recording_are_refused(analysis, tmp_path):
    other = interp.analyse("zoo/pretrained/relu-digits.pt", stages=["record"], out=tmp_path / "run")
    (other.run.out / "boundaries.h5").write_bytes(analysis.run.path("boundaries").read_bytes())
    with pytest.raises(MismatchError, match="another model"):
        interp.export(other.run.out, "npz", tmp_path / "a.npz")


def test_results_of_another_recording_are_refused(tmp_path):
    """Values that are stored anew, rounded, are not those that nodes were found from."""
    said = {"out": tmp_path / "run", "quick": True, "nodes_per_layer": 2}
    first = interp.analyse(NET, stages=["fit"], **said)
    interp.export(first.run.out, "npz", tmp_path / "a.npz")
    interp.analyse(NET, stages=["record"], store_dtype="bfloat16", **said)
    with pytest.raises(MismatchError, match=r"gaussians.h5: found results of another run of `record`.* interp fit`"):
        interp.export(first.run.out, "npz", tmp_path / "b.npz")
    interp.analyse(NET, stages=["fit"], store_dtype="bfloat16", **said)
    interp.export(first.run.out, "npz", tmp_path / "b.npz")


def test_a_folder_without_a_recording_is_refused(tmp_path):
    with pytest.raises(MismatchError, match="no such file"):
        interp.export(tmp_path, "npz", tmp_path / "a.npz")


def test_values_that_were_not_stored_are_said_to_be_so(tmp_path):
    found = interp.analyse(NET, stages=["record"], store=False, out=tmp_path / "run")
    with pytest.raises(MismatchError, match=r"stored no values; .*`python -m interp record` without --no-store"):
        found.export("npz", tmp_path / "a.npz")
