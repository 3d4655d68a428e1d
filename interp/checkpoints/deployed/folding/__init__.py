"""A program as one list of nodes: constants computed, branches and loops opened."""
