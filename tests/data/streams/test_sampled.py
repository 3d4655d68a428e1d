"""Samples of a stream that several processes draw are those that one draws, and each reads its own alone."""

import hashlib
from itertools import chain

import numpy as np
import pytest
import torch
from data.test_together import ROWS, Collated, Drawing, Noted, asked
from run.without_store.test_stages_without_store import differences
from together import together
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import interp
from interp.data.streams import sampled as home
from interp.data.streams.drawn import drawn
from interp.data.streams.sampled import batches_of, sampled
from interp.errors import DataError
from interp.ranks import current

HELD = 20


@pytest.fixture(autouse=True)
def few_are_held(monkeypatch):
    monkeypatch.setattr(home, "MOST_SAMPLES", HELD)
    monkeypatch.setattr(home, "LEAST_SAMPLES", 1)
    monkeypatch.setattr(home, "CHUNK", 8)


def test_the_digest_is_of_all_values_whatever_the_batches():
    x = np.arange(20, dtype=np.float32)[:, None]
    digests = {
        sampled(interp.stream(lambda size=size: (x[at : at + size] for at in range(0, 20, size)))).digest
        for size in (1, 3, 8, 20)
    }
    parts = [hashlib.sha256(x[at : at + 8].tobytes()).digest() for at in (0, 8, 16)]
    assert digests == {hashlib.sha256(b"".join(parts)).hexdigest()}
    for changed in (0, 7, 8, 19):
        other = x.copy()
        other[changed] = -1
        assert sampled(interp.stream(other)).digest not in digests


PARTED = {
    "data set": lambda data: interp.stream(data),
    "loader": lambda data: interp.stream(DataLoader(data, 7)),
    "batches of the user's own": lambda data: interp.stream(DataLoader(data, 7, collate_fn=Collated())),
    "draws": lambda data: interp.stream(Drawing(data.folder)),
}


@pytest.mark.parametrize("kind", PARTED)
def test_several_processes_draw_what_one_draws(tmp_path, kind):
    alone = sampled(PARTED[kind](Noted(tmp_path)))
    assert alone.arrays["x"].shape == (HELD, 3, 2)
    (tmp_path / "asked.0").unlink()

    def work():
        found = sampled(PARTED[kind](Noted(tmp_path)), current())
        assert (found.digest, found.count) == (alone.digest, ROWS)
        assert found.is_divided is (kind in ("data set", "loader"))
        for name, array in alone.arrays.items():
            np.testing.assert_array_equal(found.arrays[name], array)
            assert found.arrays[name].dtype == array.dtype

    assert together(3, work, tmp_path) == [(0, "")] * 3
    reads = asked(tmp_path, 3)
    if kind == "draws":  # by one in the end, in order
        assert reads[0][-ROWS:] == list(range(ROWS))
    elif kind == "batches of the user's own":
        assert reads == [list(range(ROWS)), [], []]
    else:
        assert reads == [list(range(24)), list(range(24, 48)), list(range(48, ROWS))]


@pytest.mark.parametrize("bad", [4, 40, 42])
def test_a_value_that_is_not_finite_is_named_by_its_row_among_all(bad):
    x = np.zeros((ROWS, 2), np.float32)
    rows = interp.stream(DataLoader(TensorDataset(torch.from_numpy(x)), 4))
    ranges = [range(3, 5), range(40, 43)]
    assert sum(len(batch["x"]) for batch in batches_of(rows, ranges)) == 5
    x[bad] = np.inf
    with pytest.raises(DataError, match=f"in row {bad}; "):
        list(batches_of(rows, ranges))


@pytest.mark.parametrize("given", [lambda data: data, lambda data: DataLoader(data, 7)], ids=["data set", "loader"])
def test_draws_beside_a_further_pass_are_not_the_samples_fault(tmp_path, given):
    """The network runs while the next samples are read, and may draw from the same generators."""

    class Beside(Noted):
        is_first = True

        def __getitem__(self, index):
            if not self.is_first:
                torch.rand(())  # as another thread that comes between
            return super().__getitem__(index)

    def work():
        data = Beside(tmp_path)
        found, wholes = drawn(interp.stream(given(data)), current())
        data.is_first = False
        mine = [range(3, 5), range(40, 43)]
        blocks = [x for x, _ in wholes["train"].blocks(found.train, 5, mine)]
        np.testing.assert_array_equal(np.concatenate(blocks), data.x.reshape(ROWS, -1)[[3, 4, 40, 41, 42]])

    assert together(2, work, tmp_path) == [(0, "")] * 2


@pytest.mark.parametrize("kind", ["data set", "batches of the user's own"])
def test_statistics_are_those_of_one_process_and_each_reads_its_own_blocks(tmp_path, monkeypatch, kind):
    monkeypatch.setattr("interp.recording.passes.samples_a_block", lambda model, counts: 16)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
    said = {"scaling": "raw", "stages": ["fit"], "store": False}
    alone = interp.analyse(network, PARTED[kind](Noted(tmp_path)), out=tmp_path / "alone", **said)
    (tmp_path / "asked.0").unlink()

    def work():
        found = interp.analyse(network, PARTED[kind](Noted(tmp_path)), out=tmp_path / "several", **said)
        assert found.data.digest == alone.data.digest
        for stage in ("record", "fit"):
            apart = differences(stage, alone.found[stage], found.found[stage])
            assert all(size < 1e-10 for _, size in apart)  # sums are taken in another order

    assert together(2, work, tmp_path) == [(0, "")] * 2
    first, second = asked(tmp_path, 2)
    if kind == "data set":
        own = [range(16), range(32, 48), range(64, ROWS)], [range(16, 32), range(48, 64)]
        assert first == [*range(32), *chain(*own[0], *own[0])]
        assert second == [*range(32, ROWS), *chain(*own[1], *own[1])]
    else:  # drawn once, and read by each in both passes
        assert first == [*range(ROWS)] * 3
        assert second == [*range(ROWS)] * 2
