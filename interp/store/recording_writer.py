"""Recordings that are written a block of samples at a time, and continued after a kill.

Values lie contiguous and are allocated first, so that a kill leaves a readable file whose ``progress`` says how many
samples are done. Where they are to be packed, the file is written once more when it is whole (`interp.store.codec`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from interp.analysis.outputs.sums import OutputSums
from interp.errors import InterpError, UsageError
from interp.store.atomic import cannot_write, reserve
from interp.store.begun import Written, damaged, is_laid_out
from interp.store.blocks import BLOCK_ROWS, CheckedRows, ChecksumWriter, block_count
from interp.store.checks.sound import check_texts, prepare_seal, seal
from interp.store.codec.rewrite import packing_path, write_packed
from interp.store.codec.rows import check_packed_rows, find_codec, rows_on_disk
from interp.store.elements import VERSION, read_element, write_element
from interp.store.files import DAMAGE
from interp.store.handles import write_rows
from interp.store.packed import is_packed
from interp.store.precision.forward import COMPUTED_IN, ForwardSums, prepare_forward, write_forward
from interp.store.precision.kinds import DecodedRows, find_kind
from interp.store.precision.rounding import (
    ROUNDED,
    ROUNDING,
    SUMS,
    add_rounding,
    check_range,
    prepare_rounding,
    relative,
)
from interp.store.recordings import ENCODING, OUTPUT_STATISTICS, STORED_AS, kind_of
from interp.store.sampled.kept import KEPT, RULE, Kept, write_kept
from interp.store.sampled.outputs import SUMMED, add_outputs, outputs_of, prepare_outputs
from interp.types import Array, NodeLayer, Provenance

if TYPE_CHECKING:
    from h5py.h5d import DatasetID

OVERHEAD = 2**20
"""Number of bytes that the headers and the provenance of a recording stay below."""


@dataclass(frozen=True)
class _Parts:
    """Datasets of a split that are written with every block of samples.

    Attributes
    ----------
    predictions, progress
        Handle of the class of each sample (S,), and number of samples that are done (1,).
    values, position
        Layer name -> handle of the rows of the layer (L, N), and of the position of each (L,) where there are several.
    sums
        Layer name -> checksums of the rows.
    written
        Checksum of what these leave out.
    """

    predictions: DatasetID
    progress: h5py.Dataset
    values: Mapping[str, DatasetID]
    position: Mapping[str, DatasetID]
    sums: Mapping[str, ChecksumWriter]
    written: Written

    @classmethod
    def of(cls, group: h5py.Group, samples: int, rows: Mapping[str, int]) -> _Parts:
        """Look up the datasets of a split, of which some samples are on disk, and so many rows of each layer."""
        layers = {name: group["z"][name] for name in rows}
        sums = {name: ChecksumWriter(part["values"], part["checksums"]) for name, part in layers.items()}
        return cls(
            group["predictions"].id,
            group["progress"],
            {name: part["values"].id for name, part in layers.items()},
            {name: part["position"].id for name, part in layers.items() if "position" in part},
            sums,
            Written(group, samples, rows, sums),
        )


class RecordingWriter:
    """Writes a recording beside its final name and moves it there when it is whole; use it in a ``with`` block.

    Parameters
    ----------
    path
        Final path of the file.
    layers
        Layers that are recorded.
    samples
        Name of a split -> number of its samples, S.
    positions
        Layer name -> number of recorded positions of a sample.
    provenance
        Model, data and options of the recording; an unfinished file with the same is continued.
    labelled
        Names of the splits whose samples have labels: room for these is taken first, since a file whose parts move
        as it is written may not open after a kill, and is not the same to the byte.
    dtype
        Type that pre-activations are stored as: ``float32``, ``float16`` or ``bfloat16``.
    placed
        Names of the layers whose rows come with their positions; None for those with several positions of a sample.
    forward
        Type that forward passes are computed in; of another than float32 `compare` takes the difference.
    kept
        Samples whose pre-activations are stored. Where some are left out, sums over the outputs of all samples are
        kept beside them.
    codec
        Name of the codec that pre-activations are packed with once all are there: ``none`` or ``gzip``. Until then, and
        beside the packed file while that is written, they take the room that they take unpacked.

    Raises
    ------
    UsageError
        If the folder cannot be written, another process is writing the same recording, or there is no such type or
        codec.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> layers = (NodeLayer("fc1", "linear", 2, 4, "relu", "fc1"),)
    >>> provenance = Provenance("ab", "cd", 0, {}, {})
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "activations.h5")
    ...     with RecordingWriter(path, layers, {"train": 3}, {"fc1": 1}, provenance) as writer:
    ...         writer.write("train", 0, np.array([0, 1, 1]), {"fc1": (np.ones((3, 2)), np.empty(0))})
    ...         writer.summarise("train", None, {"fc1": (np.ones((2, 2)), np.ones(2), np.ones(2))})
    ...         unfinished = path.exists()
    ...     unfinished, path.exists()
    (False, True)
    """

    def __init__(
        self,
        path: Path,
        layers: tuple[NodeLayer, ...],
        samples: Mapping[str, int],
        positions: Mapping[str, int],
        provenance: Provenance,
        labelled: Collection[str] = (),
        dtype: str = "float32",
        placed: Collection[str] | None = None,
        forward: str = "float32",
        kept: Kept = Kept(),
        codec: str = "none",
    ) -> None:
        self.path, self.layers, self.samples, self.positions = path, layers, samples, positions
        self.provenance, self.labelled, self.kind, self.kept = provenance, labelled, find_kind(dtype), kept
        self._forward, self._codec = forward, find_codec(codec)
        several = [name for name, count in positions.items() if count > 1]
        self._placed = several if placed is None else placed
        self._parts: dict[str, _Parts] = {}
        self._part = path.with_name(f".{path.name}.partial")
        self._is_resumed = False

    def __enter__(self) -> RecordingWriter:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            resumed = self._resumed()
            self._is_resumed, self._file = resumed is not None, resumed or self._begun()
        except OSError as error:
            raise cannot_write(self.path, error) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        try:
            if kind is None:
                with self._gone_on_with():
                    self._finish()
            self._file.close()
            if kind is None:
                self._part.replace(self.path)
        except OSError as problem:
            self._file.close()
            raise cannot_write(self.path, problem) from problem
        if isinstance(error, OSError):
            raise cannot_write(self.path, error) from error

    @contextmanager
    def _gone_on_with(self) -> Iterator[None]:
        """Say in one line, and remove it, where what an earlier run left cannot be written to or packed."""
        try:
            yield
        except (OSError, MemoryError, InterpError):
            raise
        except DAMAGE as error:
            if not self._is_resumed:
                raise
            self._file.close()
            self._part.unlink(missing_ok=True)
            raise damaged(self.path) from error

    def _finish(self) -> None:
        """Pack what is written, unless it is packed, and seal it; a kill leaves one file or the other, each whole."""
        for split in self.samples:
            self._parts_of(split).written.finish()
        if self._codec == "none" or self._is_packed(self._file):
            seal(self._file)
            return
        self._file.close()  # opened anew the bytes of a copy follow from the file alone, not from who wrote what of it
        self._file = h5py.File(self._part, "r+")
        packed = packing_path(self.path)
        write_packed(self._file, packed)
        packed.replace(self._part)

    def done(self, split: str) -> int:
        """Count the samples of a split that are on disk.

        Parameters
        ----------
        split
            Name of the split.
        """
        return int(self._file[split]["progress"][0])

    def write(
        self,
        split: str,
        start: int,
        predictions: Array,
        z: Mapping[str, tuple[Array, Array]],
        outputs: Mapping[str, OutputSums] | None = None,
    ) -> None:
        """Write the predictions of B samples, and the pre-activations of those b of them that are stored.

        Parameters
        ----------
        split
            Name of the split.
        start
            Index of the first sample; they come in order.
        predictions
            Class that the network predicts for each sample, (B,).
        z
            Layer name -> pre-activations (b * p, N) and positions (b * p,) of the rows; no positions where p is 1.
        outputs
            Layer name -> sums over the outputs of all B samples; needed of a split of which samples are left out.

        Raises
        ------
        UsageError
            If there are values beyond what the type that they are stored as can hold.
        """
        with self._gone_on_with():
            self._write(split, start, predictions, z, outputs)

    def _write(
        self,
        split: str,
        start: int,
        predictions: Array,
        z: Mapping[str, tuple[Array, Array]],
        outputs: Mapping[str, OutputSums] | None,
    ) -> None:
        parts, rounded, before = self._parts_of(split), {}, self._rows(split, start)
        done = start + len(predictions)
        write_rows(parts.predictions, start, predictions)
        for layer, (given, position) in z.items():
            values = np.asarray(given, np.float32)
            stored = self.kind.encode(values)
            if not self.kind.is_exact:
                rounded[layer] = values, self.kind.decode(stored)
                check_range(layer, *rounded[layer], self.kind)
            first = before[layer]
            if len(stored):
                write_rows(parts.values[layer], first, stored)
                parts.sums[layer].add(first, stored)
            if len(position):
                write_rows(parts.position[layer], first, position)
        if rounded:
            add_rounding(self._file[split], start, len(predictions), rounded, before)
        if outputs:
            add_outputs(self._file[split], start, len(predictions), outputs)
        parts.written.add(predictions, self._rows(split, done), {layer: position for layer, (_, position) in z.items()})
        self._file.flush()  # what progress counts is on disk before it
        parts.progress[0] = done
        parts.progress.flush()

    def _parts_of(self, split: str) -> _Parts:
        """Give what is written of a split with every block: to look it up anew each time costs more than to write."""
        if split not in self._parts:
            self._parts[split] = self._parts_in(self._file, split)
        return self._parts[split]

    def _parts_in(self, file: h5py.File, split: str) -> _Parts:
        done = int(file[split]["progress"][0])
        return _Parts.of(file[split], done, self._rows(split, done))

    def _rows(self, split: str, samples: int) -> dict[str, int]:
        """Count the rows of each layer that are stored of the first samples of a split."""
        stored = self.kept.before(split, samples)
        return {layer: stored * positions for layer, positions in self.positions.items()}

    def values(self, split: str, layer: str) -> Any:
        """Give the rows of a layer that are on disk.

        Parameters
        ----------
        split
            Name of the split.
        layer
            Name of the layer.

        Returns
        -------
        Rows
            Pre-activations as they will be read, (L, N).
        """
        values = rows_on_disk(self._file[split]["z"][layer]["values"], _damaged)
        return values if self.kind.is_exact else DecodedRows(values, self.kind)

    def outputs(self, split: str, layer: str) -> OutputSums:
        """Give the sums over the outputs of all samples, once a split is whole of which some samples are stored.

        Parameters
        ----------
        split
            Name of the split.
        layer
            Name of the layer.
        """
        samples = self.samples[split]
        with self._gone_on_with():
            return outputs_of(self._file[split], layer, samples, samples * self.positions[layer])

    def summarise(self, split: str, labels: Array | None, outputs: Mapping[str, tuple[Array, Array, Array]]) -> None:
        """Write the labels and the statistics of outputs, once a split is whole.

        Parameters
        ----------
        split
            Name of the split.
        labels
            Class index of each sample, (S,); None without labels.
        outputs
            Layer name -> output range (2, N), mean output (N,) and active share (N,) of the nodes.
        """
        group = self._file[split]
        with self._gone_on_with():
            if labels is not None:
                group["labels"][...] = labels
            for layer, values in outputs.items():
                for name, value in zip(OUTPUT_STATISTICS, values, strict=True):
                    group["z"][layer][name][...] = value
            if not self.kind.is_exact:
                self._summarise_rounding(group, split)

    def compare(self, split: str, found: ForwardSums) -> None:
        """Write how far forward passes are from those in float32.

        Parameters
        ----------
        split
            Name of the split.
        found
            Sums over samples that were run both ways.
        """
        with self._gone_on_with():
            write_forward(self._file[split], found)

    def _summarise_rounding(self, group: h5py.Group, split: str) -> None:
        here = ROUNDED.place(group, self.samples[split])
        for layer, rows in self._rows(split, self.samples[split]).items():
            part = group["z"][layer]
            part[ROUNDING][...] = relative(part[SUMS][here], rows)

    def _begun(self) -> h5py.File:
        self._take_room(self._size)
        file = h5py.File(self._part, "w")
        file.attrs["encoding-type"], file.attrs["encoding-version"] = ENCODING, VERSION
        prepare_seal(file)
        write_element(file, "provenance", self.provenance)
        write_element(file, "layers", self.layers)
        for split, samples in self.samples.items():
            group = file.create_group(split)
            for name in ("predictions", "labels") if split in self.labelled else ("predictions",):
                _take_place(group.create_dataset(name, (samples,), np.int64))
            write_kept(group, split, self.kept)
            rows = self._rows(split, samples)
            for layer in self.layers:
                self._allocate(group.create_group(f"z/{layer.name}"), layer, rows[layer.name])
            if split in self.kept.samples:
                prepare_outputs(group, self.layers)
            if not self.kind.is_exact:
                prepare_rounding(group, self.layers)
            if self._forward != "float32":
                prepare_forward(group, self.layers, self._forward)
            group.create_dataset("progress", data=np.zeros(1, np.int64))
            self._parts_in(file, split).written.prepare()
        file.flush()
        try:
            self._take_room(self._part.stat().st_size)  # it was given back when the file was begun
        except OSError:
            file.close()
            raise
        return file

    @property
    def _size(self) -> int:
        """Size of the file in bytes, or a little more."""
        a_value = self.kind.dtype.itemsize
        a_sample = sum(self.positions[layer.name] * (a_value * layer.nodes + 4) for layer in self.layers)
        stored = sum(self.kept.before(split, samples) for split, samples in self.samples.items())
        return stored * (a_sample + 8) + sum(self.samples.values()) * 16 + OVERHEAD

    def _take_room(self, size: int) -> None:
        try:
            reserve(self._part, size)
        except OSError:
            self._part.unlink()
            raise

    def _allocate(self, group: h5py.Group, layer: NodeLayer, rows: int) -> None:
        group.attrs["positions"] = self.positions[layer.name]
        if not self.kind.is_exact:
            group.attrs[STORED_AS] = self.kind.name
        _take_place(group.create_dataset("values", (rows, layer.nodes), self.kind.dtype))
        group.create_dataset("checksums", data=np.zeros(block_count(rows), np.uint32))
        if layer.name in self._placed:
            _take_place(group.create_dataset("position", (rows,), np.int32))
        for name in OUTPUT_STATISTICS:
            group.create_dataset(name, data=np.zeros((2, layer.nodes) if name == "output_range" else layer.nodes))

    def _resumed(self) -> h5py.File | None:
        """Open a partial file of the very same run; None if there is none that can be used."""
        if not self._part.is_file():
            return None  # also where a pipe is, which would wait for someone who writes
        try:
            file = h5py.File(self._part, "r+")
        except BlockingIOError as error:  # to begin anew would empty the file under whoever writes it
            raise UsageError(
                self.path,
                found="another run that is recording it",
                expected="one at a time",
                do="wait for it, or choose another folder with --out",
            ) from error
        except OSError:
            return None
        with suppress(*DAMAGE):  # killed before its header was whole
            if self._is_ours(file):
                return file
        try:
            file.close()
        except DAMAGE:  # which HDF5 meets again as it closes the file: it is begun anew as another one
            self._part.unlink(missing_ok=True)
        return None

    def _is_ours(self, file: h5py.File) -> bool:
        """Whether a file is of the same run; reads every dataset's header, so that damage shows now."""
        check_texts(self._part, check_packed_rows)  # links too: what is one would be written to elsewhere
        if self._is_packed(file) and not (self._codec == "gzip" and self._is_whole(file)):
            return False  # rows that HDF5 itself would unpack
        shapes = [
            self._keeps_same(file[split], split)
            and is_laid_out(
                file[split],
                count,
                self._rows(split, count),
                self.layers,
                self.kind.dtype,
                split in self.labelled,
                self._placed,
            )
            and file[split].attrs.get(COMPUTED_IN, "float32") == self._forward
            and kind_of(file[split]["z"][layer.name]) == self.kind
            for split, count in self.samples.items()
            for layer in self.layers
        ]
        same = read_element(file["provenance"]) == self.provenance and read_element(file["layers"]) == self.layers
        if same and all(shapes):
            self._check_blocks(file)
        return same and all(shapes)

    def _is_packed(self, file: h5py.File) -> bool:
        """Whether values of a file are packed."""
        return any(
            is_packed(file[split]["z"][layer.name]["values"].id) for split in self.samples for layer in self.layers
        )

    def _is_whole(self, file: h5py.File) -> bool:
        """Whether all samples of all splits are in a file."""
        return all(int(file[split]["progress"][0]) == count for split, count in self.samples.items())

    def _keeps_same(self, group: h5py.Group, split: str) -> bool:
        """Whether a split of a file is of the samples that are to be stored."""
        if split not in self.kept.samples:
            return KEPT not in group
        if KEPT not in group or group[KEPT].attrs[RULE] != self.kept.rule:
            return False
        return SUMMED.is_in(group) and np.array_equal(group[KEPT], self.kept.samples[split])

    def _check_blocks(self, file: h5py.File) -> None:
        """Raise `ValueError` where what is on disk is not as it was written, as after a crash of the machine."""
        for split, samples in self.samples.items():
            done = int(file[split]["progress"][0])
            for layer, rows in self._rows(split, done).items():
                part = file[split]["z"][layer]
                whole = rows if done == samples else rows - rows % BLOCK_ROWS
                CheckedRows(rows_on_disk(part["values"], _damaged), part["checksums"], _damaged).check(whole)
            self._parts_in(file, split).written.check()


def _take_place(empty: h5py.Dataset) -> None:
    """Take the place of a dataset in the file, which reads as zeros: metadata must not change later."""
    empty[-1:] = 0


def _damaged(block: int, first: int, last: int) -> ValueError:
    return ValueError(f"rows {first} to {last}, block {block}, are not as they were written")
