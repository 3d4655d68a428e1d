"""Processes of a job that open data together get what one gets, and decode each sample once a machine."""

import os
import pickle
import random
from collections import Counter
from itertools import chain

import numpy as np
import pytest
import torch
from PIL import Image
from together import together
from torch.utils.data import BatchSampler, DataLoader, Dataset, DistributedSampler, IterableDataset

import interp
from interp.data import DataOptions, load_dataset
from interp.data.streams.sampled import sampled
from interp.data.together import Together
from interp.errors import DataError
from interp.ranks import current
from interp.ranks.group import JobError
from interp.streams import RowsOnDisk

ROWS = 70


class Noted(Dataset):
    """Samples that note in a file of the folder, one a rank, which of them were asked for."""

    def __init__(self, folder):
        self.folder = folder
        rng = np.random.default_rng(0)
        self.x, self.y = rng.normal(size=(ROWS, 3, 2)).astype(np.float32), rng.integers(0, 3, ROWS)

    def __len__(self):
        return ROWS

    def __getitem__(self, index):
        with (self.folder / f"asked.{current().rank}").open("a") as file:
            file.write(f"{index} ")
        return self.x[index], int(self.y[index])


class Drawing(Noted):
    def __getitem__(self, index):
        x, y = super().__getitem__(index)
        return x + random.random() + float(torch.rand(())) + np.random.rand(), y  # noqa: NPY002


class InOrder(IterableDataset):
    def __init__(self, samples):
        self.samples = samples

    def __iter__(self):
        return (self.samples[index] for index in range(len(self.samples)))


class Collated:
    """A function of the user's own that makes batches."""

    def __call__(self, samples):
        return np.stack([x for x, _ in samples]), np.array([y for _, y in samples])


class Halving(DataLoader):
    """A loader that changes batches on their way."""

    def __iter__(self):
        return ((x / 2, y) for x, y in super().__iter__())


def asked(folder, size):
    """Give the samples that each rank asked for."""
    files = [folder / f"asked.{rank}" for rank in range(size)]
    return [[int(word) for word in file.read_text().split()] if file.exists() else [] for file in files]


def same(made, size, folder, options=DataOptions()):
    """Open data in several processes, each of which finds what one alone finds."""
    alone = load_dataset(made(), options)
    for file in folder.glob("asked.*"):
        file.unlink()

    def work():
        found = load_dataset(Together(made(), current()), options)
        assert found.digest == alone.digest
        assert found.facts == alone.facts
        for name, split in alone.splits.items():
            assert type(found.splits[name].inputs) is type(split.inputs)
            assert found.splits[name].inputs.dtype == split.inputs.dtype
            np.testing.assert_array_equal(found.splits[name].inputs, split.inputs)
            np.testing.assert_array_equal(found.splits[name].labels, split.labels)
        if isinstance(found.train.inputs, RowsOnDisk):
            at = os.fstat(found.train.inputs._source.file.fileno())
            assert at.st_nlink == 0  # it stands in no folder
            assert len(set(current().told(at.st_ino))) == 1  # one file, and one that is there once

    assert together(size, work, folder) == [(0, "")] * size


DIVIDED = {
    "data set": lambda data: data,
    "loader": lambda data: DataLoader(data, 8),
    "loader that shuffles": lambda data: DataLoader(data, 8, shuffle=True),
    "loader that drops the last": lambda data: DataLoader(data, 8, drop_last=True),
    "stream of a data set": interp.stream,
}


@pytest.mark.parametrize("kind", DIVIDED)
def test_each_decodes_a_part(tmp_path, kind):
    samples = 64 if "drops" in kind else ROWS
    same(lambda: DIVIDED[kind](Noted(tmp_path)), 3, tmp_path)
    assert asked(tmp_path, 3) == [list(range(samples * r // 3, samples * (r + 1) // 3)) for r in range(3)]


def test_splits_and_samples_that_fill_memory_are_divided_too(tmp_path, monkeypatch):
    monkeypatch.setattr("interp.data.streams.collect.MOST_HELD", 400)
    monkeypatch.setattr("interp.data.together.MOST_HELD", 400)
    same(lambda: {"train": Noted(tmp_path), "test": Noted(tmp_path)}, 2, tmp_path)
    assert Counter(chain(*asked(tmp_path, 2))) == Counter([*range(ROWS), *range(ROWS)])


ONCE = {
    "samples in order": lambda data: interp.stream(DataLoader(InOrder(data), 8)),
    "function": lambda data: interp.stream(lambda: ([x[None], [y]] for x, y in InOrder(data))),
    "iterator": lambda data: iter(DataLoader(data, 8)),
    "batches of the user's own": lambda data: DataLoader(data, 8, collate_fn=Collated()),
    "loader of the user's own": lambda data: Halving(data, 8),
    "stream of such": lambda data: interp.stream(Halving(data, 8)),
}


@pytest.mark.parametrize("kind", ONCE)
def test_what_cannot_be_parted_is_decoded_by_one(tmp_path, kind):
    same(lambda: ONCE[kind](Noted(tmp_path)), 2, tmp_path)
    assert asked(tmp_path, 2) == [list(range(ROWS)), []]


@pytest.mark.parametrize("kind", ["data set", "stream of a data set"])
def test_random_draws_are_those_of_one_process(tmp_path, kind):
    same(lambda: DIVIDED[kind](Drawing(tmp_path)), 2, tmp_path)
    parted, whole = Counter(chain(*asked(tmp_path, 2))), asked(tmp_path, 1)[0][-ROWS:]
    assert whole == list(range(ROWS))  # by one, in order, once the draws were seen
    assert max(parted.values()) <= 2


def test_images_of_a_folder(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(5):
            image = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
            image.save(tmp_path / "images" / name / f"{number}.png")
    monkeypatch.setattr("interp.data.streams.images.IMAGES", 2)
    for made in (lambda: tmp_path / "images", lambda: interp.stream(tmp_path / "images")):
        same(made, 2, tmp_path / "work")


def test_each_reads_for_itself_where_files_cannot_be_handed_on(tmp_path, monkeypatch):
    def refused(handle):
        raise PermissionError

    monkeypatch.setattr("interp.streams.nameless.Nameless.opened", refused)

    def work():
        found = load_dataset(Together(Noted(tmp_path), current()))
        np.testing.assert_array_equal(found.train.inputs, Noted(tmp_path).x.reshape(ROWS, -1))

    assert together(2, work, tmp_path) == [(0, "")] * 2
    assert asked(tmp_path, 2) == [list(range(ROWS))] * 2


SHARES = {
    "sampler": lambda data, sampler: DataLoader(data, 7, sampler=sampler),
    "sampler of batches": lambda data, sampler: DataLoader(data, batch_sampler=BatchSampler(sampler, 7, False)),
}


@pytest.mark.parametrize("kind", SHARES)
def test_a_loader_that_gives_each_rank_a_share_is_not_taken_for_the_whole(tmp_path, kind):
    """Ranks compare digests, and refuse data that differ: one's share must not stand for all."""

    def work():
        ranks, data = current(), Noted(tmp_path)
        loader = SHARES[kind](data, DistributedSampler(data, ranks.size, ranks.rank, shuffle=False))
        streamed = interp.stream(loader)
        for found in (loader, streamed):
            digests = ranks.told(load_dataset(Together(found, ranks)).digest)
            assert digests[0] != digests[1]
        drawn = ranks.told(sampled(streamed, ranks).digest)  # as with store=False
        assert drawn[0] != drawn[1]

    assert together(2, work, tmp_path) == [(0, "")] * 2


@pytest.mark.parametrize("given", [lambda data: data, interp.stream], ids=["in memory", "on disk"])
def test_targets_are_told_to_no_other_machine(tmp_path, given):
    class Wide(Noted):
        """Samples with more bytes of targets than all that ranks tell each other of them."""

        def __getitem__(self, index):
            return super().__getitem__(index)[0], np.full(1000, index, np.float32)

    def work():
        ranks, sizes = current(), []
        told = ranks.told
        ranks.told = lambda value: sizes.append(len(pickle.dumps(value))) or told(value)
        found = load_dataset(Together(given(Wide(tmp_path)), ranks))
        np.testing.assert_array_equal(found.train.targets, np.arange(ROWS)[:, None].repeat(1000, 1))
        assert sum(sizes) < 4000

    assert together(2, work, tmp_path) == [(0, "")] * 2
    assert sorted(chain(*asked(tmp_path, 2))) == list(range(ROWS))


class Another:
    """A path that reads differently for every process but two, as on machines of their own."""

    def read_text(self):
        return f"{current().rank // 2}\n"

    readlink = read_text


def test_on_each_machine_all_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr("interp.ranks.group.BOOT", Another())

    def work():
        found = load_dataset(Together(interp.stream(Noted(tmp_path)), current()))
        np.testing.assert_array_equal(found.train.inputs, Noted(tmp_path).x.reshape(ROWS, -1))

    assert together(3, work, tmp_path) == [(0, "")] * 3
    assert asked(tmp_path, 3) == [list(range(ROWS // 2)), list(range(ROWS // 2, ROWS)), list(range(ROWS))]


class Broken(Noted):
    def __getitem__(self, index):
        if index == ROWS - 1:
            raise ValueError("no such picture")
        return super().__getitem__(index)


class Uncounted(Noted):
    def __len__(self):
        raise ValueError("no such list")


@pytest.mark.parametrize("kind", [Broken, Uncounted])
@pytest.mark.parametrize("given", [lambda data: data, lambda data: DataLoader(data, 8)], ids=["data set", "loader"])
def test_what_fails_is_said_as_by_one_process(tmp_path, kind, given):
    data = given(kind(tmp_path))
    with pytest.raises(DataError) as alone:
        load_dataset(data)
    ends = together(2, lambda: load_dataset(Together(data, current())), tmp_path)
    assert ends[0] == (2, f"{DataError.__name__}: rank 0: {alone.value}")
    assert ends[1][1].startswith(f"{JobError.__name__}: rank 1: found rank 0: {alone.value}")
