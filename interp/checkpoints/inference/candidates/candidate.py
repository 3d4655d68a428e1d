"""What a bare file leaves open, as candidates: every combination of scaling, activation, output and order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from interp.checkpoints.inference.candidates.by_layer import joined
from interp.checkpoints.inference.candidates.outputs import BOUNDED, ENDS_ACTIVE, OUTPUTS
from interp.checkpoints.inference.convolutional.layouts import PoolingLayout
from interp.checkpoints.inference.stack.layers import Layer
from interp.types import Scaling

NORM_ORDERS = ("before", "after")
"""Orders of batch-norm and activation after a dense layer."""

POOLED_ORDERS = {False: ("before", "pool-first"), True: ("before", "after", "pool-first", "last")}
"""Without and with batch-norms: orders of norm, activation and pooling after a convolution, the usual first."""

FIRST = ("identity", "relu", "leaky_relu", "gelu", "silu", "elu", "softplus", "abs", "tanh", "sigmoid")
"""Activations that are tried first; the others are near enough to one of them to be weighed with it."""

PRELU = "prelu"
"""Name of activations whose slopes each layer has of its own."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """One possible interpretation of a stack of layers: what the file does not say.

    Attributes
    ----------
    scaling
        Scaling of stored inputs.
    activation
        Name of the hidden activation, of `interp.network.activations.ACTIVATIONS`; names with commas between them where
        each hidden layer has its own; or `PRELU`.
    output
        Form of the last layer's output, one of `interp.checkpoints.inference.candidates.outputs.STATED`.
    order
        Whether batch-norms act ``before`` or ``after`` the activation; in a convolutional network
        also ``pool-first`` (pooling, norm, activation) or ``last`` (activation, pooling, norm).
    layout
        Padding, stride and pooling of the convolutions; None without convolutions.
    """

    scaling: Scaling
    activation: str
    output: str
    order: str = "before"
    layout: PoolingLayout | None = None

    def __hash__(self) -> int:
        """Hash by what names it, since a scaling holds arrays."""
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        """Compare likewise."""
        return isinstance(other, Candidate) and self.key == other.key

    @property
    def ends_active(self) -> bool:
        """Whether the activation stands behind the last layer too, whatever the sign of the outputs."""
        return self.output in ENDS_ACTIVE

    @cached_property
    def key(self) -> tuple[str, str, str, str, str]:
        """Names and values that tell it from other candidates."""
        return (self.scaling.name, self.activation, self.output, self.order, str(self.layout))


def all_candidates(
    layers: Sequence[Layer],
    scalings: Mapping[str, Scaling],
    given: Mapping[str, str | None],
    layouts: Sequence[PoolingLayout] = (),
    measured: bool = False,
) -> list[Candidate]:
    """List every candidate that agrees with what the user gave.

    Parameters
    ----------
    layers
        Layers in running order.
    scalings
        Scalings to try, by printed name.
    given
        Values of ``activation`` and ``output`` that the user states; None, or no entry, where they are to be inferred.
    layouts
        Pooling layouts to try, of a convolutional network.
    measured
        Whether outputs are measured values, so that more functions behind the last layer make a difference.
    """
    activations = [given["activation"]] if given.get("activation") else list(FIRST)
    outputs = [given["output"]] if given.get("output") else [*OUTPUTS, *BOUNDED * measured]
    if any(layer.slope is not None for layer in layers):  # slopes are in the file
        activations, outputs = [PRELU], list(OUTPUTS[:1])
    elif measured and not given.get("activation") and (code := _code_of(layers)) is not None:
        hidden = range(len(layers) - 1)
        coded = [["identity" if i == code else name for i in hidden] for name in FIRST if name != "identity"]
        activations += [joined(names) for names in coded]
    normed = any(layer.norm for layer in layers)
    orders = POOLED_ORDERS[normed] if layouts else NORM_ORDERS if normed else NORM_ORDERS[:1]
    kinds: list[PoolingLayout | None] = [variant for layout in layouts for variant in layout.variants]
    if len(layers) == 1:
        activations = activations[:1] if given.get("activation") else ["identity"]
    return [
        Candidate(scaling, str(activation), str(output), order, layout)
        for layout, scaling, activation, order, output in product(
            kinds or [None], scalings.values(), activations, orders, outputs
        )
        if given.get("output") or output != activation  # the same as "activation"
    ]


def _code_of(layers: Sequence[Layer]) -> int | None:
    """Find the code of an autoencoder, behind which often nothing stands: its narrowest layer, inside of the others.

    Gives its index; None where outputs are not as many as inputs, or no one inner layer is narrower than all others.
    """
    widths = [len(layer.weight) for layer in layers]
    inner = widths[1:-2]
    if not inner or layers[0].is_convolution or widths[-1] != layers[0].weight.shape[1]:
        return None
    return widths.index(min(inner)) if widths.count(min(inner)) == 1 and min(widths) == min(inner) else None
