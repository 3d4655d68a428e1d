"""Every kind of stream gives the data set that the same samples in memory give, to the digest."""

import io
import threading
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, RandomSampler, TensorDataset, get_worker_info
from torch.utils.data import Dataset as TorchDataset

import interp
from interp.data import finite, load_dataset, scalings, stream
from interp.data.options import DataOptions
from interp.data.sources import find_source, image_files
from interp.data.sources.loaders import from_torch_dataset
from interp.data.streams import collect
from interp.data.streams.hugging_face import HuggingFace
from interp.data.streams.images import all_grey
from interp.data.streams.sources import from_batches
from interp.errors import DataError, UsageError
from interp.streams import RowsOnDisk, Stream, row_blocks

RNG = np.random.default_rng(0)
X = RNG.normal(size=(1000, 5)).astype(np.float32)
Y = RNG.integers(0, 3, 1000)
IMAGES = RNG.integers(0, 256, (40, 9, 8, 3), dtype=np.uint8)


class Rows(TorchDataset):
    def __len__(self):
        return len(X)

    def __getitem__(self, at):
        return X[at], int(Y[at])


class Endless(IterableDataset):
    """Samples of a number that nobody knows beforehand, each worker its own part, in blocks of a batch."""

    def __iter__(self):
        return iter(zip(X, Y.tolist(), strict=True))


def in_blocks(size=77):
    for start in range(0, len(X), size):
        yield X[start : start + size], Y[start : start + size]


GIVEN = {
    "arrays": (X, Y),
    "arrays by name": {"x": X, "y": Y},
    "tensors": (torch.from_numpy(X), torch.from_numpy(Y)),
    "a tensor data set": TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)),
    "a data set": Rows(),
    "an iterable data set": Endless(),
    "a loader": DataLoader(Rows(), batch_size=64),
    "a loader that shuffles": DataLoader(Rows(), batch_size=64, shuffle=True, drop_last=True),
    "a loader with workers": DataLoader(Rows(), batch_size=64, num_workers=2, multiprocessing_context="fork"),
    "a function": in_blocks,
    "batches by name": lambda: ({"x": x, "labels": y} for x, y in in_blocks()),
}


def assert_same(found, data, rounding=0):
    """Data, digest and scalings; rounding is for tables whose columns, not rows, lie together in memory."""
    assert found.digest == data.digest
    assert (found.classes, found.features, found.image_shape) == (data.classes, data.features, data.image_shape)
    assert found.facts == data.facts
    assert list(scalings(found)) == list(scalings(data))
    for name, scaling in scalings(data).items():
        np.testing.assert_allclose(scalings(found)[name].mean, scaling.mean, rtol=rounding)
        np.testing.assert_allclose(scalings(found)[name].std, scaling.std, rtol=rounding)
    for split, part in data.splits.items():
        assert isinstance(found.splits[split].inputs, RowsOnDisk)
        np.testing.assert_array_equal(np.asarray(found.splits[split].inputs), part.inputs)
        np.testing.assert_array_equal(found.splits[split].labels, part.labels)


class Halving(DataLoader):
    """A loader that changes batches on their way."""

    def __iter__(self):
        return ((x / 2, y) for x, y in super().__iter__())


def halved(loader):
    """Let the iterator of a loader, not its class, change batches."""
    usual = loader._get_iterator
    loader._get_iterator = lambda: ((x / 2, y) for x, y in usual())
    return loader


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("kind", [Halving, lambda *given, **said: halved(DataLoader(*given, **said))])
def test_a_loader_of_the_users_own_gives_what_it_gives(shuffle, kind):
    for given in (lambda found: found, stream):
        train, again = (load_dataset(given(kind(Rows(), batch_size=64, shuffle=shuffle))).train for _ in range(2))
        rows = np.lexsort(train.inputs.T) if shuffle else slice(None)
        wanted = np.lexsort(X.T) if shuffle else slice(None)
        np.testing.assert_array_equal(train.inputs[rows], X[wanted] / 2)
        np.testing.assert_array_equal(train.labels[rows], Y[wanted])
        np.testing.assert_array_equal(again.inputs, train.inputs)


class Backwards(RandomSampler):
    """A sampler of the user's own, which chooses samples and their order."""

    def __iter__(self):
        return iter(range(len(self.data_source) - 1, 699, -1))

    def __len__(self):
        return 300


@pytest.mark.parametrize(
    ("sampler", "rows"),
    [
        (Backwards(X), np.arange(999, 699, -1)),
        (RandomSampler(X), np.arange(1000)),
        (RandomSampler(X, num_samples=1000), np.arange(1000)),
        (RandomSampler(X[:40]), None),
        (RandomSampler(X, num_samples=40), None),
        (RandomSampler(X, num_samples=1500), None),
    ],
    ids=["own", "all", "all-said", "of-others", "fewer", "more"],
)
def test_a_sampler_that_draws_other_samples_than_all_is_asked_for_them(sampler, rows):
    for given in (lambda found: found, stream):
        found = load_dataset(given(DataLoader(Rows(), batch_size=64, sampler=sampler))).train
        assert len(found) == len(sampler)
        if rows is not None:
            np.testing.assert_array_equal(found.inputs, X[rows])


class Streamed(IterableDataset):
    """Rows one after the other, or those of a worker's own."""

    def __init__(self, is_divided):
        self.is_divided = is_divided

    def __iter__(self):
        worker = get_worker_info()
        step = slice(worker.id, None, worker.num_workers) if self.is_divided and worker else slice(None)
        return ((x, int(y)) for x, y in zip(X[step], Y[step], strict=True))


@pytest.mark.parametrize("given", [lambda found: found, stream], ids=["loader", "stream"])
def test_rows_that_every_worker_gives_are_refused(given):
    with pytest.raises(DataError, match=r"every batch 2 times, once from each worker; .*get_worker_info\(\), or pass"):
        load_dataset(given(DataLoader(Streamed(False), batch_size=64, num_workers=2)))
    for divided, workers in ((True, 2), (False, 1), (False, 0)):
        found = load_dataset(given(DataLoader(Streamed(divided), batch_size=64, num_workers=workers))).train
        assert len(found) == len(X)


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_a_stream_is_the_same_data(given):
    assert_same(load_dataset(stream(given)), load_dataset((X, Y)))


def test_batches_that_come_once():
    once = stream(in_blocks())
    assert once.samples is None
    assert_same(load_dataset(once), load_dataset((X, Y)))
    with pytest.raises(DataError, match="generator in memory: found batches that were read before: it comes once"):
        load_dataset(once)


@pytest.mark.parametrize(
    "given", [in_blocks(), in_blocks, lambda: iter([(X, Y)])], ids=["batches", "function", "other"]
)
def test_batches_are_data_without_more_ado(given):
    found = load_dataset(given)
    assert found.digest == load_dataset((X, Y)).digest
    assert not isinstance(found.train.inputs, RowsOnDisk)


@pytest.mark.parametrize("held", [4000, 10**6])
@pytest.mark.parametrize(
    "given", [Rows(), in_blocks, stream(Rows()), (X, Y)], ids=["data set", "function", "stream", "x"]
)
def test_values_are_seen_to_be_finite_once(monkeypatch, held, given):
    seen = []
    monkeypatch.setattr(collect, "MOST_HELD", held)
    monkeypatch.setattr(finite, "row_blocks", lambda rows: seen.append(len(rows)) or row_blocks(rows))
    load_dataset(given)
    assert sum(seen) == len(X)


def test_what_is_computed_of_rows_on_disk_is_seen_to_be_finite():
    rows = load_dataset(stream((X, Y))).train.inputs
    with pytest.raises(DataError, match="not finite in 32 bits in row 0"):
        load_dataset((rows * np.float32(np.nan), Y))


@pytest.mark.parametrize("name", ["a loader", "a loader with workers", "an iterable data set", "a function"])
def test_what_would_fill_memory_is_kept_on_disk(monkeypatch, name):
    monkeypatch.setattr(collect, "MOST_HELD", 4000)
    found = load_dataset(GIVEN[name])
    assert_same(found, load_dataset((X, Y)))
    assert not [thread for thread in threading.enumerate() if thread.name == "interp-ahead"]


def test_a_function_by_its_name_on_the_command_line(tmp_path, monkeypatch):
    (tmp_path / "own_batches.py").write_text(
        "import numpy as np\n"
        "def batches():\n"
        "    for start in range(0, 60, 7):\n"
        "        rows = np.arange(start, min(start + 7, 60))\n"
        "        yield np.stack([rows, rows % 5], 1) / 8, rows % 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    rows = np.arange(60)
    wanted = load_dataset((np.stack([rows, rows % 5], 1) / 8, rows % 3))
    assert load_dataset("own_batches:batches").digest == wanted.digest
    monkeypatch.setattr(collect, "MOST_HELD", 100)
    assert_same(load_dataset("own_batches:batches"), wanted)


def test_splits():
    found = load_dataset({"train": stream((X, Y)), "test": stream(in_blocks)})
    assert_same(found, load_dataset({"train": (X, Y), "test": (X, Y)}))
    assert_same(load_dataset(stream({"train": (X, Y), "test": in_blocks})), found)


def test_images_with_their_channels_last():
    data, labels = load_dataset((IMAGES, Y[:40])), Y[:40]
    assert "channels" in data.facts
    assert_same(load_dataset(stream((IMAGES, labels))), data)
    assert_same(load_dataset(stream(lambda: [(IMAGES[:9], labels[:9]), (IMAGES[9:], labels[9:])])), data)


def test_several_labels_and_words():
    words = np.array(["b", "a", "c"])[Y]
    assert load_dataset(stream((X, words))).digest == load_dataset((X, words)).digest
    several = RNG.integers(0, 2, (1000, 4))
    assert load_dataset(stream((X, several))).digest == load_dataset((X, several)).digest


@pytest.mark.parametrize("kind", ["int64", "int32", "uint16", "uint32", "int8"])
@pytest.mark.parametrize("largest", [3, 100, 999, 40_000, 10**9])
def test_whole_numbers_are_the_same_whatever_the_batches_hold(kind, largest):
    """They wait in as few bytes as hold them, which differ from batch to batch."""
    targets = np.where(np.arange(len(X)) < 700, Y, Y - min(largest, 2000) // 1000 + largest)
    targets = np.clip(targets, np.iinfo(kind).min, np.iinfo(kind).max).astype(kind)
    found = load_dataset(stream(lambda: ((X[i : i + 100], targets[i : i + 100]) for i in range(0, 1000, 100))))
    assert found.digest == load_dataset((X, targets)).digest


def test_class_indices_wait_in_few_bytes():
    found = collect.kept("mine", [{"x": X, "y": Y}, {"x": X, "y": Y + 200}])
    assert found["y"].tolist() == [*Y, *(Y + 200)]
    assert found["y"].itemsize == 2 < Y.itemsize
    negative = collect.kept("mine", [{"x": X, "y": -Y}, {"x": X, "y": Y.astype(np.int32) + 2**30}])
    assert negative["y"].tolist() == [*-Y, *(Y + 2**30)]


def test_names_are_kept():
    names = {"target_names": ["p", "q", "r"], "feature_names": list("abcde")}
    found = load_dataset(stream({"x": X, "y": Y, **names}))
    assert (found.classes, found.features) == (("p", "q", "r"), tuple("abcde"))


# --------------------------------------------------------------------------- files


def folder_of_images(folder, modes=("RGB", "L")):
    for split in ("train", "test"):
        for label in ("cat", "dog"):
            (folder / split / label).mkdir(parents=True)
            for number in range(5):
                mode = modes[number % len(modes)]
                values = RNG.integers(0, 256, (9, 8, 3), dtype=np.uint8)
                Image.fromarray(values).convert(mode).save(folder / split / label / f"{number}.png")
    return folder


@pytest.mark.parametrize("modes", [("RGB", "L"), ("L", "RGB"), ("L",)], ids=str)
@pytest.mark.parametrize("side", [None, 6])
def test_folders_of_images(tmp_path, monkeypatch, modes, side):
    folder, options = folder_of_images(tmp_path / "images", modes), DataOptions(image_size=side)
    data = load_dataset(folder, options)
    assert_same(load_dataset(stream(folder, options)), data)
    monkeypatch.setattr(image_files, "MOST_BYTES", 500)
    assert_same(load_dataset(folder, options), data)


def test_an_image_of_another_size_is_named(tmp_path):
    folder = folder_of_images(tmp_path / "images")
    Image.new("RGB", (3, 3)).save(folder / "train" / "dog" / "9.png")
    with pytest.raises(DataError, match=r"images of 2 sizes \(3x3, 8x9\); expected one size"):
        load_dataset(stream(folder))


def png(values):
    content = io.BytesIO()
    Image.fromarray(values).save(content, "PNG")
    return {"bytes": content.getvalue(), "path": None}


def test_parquet_by_row_groups(tmp_path):
    pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")
    frame = pd.DataFrame(X, columns=list("abcde")).assign(label=Y)
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=300)
    assert_same(load_dataset(stream(tmp_path / "rows.parquet")), load_dataset(tmp_path / "rows.parquet"), 1e-12)
    images = pd.DataFrame({"image": [png(values) for values in IMAGES], "label": Y[:40]})
    (tmp_path / "parts").mkdir()
    images.to_parquet(tmp_path / "parts" / "train-0.parquet", row_group_size=7)
    images[:9].to_parquet(tmp_path / "parts" / "validation-0.parquet")
    assert_same(load_dataset(stream(tmp_path / "parts")), load_dataset(tmp_path / "parts"))


def test_a_part_of_a_row_group_is_unpacked_to_its_last_row(tmp_path, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet")
    frame = pd.DataFrame(X, columns=list("abcde")).assign(label=Y)
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=400)
    unpacked, usual = [], parquet.ParquetFile.iter_batches

    def noted(file, *given, **said):
        for batch in usual(file, *given, **said):
            unpacked.append(len(batch))
            yield batch

    monkeypatch.setattr("interp.data.streams.parquet.BATCH", 50)
    rows = stream(tmp_path / "rows.parquet")
    monkeypatch.setattr(parquet.ParquetFile, "iter_batches", noted)
    for ranges, count in (([range(30)], 50), ([range(120, 130), range(140, 160)], 200), ([range(390, 420)], 450)):
        unpacked.clear()
        got = np.concatenate([batch["x"] for batch in rows.part(ranges)])
        np.testing.assert_array_equal(got, X[np.concatenate(ranges)])
        assert sum(unpacked) == count


@pytest.mark.parametrize("kind", ["folder", "parquet"])
def test_headers_of_images_are_read_once_a_source(tmp_path, monkeypatch, kind):
    if kind == "folder":
        rows, home = stream(folder_of_images(tmp_path / "images", ["L"]))["train"], "images"
    else:
        pytest.importorskip("pyarrow.parquet")
        frame = pd.DataFrame({"image": [png(values[..., 0]) for values in IMAGES], "label": Y[:40]})
        frame.to_parquet(tmp_path / "rows.parquet")
        rows, home = stream(tmp_path / "rows.parquet"), "parquet"
    looked = []
    monkeypatch.setattr(f"interp.data.streams.{home}.all_grey", lambda *given: looked.append(1) or all_grey(*given))
    whole = np.concatenate([batch["x"] for batch in rows.batches()])
    parts = [batch["x"] for at in (0, 4) for batch in rows.part([range(at, at + 4)])]
    np.testing.assert_array_equal(np.concatenate(parts), whole[:8])
    assert whole.shape[1] == len(looked) == 1


def test_columns_of_text_are_refused(tmp_path):
    pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")
    pd.DataFrame({"a": ["p", "q"], "label": [0, 1]}).to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(DataError, match="column 'a' of no numbers"):
        stream(tmp_path / "rows.parquet")


@pytest.mark.filterwarnings("ignore")  # the library's own, of how it names what it caches
def test_data_sets_of_the_datasets_library():
    datasets = pytest.importorskip("datasets")
    columns = {name: X[:, place] for place, name in enumerate("abcde")}
    rows = datasets.Dataset.from_dict({**columns, "label": Y})
    wanted = load_dataset({"x": X.astype(np.float64), "y": Y, "feature_names": list("abcde")})
    assert_same(load_dataset(stream(rows)), wanted)
    assert_same(load_dataset(stream(rows.to_iterable_dataset())), wanted)
    assert load_dataset(rows).digest == wanted.digest
    assert load_dataset(rows.to_iterable_dataset()).digest == wanted.digest
    assert_same(load_dataset(stream(datasets.DatasetDict(train=rows))), wanted)
    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=["p", "q", "r"]))
    images = datasets.Dataset.from_dict({"image": [png(values) for values in IMAGES], "label": Y[:40]}, features)
    pictures = load_dataset({"x": IMAGES, "y": Y[:40], "target_names": ["p", "q", "r"]})
    assert_same(load_dataset(stream(images)), pictures)


def test_a_users_own_module_may_be_called_datasets():
    own = type("Own", (Rows,), {"__module__": "datasets"})
    assert_same(load_dataset(stream(own())), load_dataset((X, Y)))
    assert not isinstance(type("Plain", (), {"__module__": "datasets.mine"})(), HuggingFace)
    assert isinstance(type("Dataset", (), {"__module__": "datasets.arrow_dataset"})(), HuggingFace)


def test_what_the_datasets_library_streams_is_no_data_set_of_torch():
    assert (
        find_source(type("IterableDataset", (Endless,), {"__module__": "datasets.iterable_dataset"})()) is from_batches
    )
    assert find_source(Endless()) is from_torch_dataset


# --------------------------------------------------------------------------- what goes wrong


def fails():
    yield X[:2], Y[:2]
    raise ZeroDivisionError("in the middle")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (fails, r"fails in memory: found samples that cannot be read: ZeroDivisionError: in the middle \(test_sources"),
        (lambda: 3, "<lambda> in memory: found 3; expected batches"),
        (lambda: [(X[:2], Y[:1])], "found a batch with rows: 2 of x, 1 of y"),
        (lambda: zip(X, Y, strict=True), "found batches whose y is one value"),
        (lambda: ["words"], "found batches whose x is one value, words"),
        (lambda: iter(()), "no samples"),
        (lambda: [(X[:2], Y[:2]), (X[:2, :3], Y[:2])], r"shape \(3,\), float32, after those of shape \(5,\)"),
        (lambda: [{"first": X, "second": X, "y": Y}], "batches of first, second, y; expected one array of inputs, x"),
        (lambda: [(X, Y), (X,)], "found a batch of x after one of x, y; expected the same arrays in every batch"),
        (lambda: [(X.astype(object), Y)], "type object; expected numbers"),
        (lambda: [(np.full((6, 4), np.nan), Y[:6])], "not finite in 32 bits in row 0"),
        (lambda: [(X, Y), (np.full((6, 5), np.inf), Y[:6])], "not finite in 32 bits in row 1000"),
        (Stream("mine", lambda: [{"x": X}], samples=3), "mine: found 1,000 samples; expected 3, as it says of itself"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(given, message):
    with pytest.raises(DataError, match=message) as refused:
        load_dataset(stream(given))
    assert "\n" not in str(refused.value)
    assert not [thread for thread in threading.enumerate() if thread.name == "interp-ahead"]


class Torn(Rows):
    """A data set with a row that fails, or one that is shorter than the others."""

    def __init__(self, is_short):
        self.is_short = is_short

    def __getitem__(self, at):
        if at == 150 and not self.is_short:
            raise ZeroDivisionError("torn")
        return X[at][: 3 if at == 150 else 5], int(Y[at])


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("is_short", [False, True])
def test_what_a_loader_raised_is_said_with_its_own_words_and_place(workers, is_short):
    loader = DataLoader(Torn(is_short), batch_size=64, num_workers=workers)
    for given in (loader, stream(loader)):
        with pytest.raises(DataError) as refused:
            load_dataset(given)
        if is_short:
            assert "RuntimeError" in str(refused.value)
            assert "collate_fn" in str(refused.value)
            assert "loaders.py" not in str(refused.value)  # a line of ours says nothing of where it has to be mended
        else:
            assert "read: ZeroDivisionError: torn (test_sources.py, line " in str(refused.value)
            assert "collate_fn" not in str(refused.value)


@pytest.mark.parametrize("given", [3, None, "digits", "missing.parquet"])
def test_what_gives_no_batches_is_refused(given):
    with pytest.raises((UsageError, DataError)):
        stream(given)


def test_interrupting_stops_the_reader():
    def interrupted():
        yield X, Y
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_dataset(stream(interrupted))
    assert not [thread for thread in threading.enumerate() if thread.name == "interp-ahead"]


class Blocks(IterableDataset):
    """Batches of a function, as a data set."""

    def __init__(self, function):
        self.function = function

    def __iter__(self):
        return self.function()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), UsageError("/tmp", found="no room", expected="room", do="-")])
@pytest.mark.parametrize("given", [lambda rows: rows, lambda rows: DataLoader(Blocks(rows), batch_size=None)])
def test_a_reader_that_hangs_hides_nothing_of_what_went_wrong(monkeypatch, error, given):
    hangs, goes_on, closed = threading.Event(), threading.Event(), threading.Event()
    add = collect.Kept.add

    def batches():
        try:
            yield X, Y
            yield X, Y
            hangs.set()
            goes_on.wait(20)
            yield X, Y
        finally:
            closed.set()

    def fails_second(table, rows):
        if table.count:
            assert hangs.wait(5)
            raise error
        add(table, rows)

    monkeypatch.setattr(collect, "MOST_HELD", 4000)
    monkeypatch.setattr(import_module("interp.streams.ahead"), "PATIENCE", 0.05)
    monkeypatch.setattr(collect.Kept, "add", fails_second)
    with pytest.raises(type(error)) as raised:
        load_dataset(given(batches))
    assert raised.value is error
    readers = [thread for thread in threading.enumerate() if thread.name == "interp-ahead"]
    goes_on.set()
    for reader in readers:
        reader.join(10)
    assert closed.is_set()  # by the reader


def test_it_is_public():
    assert interp.stream is stream
