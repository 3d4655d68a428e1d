"""Stacks of dense layers."""
