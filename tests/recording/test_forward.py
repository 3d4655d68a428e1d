"""Forward passes in bfloat16: what is recorded, and how far from float32 it is said to be."""

import re

import numpy as np
import pytest
import torch
from torch import nn

import interp.recording.record as record_module
import interp.store.recording_writer as writer_module
from interp.checkpoints import LoadOptions, load_module
from interp.cli.main import main
from interp.errors import UsageError
from interp.recording import StoreOptions, forward, record_activations
from interp.run import options_from, run_stages, start
from interp.run.recorded import recorded
from interp.store import RecordingWriter, open_recording
from interp.store.precision.forward import ForwardSums
from interp.types import Provenance

HALF = StoreOptions(forward="bfloat16")


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Unflatten(1, (1, 6, 6)),
        nn.Conv2d(1, 4, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64, 16),
        nn.ReLU(),
        nn.Linear(16, 3),
    ).eval()


def table(rows=120):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(rows, 36)).astype(np.float32), np.arange(rows) % 3
    return {"x_train": x[:80], "y_train": y[:80], "x_test": x[80:], "y_test": y[80:]}


def record(path, how, module=None, data=None):
    model, found = load_module(module or network(), data or table(), LoadOptions(scaling="raw"))
    record_activations(model, found, path, Provenance(model.digest, found.digest, 0, {}, {}), how=how)
    return model, found


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    folder = tmp_path_factory.mktemp("both")
    record(folder / "a.h5", StoreOptions())
    record(folder / "b.h5", HALF)
    return folder / "a.h5", folder / "b.h5"


@pytest.mark.parametrize("split", ["train", "test"])
def test_values_are_near_those_of_float32(both, split):
    """A product of bfloat16 numbers, summed in float32 and rounded, errs by 2^-8 of what is added up, twice."""
    with open_recording(both[0], split) as exact, open_recording(both[1], split) as half:
        assert exact.forward is None
        for name in exact.z:
            apart = np.abs(half.z[name][:] - exact.z[name][:])
            assert 0 < apart.max() < 0.1 * np.abs(exact.z[name][:]).max()


def test_all_samples_compared_give_the_difference_of_the_recordings(both, tmp_path, monkeypatch):
    monkeypatch.setattr(forward, "COMPARED", 1000)
    record(tmp_path / "all.h5", HALF)
    with open_recording(both[0]) as exact, open_recording(tmp_path / "all.h5") as half:
        assert (half.forward.dtype, half.forward.samples) == ("bfloat16", 80)
        for name, found in half.forward.layers.items():
            z = exact.z[name][:].astype(float)
            apart = np.abs(half.z[name][:] - z)
            expected = np.stack([apart.max(axis=0), np.sqrt((apart**2).mean(axis=0))]) / z.std(axis=0)
            np.testing.assert_allclose(found, expected, rtol=0.05, err_msg="but for rounding in blocks of another size")
        changed = (half.predictions != exact.predictions).mean()
        assert half.forward.changed == pytest.approx(changed, abs=1 / 80)
        assert 0 < half.forward.typical_output < half.forward.largest_output < 0.2


def test_some_are_compared_and_are_the_same_again(both, tmp_path):
    record(tmp_path / "again.h5", HALF)
    assert (tmp_path / "again.h5").read_bytes() == both[1].read_bytes()
    with open_recording(both[1], "test") as half:
        assert half.forward.samples == forward.COMPARED < 40


def test_a_killed_recording_goes_on_to_the_same_bytes(both, tmp_path, monkeypatch):
    path = tmp_path / "killed.h5"
    with monkeypatch.context() as patched:
        patched.setattr(RecordingWriter, "compare", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            record(path, HALF)
    record(path, HALF)
    assert path.read_bytes() == both[1].read_bytes()


@pytest.mark.parametrize("writes", [2, 8, 30])
def test_a_recording_killed_while_it_writes_goes_on_to_the_same_bytes(tmp_path, monkeypatch, writes):
    """Blocks are of 16 samples and 5 writes: killed are the first, the second, and the first of the test split."""
    monkeypatch.setattr(record_module, "samples_a_block", lambda *_: 16)
    record(tmp_path / "whole.h5", HALF)
    path, write, done = tmp_path / "killed.h5", writer_module.write_rows, []

    def killed(rows, start, values):
        write(rows, start, values)
        done.append(start)
        if len(done) == writes:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(writer_module, "write_rows", killed)
        with pytest.raises(KeyboardInterrupt):
            record(path, HALF)
    assert not path.exists()
    record(path, HALF)
    assert path.read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_sums_merge_to_those_of_all():
    rng = np.random.default_rng(0)
    z, outputs, classes = rng.normal(size=(30, 4)), rng.normal(size=(30, 3)), rng.integers(0, 3, 30)
    own, theirs, guesses = z + 0.01 * rng.normal(size=z.shape), outputs * 1.01, (classes + (classes == 2)) % 3
    blocks = [(({"a": z[part]}, outputs[part], classes[part]), ({"a": own[part]}, theirs[part], guesses[part]))
              for part in (slice(0, 7), slice(7, 20), slice(20, 30))]  # fmt: skip
    none = ForwardSums.none({"a": 4})
    whole = none
    for block in blocks:
        whole = whole.with_block(*block)
    parts = [none.with_block(*block) for block in blocks]
    first, second = whole.loss("bfloat16"), parts[2].merge(parts[0]).merge(parts[1]).loss("bfloat16")
    np.testing.assert_allclose(first.layers["a"], second.layers["a"], rtol=1e-12)
    assert (first.samples, first.changed) == (second.samples, second.changed) == (30, (classes == 2).mean())
    assert first.typical_output == pytest.approx(second.typical_output, rel=1e-12)
    assert first.typical_output == pytest.approx(np.sqrt((outputs**2).mean()) * 0.01 / outputs.std(), rel=1e-9)


def test_without_predictions_outputs_are_not_compared(tmp_path):
    record(tmp_path / "a.h5", StoreOptions(forward="bfloat16", predictions=False))
    with open_recording(tmp_path / "a.h5") as found:
        assert np.isnan([found.forward.largest_output, found.forward.changed]).all()
        assert found.forward.layers.keys() == found.z.keys()


class Stubborn(nn.Linear):
    """A layer that asks for the type of what it is given."""

    def forward(self, x):
        if x.dtype != torch.float32:
            raise RuntimeError("float32 only")
        return super().forward(x)


def test_a_network_that_does_not_run_so_is_refused_before_anything_is_written(tmp_path):
    module = nn.Sequential(nn.Linear(36, 4), nn.ReLU(), Stubborn(4, 3)).eval()
    with pytest.raises(
        UsageError, match=r"--forward-dtype: found bfloat16, in which the network fails: .*float32 only"
    ):
        record(tmp_path / "a.h5", HALF, module)
    assert not list(tmp_path.iterdir())


def test_stages_run_on_it_and_a_no_op_changes_nothing(tmp_path):
    """Sweeps are in float32, so that a no-op is one to the last bit, beside a baseline in float32."""
    options = options_from({"forward_dtype": "bfloat16", "quick": True, "ablation": False})
    run = start(network(), tmp_path, table(), LoadOptions(scaling="raw"), options=options)
    effects = run_stages(run, ["boundaries", "intervene"])["intervene"]
    (whole,) = effects.values() if isinstance(effects, dict) else (effects,)
    still = whole.whole_layers[whole.whole_layers["no_op"]]
    assert len(still)
    assert (still["difference"] == 0).all()
    with recorded(run) as recording:
        assert recording.forward is not None


def test_the_difference_is_printed_and_wrong_names_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.savez("a.npz", **table())
    torch.save(nn.Sequential(nn.Linear(36, 8), nn.ReLU(), nn.Linear(8, 3)).state_dict(), "a.pt")
    words = ["record", "a.pt", "--data", "a.npz", "--scaling", "raw", "--activation", "relu", "--out", "out"]
    assert main([*words, "--forward-dtype", "bfloat16"]) == 0
    shown = capsys.readouterr()
    said = (
        r"computed in bfloat16: of 32 training samples no value differs from float32 by over 0\.\d+ sigma of its node"
    )
    assert re.search(said, shown.err)
    assert re.search(r"; \d+% of predicted classes change", shown.err)
    assert re.search(
        r"^\S+: bfloat16 differs by up to 0\.\d+ sigma, 0\.\d+ sigma in root mean square$", shown.out, re.M
    )
    for more, message in [
        (["--forward-dtype", "float8"], "error: --forward-dtype: found 'float8'; expected one of bfloat16, float32"),
        (
            ["--forward-dtype", "bfloat16", "--no-store"],
            "error: --forward-dtype: found bfloat16; expected activations that",
        ),
    ]:
        assert main([*words, *more]) == 2
        assert capsys.readouterr().err.splitlines()[-1].startswith(message)
