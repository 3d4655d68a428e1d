"""Selection from results: values at the threshold, and the nodes that are shown where there is no room for all."""
