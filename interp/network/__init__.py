"""What a module is: its nodes, their activations, what calls them, and hooks to read and change them."""

from interp.network.activations import ACTIVATIONS, RELU_FAMILY, Activation, Negate
from interp.network.branches import INPUT, Dag, DagStep
from interp.network.caps import capped, chosen_nodes, drawn_nodes, least
from interp.network.chain import Chain, chain_of, chain_steps, run, split_at, usable_names
from interp.network.hooks import WITHOUT_OUTPUT, edit, tap
from interp.network.inputs import (
    BLOCK,
    IMAGE_BLOCK,
    IMAGE_SIDES,
    Runnable,
    as_tensor,
    channels_last,
    device_of,
    input_blocks,
    outputs_on,
    rows_a_block,
)
from interp.network.kinds import NODE_KINDS, NodeKind
from interp.network.maps.affine import affine_map
from interp.network.maps.read import read_by, weight_of
from interp.network.nodes import Structure, find_layers, rows_of_nodes
from interp.network.own_activations import Function, output_functions
from interp.network.tracing.calls import place_of

__all__ = [
    "ACTIVATIONS",
    "BLOCK",
    "IMAGE_BLOCK",
    "IMAGE_SIDES",
    "INPUT",
    "NODE_KINDS",
    "RELU_FAMILY",
    "WITHOUT_OUTPUT",
    "Activation",
    "Chain",
    "Dag",
    "DagStep",
    "Function",
    "Negate",
    "NodeKind",
    "Runnable",
    "Structure",
    "affine_map",
    "as_tensor",
    "capped",
    "chain_of",
    "chain_steps",
    "channels_last",
    "chosen_nodes",
    "device_of",
    "drawn_nodes",
    "edit",
    "find_layers",
    "input_blocks",
    "least",
    "output_functions",
    "outputs_on",
    "place_of",
    "read_by",
    "rows_a_block",
    "rows_of_nodes",
    "run",
    "split_at",
    "tap",
    "usable_names",
    "weight_of",
]
