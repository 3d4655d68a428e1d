"""Networks as they were read from their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from interp.errors import unknown_name
from interp.types.annotations.edge import checked
from interp.types.arrays import Array
from interp.types.shown import ShortRepr

if TYPE_CHECKING:
    import torch

Confidence = Literal["certain", "likely", "uncertain"]


@dataclass(frozen=True, repr=False)
class Inference(ShortRepr):
    """One fact that the program worked out rather than was told.

    Attributes
    ----------
    value
        Value of the fact; JSON-able.
    confidence
        Confidence in it: ``certain`` if a file or the user states it, ``likely`` if data single it out, else
        ``uncertain``.
    evidence
        Reason for it, in one sentence with the numbers.
    harmless
        Whether the only doubt left is about what changes no prediction, such as a final softmax.

    Examples
    --------
    >>> Inference("relu", "certain", "the module's own layer").value
    'relu'
    """

    value: Any
    confidence: Confidence
    evidence: str
    harmless: bool = False


@dataclass(frozen=True, repr=False)
class Scaling(ShortRepr):
    """Input preprocessing ``(x / divisor - mean) / std``, in float32 and in that order.

    Attributes
    ----------
    name
        Name as printed: ``raw``, ``x/255``, ``(x/255-0.1307)/0.3081`` or ``(x-mean)/std``.
    divisor
        Number that stored inputs are divided by; 255 for bytes.
    mean, std
        Mean subtracted after that, and standard deviation divided by: scalars (), or one value per input (D,).

    Examples
    --------
    >>> Scaling("x/255", divisor=255.0)(np.array([[0, 51]], np.uint8))
    array([[0. , 0.2]], dtype=float32)
    """

    name: str
    divisor: float = 1.0
    mean: Array = field(default_factory=lambda: np.zeros((), np.float32))
    std: Array = field(default_factory=lambda: np.ones((), np.float32))

    def __call__(self, inputs: Array) -> Array:
        """Scale stored inputs (S, D) to what the network was trained on, float32 (S, D)."""
        # converted while dividing, in parts that stay in the processor's cache; 1 divides exactly
        scaled: Array = np.divide(inputs, np.float32(self.divisor), dtype=np.float32, casting="unsafe")
        if np.any(self.mean != 0):
            scaled = scaled - self.mean.astype(np.float32)
        if np.any(self.std != 1):
            scaled = scaled / self.std.astype(np.float32)
        return scaled

    def undone(self, scaled: Array) -> Array:
        """Give back stored inputs, in the units of the data, of scaled ones (..., D), float64.

        Parameters
        ----------
        scaled
            Inputs as the network sees them, or means of such.

        Examples
        --------
        >>> Scaling("x/255", divisor=255.0).undone(np.array([0.0, 0.2]))
        array([ 0., 51.])
        """
        stored: Array = (np.asarray(scaled, float) * self.std + self.mean) * self.divisor
        return stored


@dataclass(frozen=True, repr=False)
class NodeLayer(ShortRepr):
    """The nodes of one linear map, and where their values are found.

    Attributes
    ----------
    name
        Dotted path of the linear map; node 17 of ``fc1`` is ``fc1:17``.
    kind
        Name of one of `interp.network.kinds.NODE_KINDS`, such as ``linear``, ``conv2d``, ``offset-l2``.
    nodes
        Number of nodes, N: of output channels.
    inputs
        Number of values that one node reads, D; for a convolution those of a patch.
    activation
        Name of the activation in `interp.network.activations.ACTIVATIONS`, or ``custom``.
    tap
        Module whose output is z: the linear map, or the norm that follows it. Where no module's output
        is z, the parameter or buffer that marks the call of the torch function that computes it.
    layout
        Order of the rows of z: ``samples``, one sample a row; ``folded``, each sample as several rows one after the
        other; ``positions-first``, the first positions of all samples before the second ones. In a recurrent network
        z comes one time step at a time: ``steps``, the first step first; ``steps-backwards``, the last one first.
    """

    name: str
    kind: str
    nodes: int
    inputs: int
    activation: str
    tap: str
    layout: Literal["samples", "folded", "positions-first", "steps", "steps-backwards"] = "samples"

    @property
    def is_stepwise(self) -> bool:
        """Whether z comes one time step at a time."""
        return self.layout in ("steps", "steps-backwards")


@dataclass(frozen=True, repr=False)
class LoadedModel(ShortRepr):
    """A network ready to be looked at, and how it was read.

    Attributes
    ----------
    module
        Network in eval mode, on the device the user gave it; maps scaled inputs to its outputs.
    layers
        Node layers in the order in which they run.
    path
        Path of the file, or the name of an architecture or module.
    format
        Format of the file, such as ``torch-zip`` or ``zoo``.
    digest
        SHA-256 of the file, or of a module's weights, in hexadecimal digits.
    scaling
        Scaling of stored inputs.
    input_shape
        Shape of one sample as the module takes it, such as (784,) or (1, 28, 28).
    output
        Form of the outputs, as a function of the last layer's z: ``linear``, ``negated-activation``, ...
    inferred
        Name of a fact -> value, confidence and evidence.
    skipped
        Name of a part with parameters that is not covered -> the reason; none is dropped silently.
    metadata
        Statements of the file about itself (data, seed, epoch, metrics); plain values only.
    task
        Name of the task, for `interp.tasks.find_task`.
    scores
        Split -> score of that task, such as accuracy or R².
    network_layers
        Node layers of the whole network, in the order in which they run; empty where `layers` are all of them.
    """

    module: torch.nn.Module
    layers: tuple[NodeLayer, ...]
    path: str
    format: str
    digest: str
    scaling: Scaling
    input_shape: tuple[int, ...]
    output: str
    inferred: Mapping[str, Inference]
    skipped: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    task: str = "classification"
    scores: Mapping[str, float] = field(default_factory=dict)
    network_layers: tuple[NodeLayer, ...] = ()

    @property
    def every_layer(self) -> tuple[NodeLayer, ...]:
        """Node layers of the whole network, those included that are not looked at."""
        return self.network_layers or self.layers

    @property
    def hidden(self) -> tuple[NodeLayer, ...]:
        """Layers that are looked at, without the network's last."""
        return tuple(layer for layer in self.layers if not self.is_last(layer))

    def is_first(self, layer: NodeLayer) -> bool:
        """Tell whether a layer is the network's first.

        Parameters
        ----------
        layer
            Layer of the network.
        """
        return layer.name == self.every_layer[0].name

    def is_last(self, layer: NodeLayer) -> bool:
        """Tell whether a layer is the network's last, whose nodes are outputs.

        Parameters
        ----------
        layer
            Layer of the network.
        """
        return layer.name == self.every_layer[-1].name

    @checked
    def layer(self, name: str) -> NodeLayer:
        """Find a layer by name.

        Parameters
        ----------
        name
            Dotted path of the layer's linear map.

        Raises
        ------
        UsageError
            If there is no such layer; the line says which names are close.
        """
        found = {layer.name: layer for layer in self.layers}
        if name not in found:
            raise unknown_name("layer", name, found)
        return found[name]
