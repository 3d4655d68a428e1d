"""Recordings of a network's pre-activations, and the provenance of results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

import numpy as np

from interp.types.annotations.shapes import Shape
from interp.types.arrays import Array, Rows
from interp.types.networks import NodeLayer
from interp.types.shown import ShortRepr, short_repr


@dataclass(frozen=True, repr=False)
class Provenance(ShortRepr):
    """Origin of a result, enough to refuse a file that belongs to another network or other data.

    Attributes
    ----------
    model_digest, data_digest
        SHA-256 of the checkpoint file, and of the data.
    seed
        Seed of the random number generators of the run.
    versions
        Name of a package -> its version.
    settings
        Options that shaped the result, as JSON values: checkpoint, data, and how the checkpoint was read.

    Examples
    --------
    >>> Provenance("5f0c", "9a1e", 0, {"torch": "2.6"}, {"checkpoint": "net.pt"}).seed
    0
    """

    model_digest: str
    data_digest: str
    seed: int
    versions: Mapping[str, str]
    settings: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all that the results depend on, in hexadecimal; empty for files of versions without one."""
        return str(self.settings.get("fingerprint", ""))


@dataclass(frozen=True, repr=False)
class ForwardLoss(ShortRepr):
    """How far forward passes in fewer bits lead from those in float32, on samples of a split drawn at random.

    Attributes
    ----------
    dtype
        Type of the products in these passes.
    samples
        Number of samples that were run both ways.
    layers
        Layer name -> largest and root-mean-square difference of each node's pre-activations, in standard deviations of
        the node over these samples; NaN of a node whose values are all the same.
    largest_output, typical_output
        Largest and root-mean-square difference of the outputs, in standard deviations of all of their values; NaN where
        they were not compared.
    changed
        Share of predicted classes that differ; NaN where no classes were predicted.

    Examples
    --------
    >>> ForwardLoss("bfloat16", 32, {}, 0.02, 0.004, 0.0).changed
    0.0
    """

    dtype: str
    samples: int
    layers: Mapping[str, Annotated[Array, Shape("2 N")]]
    largest_output: float
    typical_output: float
    changed: float


@dataclass(frozen=True, repr=False)
class Recording(ShortRepr):
    """Pre-activations of one split, read from disk a batch at a time.

    Attributes
    ----------
    split
        Name of the split.
    layers
        Layers that were recorded, in network order.
    z
        Layer name -> pre-activations, float32. A convolution has one row a recorded position.
    sample
        Layer name -> index of the sample that each row came from.
    position
        Layer name -> flat index of each row's output position; empty where there is only one position.
    output_range
        Layer name -> least and largest output of each node's activation, over all samples.
    output_mean
        Layer name -> mean output of each node's activation, over all samples.
    active_share
        Layer name -> share of rows, of all samples, on which the size of each node's output exceeds 1e-6.
    labels
        Class index of each sample; None without labels.
    predictions
        Class that the network gives each sample; -1 where it gives none: an output is not a number, or the task has no
        classes.
    provenance
        Network, data, versions and options of the recording.
    close
        Function that lets go of the file.
    rounding
        Layer name -> largest and root-mean-square change of each node's values by rounding, in standard deviations of
        the node; NaN of a node whose values are all the same. Empty where values are stored as float32.
    stored_as
        Type that pre-activations are stored as; they are read as float32.
    forward
        Difference from float32 of forward passes that were computed in another type; None where they were not.
    kept
        Index of each sample whose pre-activations are stored, ascending; None where those of all samples are.
    kept_by
        Rule by which these samples were drawn; empty where none are left out.
    codec
        Name of the codec that stored pre-activations are packed with, without loss: gzip, or none.
    """

    split: str
    layers: tuple[NodeLayer, ...]
    z: Mapping[str, Annotated[Rows, Shape("L N")]]
    sample: Mapping[str, Annotated[Array, Shape("L", "whole numbers")]]
    position: Mapping[str, Annotated[Array, Shape("L", "whole numbers", or_empty=True)]]
    output_range: Mapping[str, Annotated[Array, Shape("2 N")]]
    output_mean: Mapping[str, Annotated[Array, Shape("N")]]
    active_share: Mapping[str, Annotated[Array, Shape("N")]]
    labels: Annotated[Array, Shape("S", "whole numbers")] | None
    predictions: Annotated[Array, Shape("S", "whole numbers")]
    provenance: Provenance
    close: Callable[[], None] = lambda: None
    rounding: Mapping[str, Annotated[Array, Shape("2 N")]] = field(default_factory=dict)
    stored_as: str = "float32"
    forward: ForwardLoss | None = None
    kept: Annotated[Array, Shape("G", "whole numbers")] | None = None
    kept_by: str = ""
    codec: str = "none"

    def batches(self, layer: str, size: int = 8192) -> Iterator[Array]:
        """Yield the pre-activations of one layer in order.

        Parameters
        ----------
        layer
            Name of the layer.
        size
            Largest number of rows at a time.

        Yields
        ------
        Array
            Pre-activations, (size, N); fewer rows at the end.
        """
        rows = self.z[layer]
        for start in range(0, rows.shape[0], size):
            yield np.asarray(rows[start : start + size])

    def row_labels(self, layer: str) -> Array | None:
        """Give the label of each row of a layer.

        Parameters
        ----------
        layer
            Name of the layer.

        Returns
        -------
        Array
            Labels, (L,); None without labels.
        """
        return None if self.labels is None else self.labels[self.sample[layer]]

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class LayerRows(NamedTuple):
    """Some rows of one layer, with the inputs that they came from.

    Attributes
    ----------
    z
        Pre-activations, (B, N).
    layer_input
        Values that the nodes read, (B, D); for a convolution the patches.
    network_input
        Scaled network inputs, flat, (B / R, D0), each behind R rows in turn (a convolution's positions); the very same
        array as `layer_input` where the nodes read just that.

    Examples
    --------
    >>> LayerRows(np.zeros((4, 3)), np.zeros((4, 2)), np.zeros((2, 5)))
    LayerRows(z=float64[4, 3], layer_input=float64[4, 2], network_input=float64[2, 5])
    """

    z: Array
    layer_input: Array
    network_input: Array

    def __repr__(self) -> str:
        return short_repr(self)


@dataclass(frozen=True, repr=False)
class LabelledInputs(ShortRepr):
    """Rows of a layer's input with what is known of each.

    Attributes
    ----------
    inputs
        Values that the nodes read (S, D).
    labels
        Class of each row (S,); None without classes.
    predictions
        Class that the network predicts for each row (S,); -1 where it predicts none.
    """

    inputs: Array
    labels: Array | None
    predictions: Array
