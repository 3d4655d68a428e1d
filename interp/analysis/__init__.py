"""Arrays in, results out: moments, mixtures, boundaries, prototypes and clusters beside their nulls."""

from interp.analysis.boundaries import PRESETS, classify_boundaries, preset
from interp.analysis.clusters import ClusterOptions, match_clusters
from interp.analysis.clusters.untrained import UntrainedOptions, beside_untrained
from interp.analysis.counts import paired_difference, share_interval
from interp.analysis.gaussians import GaussianOptions, fit_gaussians
from interp.analysis.outputs.outputs import OutputStatistics, output_statistics
from interp.analysis.prototypes import PrototypeOptions, find_prototypes
from interp.analysis.statistics import (
    RunsTest,
    benjamini_hochberg,
    detectable_difference,
    explained_change,
    explained_interval,
    mcnemar,
    mean_from_sums,
    mean_interval,
    paired_bootstrap,
    paired_runs,
    percentile_interval,
)

__all__ = [
    "PRESETS",
    "ClusterOptions",
    "GaussianOptions",
    "OutputStatistics",
    "PrototypeOptions",
    "RunsTest",
    "UntrainedOptions",
    "benjamini_hochberg",
    "beside_untrained",
    "classify_boundaries",
    "detectable_difference",
    "explained_change",
    "explained_interval",
    "find_prototypes",
    "fit_gaussians",
    "match_clusters",
    "mcnemar",
    "mean_from_sums",
    "mean_interval",
    "output_statistics",
    "paired_bootstrap",
    "paired_difference",
    "paired_runs",
    "percentile_interval",
    "preset",
    "share_interval",
]
