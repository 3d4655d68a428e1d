"""What a network loses when its nodes' values are scaled, clipped, shifted, clamped or silenced.

Scale, clip and offset act on z before the activation as y = min(s z + t, clip), with levels in fractions
of each node's own output range (use-DM, arXiv 2411.17932); clamps and ablations act on the activation's
output. What comes before a layer is run once for a block of rows, what follows once for every level;
where a linear map follows, a change of one node is a rank-1 update.
"""

from interp.interventions.edits import INTERVENTIONS, NO_OPS, Edit, Ranges, ablate, find_intervention, on_nodes
from interp.interventions.engine.output_ranges import output_ranges
from interp.interventions.engine.tally import Tally, tally, tally_together
from interp.interventions.groups import sweep_group
from interp.interventions.levels import PUBLISHED, levels
from interp.interventions.readouts.control import compare_with_control, permute, shuffle_weights
from interp.interventions.readouts.curves import clamp_curves, node_levels
from interp.interventions.readouts.over_runs import over_runs, same_architecture
from interp.interventions.sweep import InterventionOptions, check_options, intervene, untouched

__all__ = [
    "INTERVENTIONS",
    "NO_OPS",
    "PUBLISHED",
    "Edit",
    "InterventionOptions",
    "Ranges",
    "Tally",
    "ablate",
    "check_options",
    "clamp_curves",
    "compare_with_control",
    "find_intervention",
    "intervene",
    "levels",
    "node_levels",
    "on_nodes",
    "output_ranges",
    "over_runs",
    "permute",
    "same_architecture",
    "shuffle_weights",
    "sweep_group",
    "tally",
    "tally_together",
    "untouched",
]
