"""The network that is read, and copies of it: run in one stack or by hooks, and cut at their layers."""
