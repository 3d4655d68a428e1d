"""Outputs of the nodes of a layer: their range and activity, and which nodes do the same."""
