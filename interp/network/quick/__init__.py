"""Parts of networks that do the same in less time, for networks that are run thousands of times."""
