"""Prototypes beside k-means centroids, what either makes of the classes, and the nulls of both."""

from interp.analysis.clusters.cells import nearest
from interp.analysis.clusters.clusters import fit_centroids, match_all, match_clusters
from interp.analysis.clusters.matching import match_to_centroids
from interp.analysis.clusters.options import ClusterOptions

__all__ = ["ClusterOptions", "fit_centroids", "match_all", "match_clusters", "match_to_centroids", "nearest"]
