"""Permutations of nodes that leave what a network computes as it is, and those that bring two networks together."""
