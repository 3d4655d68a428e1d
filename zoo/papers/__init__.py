"""The papers' experiments, one file a paper: what to train, what to measure, what was published."""
