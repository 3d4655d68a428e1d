"""Which components of a node's mixture are clusters of their own, in all samples and in halves of them."""
