"""Execution plans: the quickest way to run each edit that gives the counts of a full pass."""
